package sessionui

import (
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "user:42": "user:42", "Zoë Müller": "Zoë Müller", "日本": "日本", " x": `" x"`, "a\nb": `"a\nb"`,
		"\u202ex": `"\u202ex"`, `"x"`: `"\"x\""`, "\xff": `"\xff"`, `a\b`: `"a\\b"`,
		strings.Repeat("ü", 80):     strings.Repeat("ü", 80),
		strings.Repeat("ü", 10_000): strings.Repeat("ü", 80) + "… (20,000 bytes)",
	} {
		if got := shown(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// Nothing that is shown is invisible, or longer than there is room for, and no two short texts look the same.
func FuzzShown(f *testing.F) {
	for _, seed := range []string{"", "user:42", "\u202e", "\xff\x00", "\u2028", strings.Repeat("x", 200)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := shown(text)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 10*longestText+40 {
			t.Fatalf("%q is shown as %q", text, got)
		}
		for _, r := range got {
			if !strconv.IsPrint(r) {
				t.Errorf("%q is shown with %U", text, r)
			}
		}
		if back, err := strconv.Unquote(got); err == nil && back != text && !strings.HasPrefix(text, back) {
			t.Errorf("%q is shown as %q", text, got)
		}
	})
}

func TestDistance(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]string{
		0: "now", -30 * time.Second: "now", -time.Minute: "1 min ago", -90 * time.Minute: "1 hour ago",
		-50 * time.Hour: "2 days ago", 25 * time.Minute: "in 25 min", -400 * 24 * time.Hour: "400 days ago",
	} {
		if got := distance(now.Add(d), now); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
