package main

import (
	"slices"
	"testing"
)

func TestParseCookies(t *testing.T) {
	const padded = "0123456789abcdefghijklmnop=="
	for _, test := range []struct {
		text string
		want []cookie
	}{
		{"value", []cookie{{"", "value"}}},
		{padded, []cookie{{"", padded}}}, // base64, not a name without a value
		{" value \n", []cookie{{"", "value"}}},
		{`"value"`, []cookie{{"", "value"}}},
		{"__Host-id=value", []cookie{{"__Host-id", "value"}}},
		{"__Host-id=" + padded, []cookie{{"__Host-id", padded}}},
		{"Cookie: theme=dark; __Host-id=value; other=x", []cookie{{"__Host-id", "value"}}},
		{"cookie: a=1; b=2", []cookie{{"a", "1"}, {"b", "2"}}}, // the application may have named it
		{"id=old; __Secure-id=new", []cookie{{"id", "old"}, {"__Secure-id", "new"}}},
		{"Set-Cookie: __Host-id=value; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60", []cookie{{"__Host-id", "value"}}},
		{"sid=value; Path=/; Domain=example.com; Expires=Thu, 01 Jan 2026 00:00:00 GMT; secure", []cookie{{"sid", "value"}}},
		{"__Host-id=; Path=/", nil},
		{"", nil},
		{" ; ;", nil},
		{"=", nil},
	} {
		if got := parseCookies(test.text, defaultName); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
}

func FuzzParseCookies(f *testing.F) {
	for _, seed := range []string{"value", "__Host-id=value; Path=/", "Cookie: a=b; c", "a==", `"`, "="} {
		f.Add(seed, "id")
	}
	f.Fuzz(func(t *testing.T, text, manager string) {
		for _, c := range parseCookies(text, manager) {
			if c.value == "" {
				t.Errorf("%q has a cookie without a value", text)
			}
		}
	})
}
