package session

import (
	"context"
	"fmt"
	"time"
)

// From returns the session that belongs to ctx: a request's context, one derived from it, or a framework's own
// context type whose adapter is in use. With several managers it is the innermost one's; Manager.From picks.
// It panics when no adapter's Middleware is installed on the route.
func From(ctx context.Context) *Session { return sessionIn(ctx, sessionKey{}) }

// From returns this manager's session from ctx, as the function From does.
func (m *Manager) From(ctx context.Context) *Session {
	m.Ready()
	return sessionIn(ctx, m)
}

// installed reports whether m's middleware is at work on the request that ctx belongs to. Where it has been, and the
// framework starts the request over, it may begin again. Another manager with a cookie of the same name is a mistake
// that would lose either one's sessions, so it panics.
func (m *Manager) installed(ctx context.Context) bool {
	for {
		s, ok := ctx.Value(sessionKey{}).(*Session)
		switch {
		case !ok:
			return false
		case s.isOver():
		case s.m == m:
			return true
		case s.m.transport != CookieOnly && m.transport != CookieOnly:
			panic("session: two managers on one route take bearer tokens, which come and go in one header each: leave " +
				"Options.Transport of one of them CookieOnly")
		case s.m.cookie.name == m.cookie.name:
			panic(fmt.Sprintf("session: two managers on one route have the cookie name %q, so each would overwrite the other's "+
				"cookie: give one of them another Options.Name, or install one manager twice instead of making two", m.cookie.name))
		}
		ctx = s.ctx
	}
}

// Exchange returns what an adapter gave to Begin for the request that ctx belongs to, or nil. It is for adapters whose
// framework can lose their response writer on the way.
func (m *Manager) Exchange(ctx context.Context) Exchange {
	s, ok := ctx.Value(m).(*Session)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.x
}

// sessionKey finds the innermost session in a context; a *Manager as key finds that manager's.
type sessionKey struct{}

func sessionIn(ctx context.Context, key any) *Session {
	needContext(ctx)
	if s, ok := ctx.Value(key).(*Session); ok {
		return s
	}
	for _, find := range frameworkContexts {
		if inner := find(ctx); inner != nil {
			if s, ok := inner.Value(key).(*Session); ok {
				return s
			}
		}
	}
	panic("session: no session in this context: install the adapter's Middleware on this route, before the handler")
}

var frameworkContexts []func(context.Context) context.Context

// RegisterContext tells From how to find a request's context inside a framework's own context type. find gets any
// context, also one that context.WithCancel or WithValue has derived from the framework's, so it asks with ctx.Value
// and not by type; it returns nil for those that are not its framework's. Adapters call RegisterContext once, from an
// init function; it is not safe to call later.
func RegisterContext(find func(context.Context) context.Context) {
	frameworkContexts = append(frameworkContexts, find)
}

// requestContext is a Request seen as the context of the rest of the request, so that installing a session
// costs no allocation.
type requestContext Request

func (c *requestContext) Deadline() (time.Time, bool) { return c.session.ctx.Deadline() }

func (c *requestContext) Done() <-chan struct{} { return c.session.ctx.Done() }

func (c *requestContext) Err() error { return c.session.ctx.Err() }

func (c *requestContext) Value(key any) any {
	switch key := key.(type) {
	case sessionKey:
		return &c.session
	case *Manager:
		if key == c.session.m {
			return &c.session
		}
	}
	return c.session.ctx.Value(key)
}

// needContext panics where a nil pointer would say nothing.
func needContext(ctx context.Context) {
	if ctx == nil {
		panic("session: From(nil): pass the request's context to session.From, or what the framework's handler was given " +
			"to the adapter's From")
	}
}
