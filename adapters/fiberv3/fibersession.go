// Package fibersession adds sessions to Fiber v3.
//
// Fiber's cache middleware heeds what a session says of a page, and belongs outside of this package's Middleware, where
// it hears of that. Inside, it would give one visitor's page to the next.
package fibersession

import (
	"github.com/gofiber/fiber/v3"

	"github.com/coatcheck/coatcheck/adapters/internal/fasthttpexchange"
	session "github.com/coatcheck/coatcheck/core"
)

// Middleware gives every request that passes through it a session of m's kind. Installed twice, it works once.
//
// A handler's error is turned into its response by the app's ErrorHandler right here, because the session has
// to be saved after that and before the headers leave: middleware outside sees the response and no error.
//
// The session is saved when the handler has returned. What c.End() has sent by then carries no cookie, and is not taken
// back if saving fails, so a handler that uses it must not begin or renew a session.
//
// The session is over when the handler returns, so a body that is streamed afterwards cannot change it. Neither can a
// handler that Fiber's timeout middleware has given up on, whichever of the two middlewares is outside.
//
// Sealed sessions make request headers of up to 4096 bytes more, which is all that Fiber accepts by default: give them
// a fiber.Config with ReadBufferSize: 16384, or visitors with a full cookie get nothing but status 431.
func Middleware(m *session.Manager) fiber.Handler {
	m.Ready()
	return func(c fiber.Ctx) error {
		x, outer := &fasthttpexchange.Exchange{}, c.Context()
		ctx, ok := x.Begin(outer, m, c.RequestCtx(), c.App().Server().DisableHeaderNamesNormalizing)
		if !ok {
			return c.Next()
		}
		c.SetContext(ctx)
		committed := false
		defer func() {
			x.Finish(committed)
			if !c.IsAbandoned() && x.Restore() {
				c.SetContext(outer)
			}
		}()
		settle(c, c.Next())
		if c.IsAbandoned() && outer.Err() == nil { // by a timeout inside: one outside has answered, once outer was done
			x.TimedOut()
		}
		x.Commit()
		committed = true
		return nil
	}
}

// Require lets nobody pass whom the guard turns away. It belongs inside of Middleware, and the login page outside of
// it.
func Require(g session.Guard) fiber.Handler {
	g.Ready()
	return func(c fiber.Ctx) error {
		if !fasthttpexchange.Admits(g, c.RequestCtx()) {
			return nil
		}
		return c.Next()
	}
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks, from c or from c.Context().
//
// Call it in the handler and not in a goroutine that may outlive it: the framework gives c to the next request, and
// with it that visitor's session. A *session.Session taken before is safe: it reports its use after the request.
func From(c fiber.Ctx) *session.Session { return session.From(c) }

// settle turns a handler's error into a response, as Fiber itself would after the last middleware.
func settle(c fiber.Ctx, err error) {
	if err == nil {
		return
	}
	if c.App().ErrorHandler(c, err) != nil {
		_ = c.SendStatus(fiber.StatusInternalServerError)
	}
}
