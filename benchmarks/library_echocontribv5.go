package main

import (
	"github.com/gorilla/sessions"
	"github.com/labstack/echo-contrib/v5/session"
	"github.com/labstack/echo/v5"
)

// echoContribV5 is what echoContrib is, for Echo v5.
func echoContribV5() []library[*echo.Context, echo.MiddlewareFunc] {
	return []library[*echo.Context, echo.MiddlewareFunc]{{
		"echo-contrib/session", "securecookie",
		func() (echo.MiddlewareFunc, handlers[*echo.Context], error) {
			get := func(c *echo.Context) (*sessions.Session, error) { return session.Get(cookieName, c) }
			h := gorillaHandlers(get, func(c *echo.Context, s *sessions.Session) error {
				return s.Save(c.Request(), c.Response())
			})
			return session.Middleware(gorillaStore()), h, nil
		},
	}}
}
