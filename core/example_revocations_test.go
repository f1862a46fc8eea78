package session_test

import (
	"context"
	"fmt"
	"log"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// Sessions travel in their cookies, and yet they can be ended: a small record in a store says so.
func ExampleOptions_revocations() {
	sessions, err := session.NewSealed(session.TemporaryKeys(), session.Options{
		Revocations: memstore.New(), // where servers share it: SQL or Redis
	})
	if err != nil {
		log.Fatal(err)
	}
	phone, desk := browser{}, browser{}
	for _, b := range []browser{phone, desk} {
		b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	}
	desk.visit(sessions, func(s *session.Session) { // a changed password
		if _, err := sessions.RevokeOthers(context.Background(), s); err != nil {
			log.Fatal(err)
		}
	})
	phone.visit(sessions, func(s *session.Session) { fmt.Printf("phone: %q, %s\n", s.Subject(), s.Reason()) })
	desk.visit(sessions, func(s *session.Session) { fmt.Printf("desk: %q\n", s.Subject()) })
	// Output:
	// phone: "", already-ended
	// desk: "user:42"
}

// A customer's contract has ended, and so do all sessions of its people.
func ExampleLabel() {
	sessions, ada, bob := inMemory(session.Options{}), browser{}, browser{}
	ada.visit(sessions, func(s *session.Session) { s.Login("user:1", session.Label("customer:7")) })
	bob.visit(sessions, func(s *session.Session) { s.Login("user:2", session.Label("customer:8")) })

	ended, err := sessions.RevokeLabel(context.Background(), "customer:7")
	fmt.Println(ended, err)
	ada.visit(sessions, func(s *session.Session) { fmt.Printf("%q\n", s.Subject()) })
	bob.visit(sessions, func(s *session.Session) { fmt.Printf("%q %q\n", s.Subject(), s.Info().Labels) })
	// Output:
	// 1 <nil>
	// ""
	// "user:2" ["customer:8"]
}
