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
// saved after that and before the headers leave. Middleware outside still sees the error.
func Middleware(m *session.Manager) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return serve(m, next, c) }
	}
}

func serve(m *session.Manager, next echo.HandlerFunc, c echo.Context) error {
	x, response := &responsewriter.Exchange{}, c.Response()
	inner := response.Writer
	r, ok := x.Begin(m, inner, c.Request())
	if !ok {
		return next(c)
	}
	c.SetRequest(r)
	response.Writer = x.Writer()
	returned := false
	defer func() {
		response.Writer = inner
		x.Finish(returned, response.Status)
	}()
	err := next(c)
	if err != nil {
		c.Error(err)
	}
	returned = true
	if !x.Commit(response.Status) { // the client has been answered, and loggers should know what
		response.Status, response.Committed = x.Status(), true
		return nil
	}
	return err
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks, from c.Request().Context().
func From(c echo.Context) *session.Session { return session.From(c.Request().Context()) }
