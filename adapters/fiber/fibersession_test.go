package fibersession_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

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

func TestNobodyTakesOverAConnectionAfterAFailedCommit(t *testing.T) {
	store := probe.New(memstore.New())
	store.Before(func(probe.Call) error { return errors.New("down") })
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c *fiber.Ctx) error {
		fibersession.From(c).Login("user:1")
		c.Context().Hijack(func(conn net.Conn) { _, _ = conn.Write([]byte("hijacked")) })
		return c.SendStatus(fiber.StatusSwitchingProtocols)
	})
	app.Use(func(c *fiber.Ctx) error { return c.Next() })
	response, err := app.Test(httptest.NewRequest(fiber.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != fiber.StatusServiceUnavailable || strings.Contains(string(body), "hijacked") {
		t.Errorf("answer %d %q (%v), want a bare 503", response.StatusCode, body, err)
	}
}

// The race detector and lost cookies tell when the session reads buffers that the handler uses too.
func TestTheSessionMayBeFirstUsedInAGoroutine(t *testing.T) {
	const visits session.Key[int] = "visits"
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	if err != nil {
		t.Fatal(err)
	}
	cookie := sessiontest.Start(t, m, func(s *session.Session) { visits.Set(s, 1) })
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c *fiber.Ctx) error {
		s, found := fibersession.From(c), make(chan int)
		go func() { found <- visits.Get(s) }()
		for range 100 {
			_ = c.Get(fiber.HeaderUserAgent) + c.Get("X-Anything")
		}
		return c.SendString(strconv.Itoa(<-found))
	})
	for range 50 {
		r := httptest.NewRequest(fiber.MethodGet, "/", nil)
		r.AddCookie(cookie)
		response, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != "1" {
			t.Fatalf("visits = %q (%v), want 1: the cookie was not found", body, err)
		}
	}
}
