package fibersession_test

import (
	"context"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/valyala/fasthttp"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
)

func TestAdapter(t *testing.T) { adaptertest.Run(t, serve) }

func serve(t testing.TB, app adaptertest.App) string {
	server := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 16 << 10})
	server.Use(recover.New(), func(c *fiber.Ctx) error {
		for name, value := range app.Headers {
			c.Set(name, value)
		}
		return c.Next()
	})
	for _, m := range app.Managers {
		server.Use(fibersession.Middleware(m))
	}
	server.Use(func(c *fiber.Ctx) error {
		return app.Handle(&adaptertest.Call{
			Context: c.UserContext(), Session: fibersession.From(c), Method: c.Method(), Path: string([]byte(c.Path())),
			SetHeader: c.Set,
			Respond:   func(status int, body string) error { return c.Status(status).SendString(body) },
		})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Listener(listener) }()
	t.Cleanup(func() { _ = server.Shutdown() })
	return "http://" + listener.Addr().String()
}

func TestFromFindsTheSessionInFibersContexts(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c *fiber.Ctx) error {
		derived, cancel := context.WithCancel(c.Context())
		defer cancel()
		for what, ctx := range map[string]context.Context{"user": c.UserContext(), "fasthttp's": c.Context(), "derived": derived} {
			if session.From(ctx) != fibersession.From(c) || m.From(ctx) != fibersession.From(c) {
				t.Errorf("%s context: another session", what)
			}
		}
		return nil
	})
	response, err := app.Test(httptest.NewRequest(fiber.MethodGet, "/", nil))
	if err != nil || response.StatusCode != fiber.StatusOK {
		t.Errorf("answer %v (%v)", response, err)
	}
}

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	app := fiber.New()
	if m != nil {
		app.Use(fibersession.Middleware(m))
	}
	app.Get("/", func(c *fiber.Ctx) error {
		if m != nil {
			handle(fibersession.From(c))
		}
		return c.SendStatus(fiber.StatusNoContent)
	})
	serve := app.Handler()
	var c fasthttp.RequestCtx
	return adaptertest.Bench{
		Do: func(cookie string) {
			c.Request.Reset()
			c.Response.Reset()
			c.ResetUserValues()
			c.Request.SetRequestURI("/")
			c.Request.Header.Set("Cookie", cookie)
			serve(&c)
		},
		SetCookie: func() string {
			line := ""
			c.Response.Header.VisitAllCookie(func(_, value []byte) { line = string(value) })
			return line
		},
	}
}
