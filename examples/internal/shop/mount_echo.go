package shop

import (
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
)

func mountEcho(a *App, m *session.Manager) Server {
	e := echo.New()
	e.Use(middleware.Recover(), echosession.Middleware(m))
	e.RouteNotFound("/*", func(c echo.Context) error { // the shop has its own routes
		answer := a.Serve(received(c.Response(), c.Request(), func() *session.Session { return echosession.From(c) }))
		for name, value := range answer.Header {
			c.Response().Header().Set(name, value)
		}
		return c.Blob(answer.Status, answer.Header["Content-Type"], answer.Body)
	})
	return newServer(a, e)
}
