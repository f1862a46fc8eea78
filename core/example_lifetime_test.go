package session_test

import (
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func ExampleSession_SetLifetime() {
	const day = 24 * time.Hour
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	sessions, b := inMemory(session.Options{Now: func() time.Time { return now }}), browser{}
	w := b.visit(sessions, func(s *session.Session) {
		s.Login("user:42")
		if remember := true; remember { // what the login form says
			s.SetLifetime(session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep})
		}
	})
	_, attributes, _ := strings.Cut(w.Header().Get("Set-Cookie"), "; ")
	fmt.Println(attributes)
	now = now.Add(29 * day)
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Subject(), s.Info().Deadline.UTC().Format(time.DateOnly)) })
	b.visit(sessions, func(s *session.Session) { s.SetLifetime(session.Lifetime{}) }) // an ordinary one again: it is over
	b.visit(sessions, func(s *session.Session) { fmt.Println(s.Exists()) })
	// Output:
	// Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=7776000
	// user:42 2026-07-30
	// false
}

func ExampleOptions_lifetimeFor() {
	sessions := inMemory(session.Options{
		LifetimeFor: func(subject string) session.Lifetime {
			if strings.HasPrefix(subject, "admin:") {
				return session.Lifetime{Idle: 5 * time.Minute, Absolute: time.Hour}
			}
			return session.Lifetime{} // as IdleTimeout and AbsoluteTimeout say
		},
	})
	for _, subject := range []string{"user:42", "admin:1"} {
		browser{}.visit(sessions, func(s *session.Session) {
			s.Login(subject)
			i := s.Info()
			fmt.Println(subject, i.Deadline.Sub(i.Authenticated))
		})
	}
	// Output:
	// user:42 12h0m0s
	// admin:1 1h0m0s
}

// As Django counts: two weeks from the last change, in a cookie that outlives the browser.
func ExampleOptions_basis() {
	const day = 24 * time.Hour
	const theme session.Key[string] = "theme"
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	sessions, b := inMemory(session.Options{
		Basis: session.LastChange, IdleTimeout: 14 * day, AbsoluteTimeout: 400 * day,
		Cookie: session.Cookie{Persistent: true}, Now: func() time.Time { return now },
	}), browser{}
	ends := func(s *session.Session) { fmt.Println(s.Info().ExpiresAt.UTC().Format(time.DateOnly)) }
	b.visit(sessions, func(s *session.Session) { theme.Set(s, "dark"); ends(s) })
	now = now.Add(day)
	b.visit(sessions, func(s *session.Session) { theme.Get(s); ends(s) })
	b.visit(sessions, func(s *session.Session) { theme.Set(s, "light"); ends(s) })
	// Output:
	// 2026-05-15
	// 2026-05-15
	// 2026-05-16
}

func ExampleSession_Info() {
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	sessions, b := inMemory(session.Options{Now: func() time.Time { return now }}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	now = now.Add(10 * time.Minute)
	b.visit(sessions, func(s *session.Session) {
		i := s.Info()
		fmt.Println(i.Subject, "logged in at", i.Authenticated.UTC().Format(time.TimeOnly))
		fmt.Println("ends at", i.ExpiresAt.UTC().Format(time.TimeOnly), "unless used, at",
			i.Deadline.UTC().Format(time.TimeOnly), "in any case")
	})
	// Output:
	// user:42 logged in at 09:00:00
	// ends at 09:43:00 unless used, at 21:00:00 in any case
}

func ExampleSession_AuthenticatedWithin() {
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	sessions, b := inMemory(session.Options{Now: func() time.Time { return now }}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	now = now.Add(20 * time.Minute)
	changePassword := func(s *session.Session) {
		if !s.AuthenticatedWithin(10 * time.Minute) {
			fmt.Println("please enter your password once more")
			return
		}
		fmt.Println("changed")
	}
	b.visit(sessions, changePassword)
	b.visit(sessions, func(s *session.Session) { s.Login(s.Subject()) }) // the password was right
	b.visit(sessions, changePassword)
	// Output:
	// please enter your password once more
	// changed
}
