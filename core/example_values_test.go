package session_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
)

// A code that was sent by mail is good for ten minutes, and once.
func ExampleKey_SetFor() {
	const code session.Key[string] = "code"
	clock := sessiontest.NewClock()
	sessions, b := inMemory(session.Options{Now: clock.Now}), browser{}

	enter := func(entered string) {
		b.visit(sessions, func(s *session.Session) {
			sent, ok := code.Lookup(s)
			switch {
			case !ok:
				fmt.Println(entered, "is no longer good: ask for a new code")
			case entered != sent:
				fmt.Println(entered, "is wrong")
			default:
				code.Delete(s)
				fmt.Println(entered, "is right")
			}
		})
	}
	b.visit(sessions, func(s *session.Session) { code.SetFor(s, "4711", 10*time.Minute) })
	enter("1234")
	enter("4711")
	enter("4711")
	b.visit(sessions, func(s *session.Session) { code.SetFor(s, "0815", 10*time.Minute) })
	clock.Advance(10 * time.Minute)
	enter("0815")
	// Output:
	// 1234 is wrong
	// 4711 is right
	// 4711 is no longer good: ask for a new code
	// 0815 is no longer good: ask for a new code
}

func ExampleKey_GetOr() {
	const language session.Key[string] = "language"
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { fmt.Println(language.GetOr(s, "en")) })
	b.visit(sessions, func(s *session.Session) { language.Set(s, "de") })
	b.visit(sessions, func(s *session.Session) { fmt.Println(language.GetOr(s, "en")) })
	// Output:
	// en
	// de
}

// The last three pages that the visitor has seen.
func ExampleAppend() {
	const history session.Key[[]string] = "history"
	sessions, b := inMemory(session.Options{}), browser{}
	for _, page := range []string{"/", "/hats", "/coats", "/hats/7"} {
		b.visit(sessions, func(s *session.Session) { fmt.Println(session.Append(s, history, page, 3)) })
	}
	// Output:
	// [/]
	// [/ /hats]
	// [/ /hats /coats]
	// [/hats /coats /hats/7]
}

// A form answers with a redirect, and the page after it shows what there is to say, once.
func ExampleFlash() {
	const notices session.Flash[string] = "notices"
	sessions, b := inMemory(session.Options{}), browser{}

	b.visit(sessions, func(s *session.Session) { // POST /coats, which redirects to /
		notices.Add(s, "Your coat has been checked.")
		notices.Add(s, "We close at ten.")
	})
	for range 2 {
		b.visit(sessions, func(s *session.Session) { // GET /
			fmt.Printf("%q\n", notices.Take(s))
		})
	}
	// Output:
	// ["Your coat has been checked." "We close at ten."]
	// []
}

// A page for developers, and for visitors who want to know what is stored about them.
func ExampleSession_All() {
	const (
		visits session.Key[int]      = "visits"
		cart   session.Key[[]string] = "cart"
	)
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) {
		visits.Set(s, 3)
		cart.Set(s, []string{"hat", "coat"})
	})
	b.visit(sessions, func(s *session.Session) {
		fmt.Println(strings.Join(s.Keys(), ", "))
		page, err := json.MarshalIndent(s.All(), "", "  ")
		fmt.Println(string(page), err)
	})
	// Output:
	// cart, visits
	// {
	//   "cart": [
	//     "hat",
	//     "coat"
	//   ],
	//   "visits": 3
	// } <nil>
}
