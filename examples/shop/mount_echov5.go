package main

import (
	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
	session "github.com/coatcheck/coatcheck/core"
)

func mountEchov5(a *app, m *session.Manager) server {
	e := echo.New()
	e.Use(middleware.Recover(), echosession.Middleware(m))
	e.RouteNotFound("/*", func(c *echo.Context) error { // the shop has its own routes
		answer := a.serve(received(c.Response(), c.Request(), func() *session.Session { return echosession.From(c) }))
		for name, value := range answer.header {
			c.Response().Header().Set(name, value)
		}
		return c.Blob(answer.status, answer.header["Content-Type"], answer.body)
	})
	return newServer(a, e)
}
