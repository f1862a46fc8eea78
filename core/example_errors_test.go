package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// outage is a store that cannot be reached.
type outage struct{ session.Store }

func (outage) Load(context.Context, session.RecordID) (session.Record, error) {
	return session.Record{}, errors.New("connection refused")
}

func ExampleSession_Err() {
	store, quiet := memstore.New(), func(context.Context, session.Event) {}
	working, err := session.New(store, session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	failing, err := session.New(outage{store}, session.Options{OnEvent: quiet})
	if err != nil {
		log.Fatal(err)
	}
	b := browser{}
	b.visit(working, func(s *session.Session) { s.Login("user:42") })
	w := b.visit(failing, func(s *session.Session) {
		if err := s.Err(); err != nil {
			fmt.Println(errors.Is(err, session.ErrUnavailable))
			return // the client gets the answer below, whatever has been written
		}
		fmt.Println("not reached")
	})
	fmt.Print(w.Code, " ", w.Body)
	b.visit(working, func(s *session.Session) { fmt.Println(s.Subject()) }) // nothing was lost
	// Output:
	// true
	// 503 The session is unavailable at the moment. Please try again later.
	// user:42
}

func ExampleSession_Save_conflict() {
	const cart session.Key[[]string] = "cart"
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { cart.Set(s, []string{"hat"}) })
	order := func(s *session.Session) {
		items := cart.Get(s)
		cart.Delete(s)
		err := s.Save()
		fmt.Println(items, errors.Is(err, session.ErrConflict))
	}
	b.visit(sessions, func(s *session.Session) {
		_ = cart.Get(s)
		b.visit(sessions, order) // a second click on the button, meanwhile
		order(s)
		fmt.Println("left:", cart.Get(s))
	})
	// Output:
	// [hat] false
	// [hat] true
	// left: []
}
