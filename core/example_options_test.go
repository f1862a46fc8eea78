package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func ExampleNew() {
	sessions, err := session.New(memstore.New(), session.Options{
		IdleTimeout: 10 * time.Minute,
		Cookie:      session.Cookie{SameSite: http.SameSiteStrictMode},
	})
	if err != nil {
		log.Fatal(err)
	}
	w := browser{}.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	_, attributes, _ := strings.Cut(w.Header().Get("Set-Cookie"), "; ")
	fmt.Println(attributes)
	// Output: Path=/; HttpOnly; Secure; SameSite=Strict
}

func ExampleNewSealed() {
	const visits session.Key[int] = "visits"
	key, err := session.GenerateKey("2026-05") // once, by hand; every server gets the same
	if err != nil {
		log.Fatal(err)
	}
	keys, err := session.ParseKeys(key) // say, from os.Getenv("COATCHECK_KEYS")
	if err != nil {
		log.Fatal(err)
	}
	sessions, err := session.NewSealed(keys, session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	b := browser{}
	b.visit(sessions, func(s *session.Session) { visits.Set(s, 1) }) // nothing is kept on the server
	b.visit(sessions, func(s *session.Session) { fmt.Println(keys, visits.Get(s)) })
	// Output: session.Keys(2026-05) 1
}

func ExampleTemporaryKeys() {
	sessions, err := session.NewSealed(session.TemporaryKeys(), session.Options{}) // until the program ends
	fmt.Println(sessions != nil, err)
	// Output: true <nil>
}

func ExampleOptions_onEvent() {
	sessions := inMemory(session.Options{
		OnEvent: func(_ context.Context, e session.Event) { fmt.Println(e.Manager, e.Reason) },
	})
	b := browser{"__Host-id": {Name: "__Host-id", Value: "guessed"}}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	b.visit(sessions, func(s *session.Session) { s.Renew() })
	b.visit(sessions, func(s *session.Session) { s.Destroy() })
	// Output:
	// id malformed
	// id created
	// id login
	// id renewed
	// id ended
}

func ExampleOptions_errorResponse() {
	const essay session.Key[string] = "essay"
	sessions := inMemory(session.Options{
		MaxSize: 1000,
		OnEvent: func(context.Context, session.Event) {}, // or count and log them
		ErrorResponse: func(err error, header func(string) string) session.Response {
			return session.Response{
				Status: http.StatusInternalServerError, ContentType: "application/json",
				Body: fmt.Appendf(nil, `{"host": %q, "too_large": %t}`, header("Host"), errors.Is(err, session.ErrTooLarge)),
			}
		},
	})
	w := browser{}.visit(sessions, func(s *session.Session) { essay.Set(s, strings.Repeat("long ", 1000)) })
	fmt.Println(w.Code, w.Body)
	// Output: 500 {"host": "shop.example", "too_large": true}
}

func ExampleOptions_lifetime() {
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	sessions := inMemory(session.Options{
		IdleTimeout:     time.Hour,
		AbsoluteTimeout: 8 * time.Hour,
		Now:             func() time.Time { return now }, // a test's clock
	})
	b := browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	for range 10 { // a visit each 59 minutes is use enough, until the absolute timeout
		now = now.Add(59 * time.Minute)
		b.visit(sessions, func(s *session.Session) {
			if s.Subject() == "" {
				fmt.Println("logged out before", now.Format(time.TimeOnly))
			}
		})
	}
	// Output:
	// logged out before 17:51:00
	// logged out before 18:50:00
}

func ExampleOptions_renewAfter() {
	now := time.Now()
	sessions := inMemory(session.Options{RenewAfter: 10 * time.Minute, Now: func() time.Time { return now }})
	b := browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	before := b["__Host-id"].Value
	now = now.Add(11 * time.Minute)
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Subject()) })
	fmt.Println("new token:", b["__Host-id"].Value != before)
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Subject()) })
	// Output:
	// user:42
	// new token: true
	// user:42
}

func ExampleOptions_maxPerSubject() {
	sessions := inMemory(session.Options{MaxPerSubject: 2, AtLimit: session.RefuseLogin})
	for range 3 {
		browser{}.visit(sessions, func(s *session.Session) {
			s.Login("user:42")
			err := s.Save() // without Save the client would get a 403
			fmt.Println(err, errors.Is(err, session.ErrTooManySessions))
		})
	}
	// Output:
	// <nil> false
	// <nil> false
	// session: the subject has too many sessions true
}

func ExampleParseKeys() {
	before, _ := session.GenerateKey("2026-05")
	after, _ := session.GenerateKey("2026-11")
	old, _ := session.ParseKeys(before)
	rotated, err := session.ParseKeys(after + "," + before) // the first seals, both open
	if err != nil {
		log.Fatal(err)
	}
	b := browser{}
	for _, keys := range []session.Keys{old, rotated} {
		sessions, err := session.NewSealed(keys, session.Options{
			OnEvent: func(_ context.Context, e session.Event) { fmt.Println(e.Reason, e.Subject) },
		})
		if err != nil {
			log.Fatal(err)
		}
		b.visit(sessions, func(s *session.Session) {
			if s.Subject() == "" {
				s.Login("user:42")
			}
		})
	}
	// Output:
	// created user:42
	// login user:42
	// reissued user:42
}

// What failed goes to a log, and everything is counted.
func ExampleEvent() {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	count := map[session.Reason]int{} // one goroutine makes the requests here; a server needs a lock
	sessions := inMemory(session.Options{OnEvent: func(ctx context.Context, e session.Event) {
		count[e.Reason]++
		if e.Err != nil { // e.Source, the line of the mistake, would go here too
			logger.ErrorContext(ctx, "session", "reason", e.Reason, "route", e.Route, "subject", e.Subject, "error", e.Err)
		}
	}})
	b := browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	b.visit(sessions, func(s *session.Session) { s.Login("") })
	fmt.Println(count[session.ReasonCreated], count[session.ReasonCommitFailed])
	// Output:
	// level=ERROR msg=session reason=commit-failed route="GET /" subject=user:42 error="session: Login needs a subject"
	// 1 1
}
