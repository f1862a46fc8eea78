// Package ginsession adds sessions to Gin.
package ginsession

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/coatcheck/coatcheck/adapters/internal/responsewriter"
	session "github.com/coatcheck/coatcheck/core"
)

// Middleware gives every request that passes through it a session of m's kind. Installed twice, it works once.
//
// Middleware that rewrites response headers of its own accord, such as compression, belongs after it.
func Middleware(m *session.Manager) gin.HandlerFunc {
	m.Ready()
	return func(c *gin.Context) {
		w := &writer{ResponseWriter: c.Writer}
		w.exchange = &w.own
		r, ok := w.exchange.Begin(m, c.Writer, c.Request)
		if !ok {
			again(c, w, responsewriter.Of(r.Context(), m))
			return
		}
		c.Request, c.Writer = r, w // for good: what is written outside after a failed commit is dropped too
		returned := false
		defer func() {
			if returned && w.ResponseWriter.Written() {
				w.exchange.CommitHeaderless() // somebody has written past this writer
			}
			w.exchange.Finish(returned, w.Status())
			if outer := w.exchange.Outer(); outer != nil {
				c.Request = outer
			}
		}()
		c.Next()
		returned = true
	}
}

// again is for a request that is at work already. Engine.HandleContext starts it over with Gin's own writer, which
// would send the headers past the commit.
func again(c *gin.Context, w *writer, x *responsewriter.Exchange) {
	if _, kept := c.Writer.(*writer); kept || x == nil {
		c.Next()
		return
	}
	w.exchange, c.Writer = x, w
	c.Next()
	w.WriteHeaderNow()
}

// Require lets nobody pass whom the guard turns away. It belongs inside of Middleware, and the login page outside of
// it.
func Require(g session.Guard) gin.HandlerFunc {
	g.Ready()
	return func(c *gin.Context) {
		if !responsewriter.Admits(g, c.Writer, c.Request) {
			c.Abort()
		}
	}
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks.
//
// Call it in the handler and not in a goroutine that may outlive it: the framework gives c to the next request, and
// with it that visitor's session. A *session.Session taken before is safe: it reports its use after the request.
func From(c *gin.Context) *session.Session {
	if c == nil {
		return session.From(responsewriter.ContextOf(nil))
	}
	return session.From(responsewriter.ContextOf(c.Request))
}

// A *gin.Context and what is derived from it lead to the request only when asked with one of Gin's own keys, of which
// this is the one that all its versions know.
func init() {
	session.RegisterContext(func(ctx context.Context) context.Context {
		if c, ok := ctx.Value(gin.ContextKey).(*gin.Context); ok && c.Request != nil {
			return c.Request.Context()
		}
		return nil
	})
}
