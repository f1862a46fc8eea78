package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
)

func mountFiber(a *app, m *session.Manager) server {
	f := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		Immutable:             true,    // strings outlive the buffers that they were read into
		ReadBufferSize:        16384,   // a sealed session takes nearly all of the default
		BodyLimit:             2 << 20, // up to here the shop answers itself
		ReadTimeout:           30 * time.Second,
		IdleTimeout:           time.Minute,
		ErrorHandler: func(c *fiber.Ctx, err error) error { // what did not get as far as the shop
			setAll(c, securityHeaders)
			return sendFiber(c, a.refuse(fiberHeader(c), fiberError(err)))
		},
	})
	f.Use(func(c *fiber.Ctx) error {
		setAll(c, securityHeaders)
		return c.Next()
	}, recover.New(), fibersession.Middleware(m))
	f.Use(func(c *fiber.Ctx) error { // the shop has its own routes
		return sendFiber(c, a.serve(request{
			ctx: c.UserContext(), method: c.Method(), target: c.OriginalURL(), header: fiberHeader(c),
			client:  c.Context().RemoteAddr().String(),
			body:    func() ([]byte, error) { return fiberBody(c) },
			session: func() *session.Session { return fibersession.From(c) },
		}))
	})
	return fiberServer{f}
}

func fiberHeader(c *fiber.Ctx) func(string) string {
	return func(name string) string { return c.Get(name) }
}

// fiberBody is the body as it was sent. Fiber's own Body would also unpack it.
func fiberBody(c *fiber.Ctx) ([]byte, error) {
	if body := c.BodyRaw(); len(body) <= maxBody {
		return body, nil
	}
	return nil, errBodyTooLarge
}

func sendFiber(c *fiber.Ctx, r response) error {
	setAll(c, r.header)
	return c.Status(r.status).Send(r.body)
}

func setAll(c *fiber.Ctx, header map[string]string) {
	for name, value := range header {
		c.Set(name, value)
	}
}

// fiberError is Fiber's error as one of the shop's.
func fiberError(err error) httpError {
	refused := fiber.NewError(http.StatusInternalServerError)
	errors.As(err, &refused)
	return httpError{status: refused.Code, cause: err}
}

// fiberServer gives Fiber the methods that an http.Server has.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(l net.Listener) error { return s.app.Listener(l) }

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
