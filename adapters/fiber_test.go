package adapters_test

import (
	"bufio"
	"net"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
)

// serveFiber mounts the adapter between other middleware.
func serveFiber(outside, inside []fiber.Handler) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		config := fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10}
		if app.HandleError != nil {
			config.ErrorHandler = func(c *fiber.Ctx, err error) error { return app.HandleError(callFiber(c), err) }
		}
		server := fiber.New(config)
		server.Use(recover.New(), func(c *fiber.Ctx) error {
			for name, value := range app.Headers {
				c.Set(name, value)
			}
			return c.Next()
		})
		use := func(handlers ...fiber.Handler) {
			for _, h := range handlers {
				server.Use(h)
			}
		}
		use(outside...)
		for _, m := range app.Managers {
			use(fibersession.Middleware(m))
		}
		use(inside...)
		if app.Guard != nil {
			use(fibersession.Require(*app.Guard))
		}
		answer := func(c *fiber.Ctx) error { return app.Handle(callFiber(c)) }
		server.All("/:first", answer)
		server.All("/:first/*", answer)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = server.Listener(listener) }()
		t.Cleanup(func() { _ = server.Shutdown() })
		return "http://" + listener.Addr().String()
	}
}

// callFiber leaves c.Context() to fibersession's own tests: here goroutines that wait for its Done would meet the
// server's shutdown.
func callFiber(c *fiber.Ctx) *adaptertest.Call {
	return &adaptertest.Call{
		Context: c.UserContext(), Session: fibersession.From(c), Method: c.Method(),
		Path: string([]byte(c.Path())), SetHeader: c.Set,
		Respond: func(status int, body string) error { return c.Status(status).SendString(body) },
	}
}

func benchFiber(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	app := fiber.New()
	if m != nil {
		app.Use(fibersession.Middleware(m))
	}
	app.All("/", func(c *fiber.Ctx) error {
		if m != nil {
			handle(fibersession.From(c))
		}
		return c.SendStatus(fiber.StatusNoContent)
	})
	serve := app.Handler()
	var c fasthttp.RequestCtx
	in := bufio.NewReader(nil)
	with := func(before string) func(string) {
		return func(cookie string) {
			c.Request.Reset()
			c.Response.Reset()
			c.ResetUserValues()
			in.Reset(strings.NewReader(before + "\r\nHost: localhost\r\nCookie: " + cookie + "\r\n\r\n"))
			if err := c.Request.Read(in); err != nil { // as a server does: what is set by hand is kept in another form
				panic(err)
			}
			serve(&c)
		}
	}
	return adaptertest.Bench{
		Do:   with("GET / HTTP/1.1"),
		Post: with("POST / HTTP/1.1\r\nContent-Length: 0\r\nSec-Fetch-Site: same-origin"),
		SetCookie: func() string {
			line := ""
			c.Response.Header.VisitAllCookie(func(_, value []byte) { line = string(value) })
			return line
		},
	}
}
