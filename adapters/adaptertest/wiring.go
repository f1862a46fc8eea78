package adaptertest

import (
	"context"
	"fmt"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var wiring = []testCase{
	{"wiring", "Middleware(nil) panics at once",
		"a manager whose error nobody looked at must stop the program, not its first visitor", nilManager, ""},
	{"wiring", "derived contexts lead to the session",
		"code that knows no framework passes on what it has made of a context", derivedContexts, ""},
}

func nilManager(s *suite) {
	for what, m := range map[string]*session.Manager{"nil": nil, "an empty manager": {}} {
		panicked := func() (p any) {
			defer func() { p = recover() }()
			s.serve(s, App{Managers: []*session.Manager{m}, Handle: func(c *Call) error { return c.Respond(200, "") }})
			return nil
		}()
		if text := fmt.Sprint(panicked); !strings.Contains(text, "session.New") {
			s.Errorf("Middleware of %s: panic %q, want one that says where managers come from; call Manager.Ready first",
				what, text)
		}
	}
}

type (
	contextKey struct{}
	finder     = func(context.Context) *session.Session
)

// derivedContexts asks the core itself, with what a handler may have made of its context.
func derivedContexts(s *suite) {
	st := s.newSite()
	outer, err := session.New(st.store, session.Options{Name: "outer"})
	inner, err2 := session.New(st.store, st.observed(session.Options{}))
	if err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	st.start(outer, inner)
	st.on("/derived", func(c *Call) error {
		for _, ctx := range append([]context.Context{c.Context}, c.Contexts...) {
			made, end := derived(ctx)
			defer end()
			for what, ctx := range made {
				for who, from := range map[string]finder{"session.From": session.From, "Manager.From": inner.From} {
					if got, panicked := ask(ctx, from); got != c.Session {
						s.Errorf("%s(%s): another session than the adapter's From returns, or a panic: %v", who, what, panicked)
					}
				}
				if got, panicked := ask(ctx, outer.From); got == nil || got == c.Session {
					s.Errorf("the outer manager's From(%s): not its own session, or a panic: %v", what, panicked)
				}
			}
		}
		return c.Respond(200, "derived")
	})
	st.get("/derived", "").is(200, "derived")
}

// derived returns ctx and what others make of it, by name. end is to be called before the request is over.
func derived(ctx context.Context) (made map[string]context.Context, end func()) {
	cancelled, cancel := context.WithCancel(ctx)
	timed, stop := context.WithTimeout(cancelled, time.Hour)
	name := fmt.Sprintf("%T", ctx)
	return map[string]context.Context{
		name:                            ctx,
		"context.WithCancel of " + name: cancelled, "context.WithTimeout of context.WithCancel of " + name: timed,
		"context.WithValue of " + name:     context.WithValue(ctx, contextKey{}, 1),
		"context.WithoutCancel of " + name: context.WithoutCancel(ctx),
	}, func() { stop(); cancel() }
}

func ask(ctx context.Context, from finder) (found *session.Session, panicked any) {
	defer func() { panicked = recover() }()
	return from(ctx), nil
}
