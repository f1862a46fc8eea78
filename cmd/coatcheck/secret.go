package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// secretParts speak of a secret wherever they are in a name. It is better to hide too much: --secrets shows it.
var secretParts = []string{
	"bearer", "code", "cookie", "credential", "csrf", "jwt", "key", "nonce", "passphrase", "passwd", "password",
	"private", "secret", "signature", "token", "verifier", "xsrf",
}

// secretWords speak of one if they are a word of their own: "otp" is part of "footprint".
var secretWords = []string{"auth", "hash", "oauth", "otp", "pass", "pin", "pwd", "salt", "seed", "sig", "state", "totp"}

// secretive reports whether the name of a value says that it is a secret.
func secretive(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(lower, part) }) ||
		slices.ContainsFunc(wordsOf(name), func(word string) bool { return slices.Contains(secretWords, word) })
}

// wordsOf splits a name like loginOTP, login_otp or login-otp into its words, in lower case.
func wordsOf(name string) []string {
	var spaced strings.Builder
	wasLower := false
	for _, r := range name {
		if unicode.IsUpper(r) && wasLower || !unicode.IsLetter(r) {
			spaced.WriteByte(' ')
		}
		if unicode.IsLetter(r) {
			spaced.WriteRune(unicode.ToLower(r))
		}
		wasLower = unicode.IsLower(r)
	}
	return strings.Fields(spaced.String())
}

// withoutSecrets hides what has the name of a secret inside a value.
func withoutSecrets(value json.RawMessage) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber() // numbers keep all their digits
	var v any
	if d.Decode(&v) != nil {
		return hidden(len(value))
	}
	return encoded(hideIn(v))
}

func hideIn(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if secretive(name) {
				v[name] = hidden(len(encoded(inner)))
			} else {
				v[name] = hideIn(inner)
			}
		}
	case []any:
		for i := range v {
			v[i] = hideIn(v[i])
		}
	}
	return v
}

func hidden(size int) json.RawMessage {
	return quoted(fmt.Sprintf("(hidden, %d bytes; --secrets shows it)", size))
}

func quoted(s string) json.RawMessage { return encoded(s) }

// encoded writes what was JSON before, and so never fails.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return hidden(0)
	}
	return bytes.TrimSpace(b.Bytes())
}
