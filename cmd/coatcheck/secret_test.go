package main

import (
	"encoding/json"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

func TestSecretive(t *testing.T) {
	for _, name := range []string{
		"token", "csrf", "csrf_token", "accessToken", "APIKey", "oauth.state", "otp", "loginOTP", "otp_2", "nonce",
		"password", "pwd",
		"code_verifier", "recovery-codes", "client_secret", "XSRF", "pin", "oauth",
	} {
		if !secretive(name) {
			t.Errorf("%q is not taken for a secret", name)
		}
	}
	for _, name := range []string{
		"", "cart", "theme", "visits", "footprint", "shopping", "estate", "compass", "user.name", "passenger", "author",
	} {
		if secretive(name) {
			t.Errorf("%q is taken for a secret", name)
		}
	}
}

// presentValues is what inspect makes of values.
func presentValues(secrets bool, values map[string][]byte) presented {
	f := finding{carrier: carrierStore}
	f.Handle, f.Values = "handle", values
	return inspect{Secrets: secrets}.present(f)
}

func TestSecretsInsideValuesAreHidden(t *testing.T) {
	values := map[string][]byte{
		"login": []byte(`{"user":"ann","access_token":"hunter2","list":[{"Password":"hunter2","n":12345678901234567890}]}`),
	}
	if got := string(presentValues(false, values).Values["login"]); strings.Contains(got, "hunter2") ||
		!strings.Contains(got, "ann") || !strings.Contains(got, "12345678901234567890") ||
		!strings.Contains(got, "(hidden, 9 bytes; --secrets shows it)") {
		t.Errorf("without --secrets: %s", got)
	}
	if got := string(presentValues(true, values).Values["login"]); got != string(values["login"]) {
		t.Errorf("with --secrets: %s, want it as it is stored", got)
	}
	// The first of two equal names must not slip through because a reader believes the second.
	values["login"] = []byte(`{"a":{"token":"hunter2"},"a":1}`)
	if got := string(presentValues(false, values).Values["login"]); strings.Contains(got, "hunter2") {
		t.Errorf("without --secrets: %s", got)
	}
}

func TestValueThatIsNotJSON(t *testing.T) {
	p := presentValues(false, map[string][]byte{"blob": {0xff, 0x00}, "token": {0xff, 0x00}})
	if got := string(p.Values["blob"]); got != `"not JSON, base64: /wA="` {
		t.Errorf("blob: %s", got)
	}
	if got := string(p.Values["token"]); got != `"(hidden, 2 bytes; --secrets shows it)"` {
		t.Errorf("token: %s", got)
	}
}

// A visitor who can name himself must not be able to give orders to the operator's terminal.
func TestNoControlCharactersReachTheTerminal(t *testing.T) {
	const evil = "\x1b[2J\u009b31m\u202e\U000e0001\x07"
	value, err := json.Marshal(evil)
	if err != nil {
		t.Fatal(err)
	}
	f := finding{carrier: carrierStore, name: evil}
	f.Inspection = session.Inspection{
		Info:   session.Info{Handle: "h", Subject: evil, Agent: evil, Network: evil},
		Values: map[string][]byte{evil: value, "v": value, "spaced": []byte("{\n\t\"a\": 1\r}")},
	}
	for _, secrets := range []bool{true, false} {
		text := inspect{Secrets: secrets}.present(f).text()
		for _, r := range text {
			if r != '\n' && (r < ' ' || r > '~') {
				t.Fatalf("%U is in %q", r, text)
			}
		}
		if _, after, ok := strings.Cut(text, "  v  "); !ok || !readsAs(after, evil) {
			t.Errorf("the value is not what was stored: %q", text)
		}
	}
}

// readsAs reports whether text begins with a line of JSON that means want.
func readsAs(text, want string) bool {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	var got string
	return json.Unmarshal([]byte(line), &got) == nil && got == want
}
