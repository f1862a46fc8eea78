// Package echosession adds sessions to Echo v5.
//
// Use this package's Middleware, and not echo.WrapMiddleware(httpsession.Middleware(m)). That one returns before Echo
// turns a handler's error into a response, so the session is saved as if the handler had succeeded: Options.SaveOn
// never sees the 500, and the change is kept that the client is told has failed.
package echosession

import (
	"net/http"

	"github.com/labstack/echo/v5"

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
		return func(c *echo.Context) error { return serve(m, next, c) }
	}
}

func serve(m *session.Manager, next echo.HandlerFunc, c *echo.Context) error {
	x, response := &responsewriter.Exchange{}, responseOf(c)
	r, ok := x.Begin(m, response.ResponseWriter, c.Request())
	if !ok {
		return next(c)
	}
	c.SetRequest(r)
	c.SetResponse(response)
	response.ResponseWriter = x.Writer() // for good: what is written outside after a failed commit is dropped too
	returned := false
	defer func() {
		x.Finish(returned, http.StatusOK) // which is what a handler that writes nothing sends
		if outer := x.Outer(); outer != nil {
			c.SetRequest(outer)
		}
	}()
	if err := next(c); err != nil {
		c.Echo().HTTPErrorHandler(c, err)
	}
	returned = true
	last, err := echo.UnwrapResponse(c.Response())
	if !x.Commit(http.StatusOK) && err == nil { // the client has been answered, and loggers should know what
		last.Status, last.Committed = x.Status(), true
	}
	return nil
}

// responseOf returns the response whose writer the session's takes the place of. Where middleware outside writes
// through a writer of its own, such as a compressing one that holds the status back, it is one around that writer.
func responseOf(c *echo.Context) *echo.Response {
	if response, ok := c.Response().(*echo.Response); ok {
		return response
	}
	return echo.NewResponse(c.Response(), c.Logger())
}

// Require lets nobody pass whom the guard turns away. It belongs inside of Middleware, and the login page outside of
// it.
func Require(g session.Guard) echo.MiddlewareFunc {
	g.Ready()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			if !responsewriter.Admits(g, c.Response(), c.Request()) {
				return nil
			}
			return next(c)
		}
	}
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks, from c.Request().Context().
//
// Call it in the handler and not in a goroutine that may outlive it: the framework gives c to the next request, and
// with it that visitor's session. A *session.Session taken before is safe: it reports its use after the request.
func From(c *echo.Context) *session.Session {
	if c == nil {
		return session.From(responsewriter.ContextOf(nil))
	}
	return session.From(responsewriter.ContextOf(c.Request()))
}
