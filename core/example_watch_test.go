package session_test

import (
	"context"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

// A handler waits for messages until the visitor has logged out in another tab.
func ExampleSession_Watch() {
	sessions, b := inMemory(session.Options{}), browser{}
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })

	request, hangUp := context.WithCancel(context.Background()) // a handler has the request's context
	defer hangUp()
	var watch context.Context
	b.visit(sessions, func(s *session.Session) { watch = s.Watch(request) })
	messages := make(chan string, 1)
	messages <- "hello"

	for waiting := true; waiting; {
		select {
		case m := <-messages:
			fmt.Println("message:", m)
			b.visit(sessions, func(s *session.Session) { s.Destroy() }) // the other tab
		case <-watch.Done():
			fmt.Println("over:", context.Cause(watch))
			waiting = false
		}
	}
	// Output:
	// message: hello
	// over: session: the session has ended: ended
}
