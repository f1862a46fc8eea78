package session_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// february is a clock that stands still while importers of these examples are at work.
func february() time.Time { return time.Date(2027, time.February, 1, 0, 0, 0, 0, time.UTC) }

var march = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)

// An importer written by hand. The old program's cookie is a user's number, a dot and a signature. Its visitors go on
// logged in, and others are anonymous.
func ExampleOptions_import() {
	sign := func(user string) string {
		mac := hmac.New(sha256.New, []byte("the old program's secret"))
		mac.Write([]byte(user))
		return hex.EncodeToString(mac.Sum(nil))
	}
	old := session.Importer{Name: "old-program", Cookie: session.ForeignCookie{Name: "login"}, Until: march}
	old.Open = func(_ context.Context, value string) (session.Foreign, error) {
		user, signature, _ := strings.Cut(value, ".")
		if !hmac.Equal([]byte(signature), []byte(sign(user))) {
			return session.Foreign{}, &session.NotImportedError{Reason: session.ReasonUnopenable}
		}
		return session.Foreign{Subject: "user:" + user}, nil
	}
	sessions := inMemory(session.Options{Now: february, Import: []session.Importer{old}})

	for _, cookie := range []string{"42." + sign("42"), "1." + sign("42")} {
		b := browser{"login": {Name: "login", Value: cookie}}
		b.visit(sessions, func(s *session.Session) { fmt.Printf("%q, reason %q\n", s.Subject(), s.Reason()) })
		b.visit(sessions, func(s *session.Session) { fmt.Printf("%q, old cookie: %t\n", s.Subject(), b["login"] != nil) })
	}
	// Output:
	// "user:42", reason ""
	// "user:42", old cookie: false
	// "", reason "unopenable"
	// "", old cookie: true
}

// Values come along under keys of this program's. Those that are not named stay behind.
func ExampleAnyKey() {
	const (
		cart     session.Key[[]string] = "cart"
		language session.Key[string]   = "language"
	)
	old := session.Importer{Name: "old-program", Cookie: session.ForeignCookie{Name: "old"}, Until: march}
	old.Values = map[string]session.AnyKey{"basket": cart, "lang": language}
	old.Open = func(context.Context, string) (session.Foreign, error) { // which would check a signature first
		return session.Foreign{Values: map[string]any{
			"basket": json.RawMessage(`["coat","hat"]`), "lang": "de", "csrf": "of no use here",
		}}, nil
	}
	sessions := inMemory(session.Options{Now: february, Import: []session.Importer{old}})

	b := browser{"old": &http.Cookie{Name: "old", Value: "signed"}}
	b.visit(sessions, func(s *session.Session) { fmt.Println(cart.Get(s), language.Get(s), s.Keys()) })
	// Output: [coat hat] de [cart language]
}

// Whose session it is may be the application's to say, and whether that user may come in.
func ExampleNotImportedError() {
	closed := map[string]bool{"7": true} // accounts
	old := session.Importer{Name: "old-program", Cookie: session.ForeignCookie{Name: "old"}, Until: march}
	old.Open = func(_ context.Context, value string) (session.Foreign, error) { // which would check a signature first
		return session.Foreign{Subject: value}, nil
	}
	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
		if closed[f.Subject] {
			return "", &session.NotImportedError{Reason: session.ReasonAlreadyEnded, Detail: "the account is closed"}
		}
		return "user:" + f.Subject, nil
	}
	sessions := inMemory(session.Options{Now: february, Import: []session.Importer{old},
		OnEvent: func(_ context.Context, e session.Event) {
			if e.Importer != "" && e.Reason != session.ReasonCreated {
				fmt.Printf("event %s %q\n", e.Reason, e.Subject)
			}
		},
	})
	for _, user := range []string{"42", "7"} {
		b := browser{"old": &http.Cookie{Name: "old", Value: user}}
		b.visit(sessions, func(s *session.Session) { fmt.Printf("hello %q\n", s.Subject()) })
	}
	// Output:
	// event imported "user:42"
	// event login "user:42"
	// hello "user:42"
	// event already-ended ""
	// hello ""
}
