package main

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/session"
	"github.com/labstack/echo/v4"
)

// echoContrib is echo-contrib/session with the cookie store of gorilla/sessions, as its documentation has it.
func echoContrib() []library[echo.Context, echo.MiddlewareFunc] {
	return []library[echo.Context, echo.MiddlewareFunc]{{
		"echo-contrib/session", "securecookie",
		func() (echo.MiddlewareFunc, handlers[echo.Context], error) {
			get := func(c echo.Context) (*sessions.Session, error) { return session.Get(cookieName, c) }
			h := gorillaHandlers(get, func(c echo.Context, s *sessions.Session) error {
				return s.Save(c.Request(), c.Response())
			})
			return session.Middleware(gorillaStore()), h, nil
		},
	}}
}
