package shop

import (
	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
)

func mountGin(a *App, m *session.Manager) Server {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery(), ginsession.Middleware(m))
	r.NoRoute(func(c *gin.Context) { // the shop has its own routes
		answer := a.Serve(received(c.Writer, c.Request, func() *session.Session { return ginsession.From(c) }))
		for name, value := range answer.Header {
			c.Header(name, value)
		}
		c.Data(answer.Status, answer.Header["Content-Type"], answer.Body)
	})
	return newServer(a, r)
}
