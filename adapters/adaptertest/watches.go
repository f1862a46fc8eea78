package adaptertest

import (
	"context"
	"errors"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var watches = []testCase{
	{"P29", "a watch outlives its request",
		"some frameworks write streams after the handler has returned, and those have to learn of the logout too",
		watchOutlivesRequest, ""},
}

func watchOutlivesRequest(s *suite) {
	st := s.stored(session.Options{})
	parent, cancel := context.WithCancel(context.Background())
	defer cancel()
	var within, beyond context.Context
	st.on("/watch", func(c *Call) error {
		within, beyond = c.Session.Watch(c.Context), c.Session.Watch(parent)
		if within.Err() != nil {
			s.Errorf("the watch is over while the handler runs: %v", context.Cause(within))
		}
		return c.Respond(200, "watching")
	})
	cookie := st.get("/login", "").is(200, "in").issued()
	st.get("/watch", cookie).is(200, "watching")
	st.reads(cookie, "user:1", 0)
	if beyond.Err() != nil {
		s.Fatalf("the watch is over after the request: %v", context.Cause(beyond))
	}
	st.get("/logout", cookie).is(200, "out")
	select {
	case <-beyond.Done():
	case <-time.After(10 * time.Second):
		s.Fatalf("the watch goes on after the logout")
	}
	if err := context.Cause(beyond); !errors.Is(err, session.ErrEnded) {
		s.Errorf("the watch is over because of %v, want %v", err, session.ErrEnded)
	}
}
