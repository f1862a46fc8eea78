package fibersession_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
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
