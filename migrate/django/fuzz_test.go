package fromdjango_test

import (
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
)

// Whatever comes is opened or refused with a reason.
func FuzzCookie(f *testing.F) {
	for _, v := range vectors(f, "signed-cookies").Vectors {
		f.Add(v.Cookie)
	}
	i := must(fromdjango.SignedCookies(config()))
	f.Fuzz(func(t *testing.T, value string) {
		if _, err := i.Open(t.Context(), value); err != nil && reason(err) == "" {
			t.Error(err)
		}
	})
}

// A signed body is Django's own, and may still be anything.
func FuzzSigned(f *testing.F) {
	for _, v := range vectors(f, "signed-cookies").Vectors {
		body, _, _ := strings.Cut(v.Cookie, ":")
		f.Add(body)
	}
	i := must(fromdjango.SignedCookies(config()))
	f.Fuzz(func(t *testing.T, body string) {
		if _, err := i.Open(t.Context(), seal(cookieSalt, secret, body, signedAt)); err != nil && reason(err) == "" {
			t.Error(err)
		}
	})
}

func FuzzCached(f *testing.F) {
	for _, v := range vectors(f, "cache-session").Vectors {
		f.Add([]byte(v.Cached))
	}
	f.Add([]byte(`{"_auth_user_id":"1","_auth_user_backend":"b","_session_expiry":"2024-02-29T12:34:56"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		server := memory{":1:django.contrib.sessions.cache" + key: value}
		g, err := must(fromdjango.Cache(config(), fromdjango.Cached{KeyValue: server})).Open(t.Context(), key)
		if err != nil && (reason(err) == "" || g.Subject != "" || g.Values != nil) {
			t.Errorf("%+v, %v", g, err)
		}
	})
}

// Whatever a session has, the mirror writes what Open reads.
func FuzzMirror(f *testing.F) {
	f.Add("cart", "すし 🍣")
	f.Add("\xff", "\u2028<>&")
	i := must(fromdjango.SignedCookies(checked(users{"42": password}, secret)))
	f.Fuzz(func(t *testing.T, name, text string) {
		g := session.Foreign{Subject: "user:42", Values: map[string]any{name: text}}
		value, err := i.Mirror.Login(t.Context(), "", g)
		if err != nil || len(value) > 4096 {
			t.Skip(err) // too large for a cookie
		}
		if g, err := i.Open(t.Context(), value); err != nil || g.Subject != "42" {
			t.Errorf("%+v, %v", g, err)
		}
	})
}
