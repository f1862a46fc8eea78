package session_test

import (
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

func ExampleKey() {
	const theme session.Key[string] = "theme"
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { theme.Set(s, "dark") })
	b.visit(sessions, func(s *session.Session) {
		before := theme.Get(s)
		theme.Delete(s)
		_, ok := theme.Lookup(s) // unlike Get it tells "" from absent
		fmt.Println(before, ok)
	})
	// Output: dark false
}

func ExampleKey_Update() {
	const cart session.Key[[]string] = "cart"
	sessions, b := inMemory(session.Options{}), browser{}
	put := func(s *session.Session, item string) {
		cart.Update(s, func(items []string) []string { return append(items, item) })
	}
	b.visit(sessions, func(s *session.Session) { put(s, "hat") })
	b.visit(sessions, func(s *session.Session) {
		put(s, "coat")
		b.visit(sessions, func(s *session.Session) { put(s, "scarf") }) // the browser's next request, meanwhile: both win
	})
	b.visit(sessions, func(s *session.Session) { fmt.Println(cart.Get(s)) })
	// Output: [hat scarf coat]
}

func ExampleKey_Try() {
	const credit session.Key[int] = "credit"
	buyHat := func(credit int) (int, error) {
		if credit < 7 {
			return 0, errors.New("too little credit")
		}
		return credit - 7, nil
	}
	browser{}.visit(inMemory(session.Options{}), func(s *session.Session) {
		credit.Set(s, 10)
		fmt.Println(credit.Try(s, buyHat), credit.Get(s))
		fmt.Println(credit.Try(s, buyHat), credit.Get(s)) // an error changes nothing
	})
	// Output:
	// <nil> 3
	// too little credit 3
}

func ExampleKey_Pop() {
	const notice session.Key[string] = "notice" // shown once, on the page after the one that sets it
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { notice.Set(s, "Your coat has been checked.") })
	for range 2 {
		b.visit(sessions, func(s *session.Session) {
			text, ok := notice.Pop(s)
			fmt.Printf("%q %t\n", text, ok)
		})
	}
	// Output:
	// "Your coat has been checked." true
	// "" false
}
