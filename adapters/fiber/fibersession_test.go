package fibersession_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
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
		for what, ctx := range map[string]context.Context{
			"user": c.UserContext(), "fasthttp's": c.Context(), "derived": derived,
		} {
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

// fiber.Config.DisableHeaderNormalizing leaves header names as the client has sent them, and many proxies send them in
// small letters.
func TestHeadersAreFoundHoweverTheyAreSpelt(t *testing.T) {
	m, err := session.New(memstore.New(), session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New(fiber.Config{DisableHeaderNormalizing: true, DisableStartupMessage: true})
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c *fiber.Ctx) error {
		x := m.Exchange(c.UserContext())
		for name, want := range map[string]string{
			"Origin": "null", "Host": "shop.test", "X-Forwarded-For": "1, 2", "User-Agent": "me",
		} {
			if got := x.RequestHeader(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if lines := x.CookieLines(); len(lines) != 1 || lines[0] != "a=b" {
			t.Errorf("cookies %q, want a=b", lines)
		}
		c.Set("cache-control", "public")
		c.Set("vary", "Origin")
		c.Set("set-cookie", "__Host-id=planted")
		fibersession.From(c).Login("user:1")
		return c.SendString("in")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Listener(listener) }()
	defer func() { _ = app.Shutdown() }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn,
		"GET / HTTP/1.1\r\nhost: shop.test\r\norigin: null\r\nx-forwarded-for: 1\r\nX-FORWARDED-FOR: 2\r\n"+
			"user-agent: me\r\ncookie: a=b\r\nconnection: close\r\n\r\n")
	answer, err := io.ReadAll(conn)
	text := strings.ToLower(string(answer))
	if strings.Count(text, "cache-control:") != 1 || !strings.Contains(text, "no-store") ||
		strings.Count(text, "vary: ") != 1 ||
		strings.Contains(text, "planted") {
		t.Errorf("answer %s (%v), want one no-store, one Vary and the session's cookie", answer, err)
	}
}

// A handler that proxies rewrites the request in place, and another of its goroutines may have a mistake to report.
func TestAMistakeIsReportedWhileTheRequestIsRewritten(t *testing.T) {
	var events []session.Event
	m, err := session.New(memstore.New(), session.Options{OnEvent: func(_ context.Context, e session.Event) {
		events = append(events, e)
	}})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Post("/cart", func(c *fiber.Ctx) error {
		s := fibersession.From(c)
		var wg sync.WaitGroup
		wg.Go(func() { s.Login("") })
		c.Request().SetRequestURI("/elsewhere/and/further")
		c.Request().Header.SetMethod("PATCH")
		c.Method("PUT")
		_ = c.Get(fiber.HeaderUserAgent)
		wg.Wait()
		return nil
	})
	response, err := app.Test(httptest.NewRequest(fiber.MethodPost, "/cart?token=secret", nil))
	if err != nil || response.StatusCode != fiber.StatusInternalServerError {
		t.Errorf("answer %v (%v)", response, err)
	}
	if len(events) != 1 || events[0].Route != "POST /cart" {
		t.Errorf("events %+v, want one of POST /cart", events)
	}
}
