// Package echosession adds sessions to Echo v4.
package echosession

import (
	"github.com/labstack/echo/v4"

	"github.com/coatcheck/coatcheck/adapters/internal/responsewriter"
	session "github.com/coatcheck/coatcheck/core"
)

// Middleware gives every request that passes through it a session of m's kind. Installed twice, it works once.
//
// A handler's error is turned into its response by Echo's error handler right here, because the session has to be
// saved after that and before the headers leave. Middleware outside sees the response and no error, since Echo would
// handle an error that it is given once more: what changes or logs errors belongs inside.
func Middleware(m *session.Manager) echo.MiddlewareFunc {
	m.Ready()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return serve(m, next, c) }
	}
}

func serve(m *session.Manager, next echo.HandlerFunc, c echo.Context) error {
	x, response := &responsewriter.Exchange{}, c.Response()
	r, ok := x.Begin(m, response.Writer, c.Request())
	if !ok {
		return next(c)
	}
	c.SetRequest(r)
	response.Writer = x.Writer() // for good: what is written outside after a failed commit is dropped too
	returned := false
	defer func() {
		x.Finish(returned, response.Status)
		if outer := x.Outer(); outer != nil {
			c.SetRequest(outer)
		}
	}()
	if err := next(c); err != nil {
		c.Error(err)
	}
	returned = true
	if last := c.Response(); !x.Commit(last.Status) { // the client has been answered, and loggers should know what
		last.Status, last.Committed = x.Status(), true
	}
	return nil
}

// Require lets nobody pass whom the guard turns away. It belongs inside of Middleware, and the login page outside of
// it.
func Require(g session.Guard) echo.MiddlewareFunc {
	g.Ready()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if !responsewriter.Admits(g, c.Response(), c.Request()) {
				return nil
			}
			return next(c)
		}
	}
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks, from c.Request().Context().
func From(c echo.Context) *session.Session {
	if c == nil {
		return session.From(responsewriter.ContextOf(nil))
	}
	return session.From(responsewriter.ContextOf(c.Request()))
}
