// Shop is the shop of examples/shop on Fiber v3, which wants another fasthttp than Fiber v2, and so has a program of
// its own.
package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/recover"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/shop"
)

func main() {
	shop.Add("fiberv3", mount)
	os.Exit(shop.Main(append([]string{"-framework", "fiberv3"}, os.Args[1:]...)))
}

func mount(a *shop.App, m *session.Manager) shop.Server {
	f := fiber.New(fiber.Config{
		Immutable:      true,    // strings outlive the buffers that they were read into
		ReadBufferSize: 16384,   // a sealed session takes nearly all of the default
		BodyLimit:      2 << 20, // up to here the shop answers itself
		ReadTimeout:    30 * time.Second,
		IdleTimeout:    time.Minute,
		ErrorHandler: func(c fiber.Ctx, err error) error { // what did not get as far as the shop
			setAll(c, shop.SecurityHeaders)
			return sendFiber(c, a.Refuse(fiberHeader(c), fiberError(err)))
		},
	})
	f.Use(func(c fiber.Ctx) error {
		setAll(c, shop.SecurityHeaders)
		return c.Next()
	}, recover.New(), fibersession.Middleware(m))
	f.Use(func(c fiber.Ctx) error { // the shop has its own routes
		return sendFiber(c, a.Serve(shop.Request{
			Context: c.Context(), Method: c.Method(), Target: c.OriginalURL(), Header: fiberHeader(c),
			Client:  c.RequestCtx().RemoteAddr().String(),
			Body:    func() ([]byte, error) { return fiberBody(c) },
			Session: func() *session.Session { return fibersession.From(c) },
		}))
	})
	return fiberServer{f}
}

func fiberHeader(c fiber.Ctx) func(string) string {
	return func(name string) string { return c.Get(name) }
}

// fiberBody is the body as it was sent. Fiber's own Body would also unpack it.
func fiberBody(c fiber.Ctx) ([]byte, error) {
	if body := c.BodyRaw(); len(body) <= shop.MaxBody {
		return body, nil
	}
	return nil, shop.ErrBodyTooLarge
}

func sendFiber(c fiber.Ctx, r shop.Response) error {
	setAll(c, r.Header)
	return c.Status(r.Status).Send(r.Body)
}

func setAll(c fiber.Ctx, header map[string]string) {
	for name, value := range header {
		c.Set(name, value)
	}
}

// fiberError is Fiber's error as one of the shop's.
func fiberError(err error) shop.Error {
	refused := fiber.NewError(http.StatusInternalServerError)
	errors.As(err, &refused)
	return shop.Error{Status: refused.Code, Cause: err}
}

// fiberServer gives Fiber the methods that an http.Server has.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(l net.Listener) error {
	return s.app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true})
}

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
