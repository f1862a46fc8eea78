package fibersession_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/compress"
	"github.com/gofiber/fiber/v3/middleware/etag"
	"github.com/gofiber/fiber/v3/middleware/logger"
	"github.com/gofiber/fiber/v3/middleware/recover"
	"github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/valyala/fasthttp"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	session "github.com/coatcheck/coatcheck/core"
)

func TestAdapter(t *testing.T) {
	adaptertest.Run(t, serve(fiber.New, nil, nil),
		lack(adaptertest.NetHTTP, "Fiber stands on fasthttp, whose handlers fill a response and do not write it"),
		lack(adaptertest.HTTP2, "fasthttp speaks HTTP/1.1 only"),
		lack(adaptertest.Interim, "handlers have no WriteHeader; SendEarlyHints is tested beside this"),
	)
}

func lack(feature adaptertest.Feature, reason string) adaptertest.Lack {
	return adaptertest.Lack{Feature: feature, Reason: reason}
}

// customCtx is what an application of Fiber's may hand to its handlers in place of Fiber's own context.
type customCtx struct{ fiber.DefaultCtx }

func newCustom(config ...fiber.Config) *fiber.App {
	return fiber.NewWithCustomCtx(func(app *fiber.App) fiber.CustomCtx {
		return &customCtx{DefaultCtx: *fiber.NewDefaultCtx(app)}
	}, config...)
}

func TestAdapterWithACustomContext(t *testing.T) {
	adaptertest.RunThrough(t, serve(newCustom, nil, nil))
}

func TestOtherMiddleware(t *testing.T) {
	others := []fiber.Handler{compress.New(), etag.New(), logger.New(logger.Config{Stream: io.Discard}), recover.New(),
		timeout.New(func(c fiber.Ctx) error { return c.Next() }, timeout.Config{Timeout: time.Minute})}
	t.Run("outside", func(t *testing.T) { adaptertest.RunThrough(t, serve(fiber.New, others, nil)) })
	t.Run("inside", func(t *testing.T) { adaptertest.RunThrough(t, serve(fiber.New, nil, others)) })
}

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

// serve mounts the adapter between other middleware.
func serve(newApp func(...fiber.Config) *fiber.App, outside, inside []fiber.Handler) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		config := fiber.Config{ReadBufferSize: 16 << 10}
		if app.HandleError != nil {
			config.ErrorHandler = func(c fiber.Ctx, err error) error { return app.HandleError(call(c), err) }
		}
		server := newApp(config)
		server.Use(recover.New(), func(c fiber.Ctx) error {
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
		answer := func(c fiber.Ctx) error { return app.Handle(call(c)) }
		server.All("/:first", answer)
		server.All("/:first/*", answer)
		return listen(t, server)
	}
}

// listen serves an app until the test ends.
func listen(t testing.TB, app *fiber.App) (url string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() { _ = app.Shutdown() })
	return "http://" + listener.Addr().String()
}

// call leaves c.RequestCtx() to TestFromFindsTheSessionInFibersContexts: here goroutines that wait for its Done would
// meet the server's shutdown.
func call(c fiber.Ctx) *adaptertest.Call {
	return &adaptertest.Call{
		Context: c.Context(), Contexts: []context.Context{c}, Session: fibersession.From(c),
		Method: strings.Clone(c.Method()), Path: strings.Clone(c.Path()), SetHeader: c.Set,
		Respond: func(status int, body string) error { return c.Status(status).SendString(body) },
	}
}

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	app := fiber.New()
	if m != nil {
		app.Use(fibersession.Middleware(m))
	}
	app.All("/", func(c fiber.Ctx) error {
		if m != nil {
			handle(fibersession.From(c))
		}
		return c.SendStatus(fiber.StatusNoContent)
	})
	return benchApp(app)
}

// benchApp gives the app requests for / by hand.
func benchApp(app *fiber.App) adaptertest.Bench {
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
			for _, value := range c.Response.Header.Cookies() {
				line = string(value)
			}
			return line
		},
	}
}
