package main

import (
	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
)

func mountGin(a *app, m *session.Manager) server {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery(), ginsession.Middleware(m))
	r.NoRoute(func(c *gin.Context) { // the shop has its own routes
		answer := a.serve(received(c.Writer, c.Request, func() *session.Session { return ginsession.From(c) }))
		for name, value := range answer.header {
			c.Header(name, value)
		}
		c.Data(answer.status, answer.header["Content-Type"], answer.body)
	})
	return newServer(a, r)
}
