package fibersession_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func quiet(context.Context, session.Event) {}

// managed is an app with sessions in a store that the test can look into and break.
func managed(t *testing.T, config fiber.Config) (app *fiber.App, m *session.Manager, store *probe.Store) {
	t.Helper()
	store = probe.New(memstore.New())
	m, err := session.New(store, session.Options{OnEvent: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return fiber.New(config), m, store
}

func down(probe.Call) error { return errors.New("down") }

// answer is a response that has been read to its end.
type answer struct {
	StatusCode int
	Header     http.Header
}

func ask(t *testing.T, app *fiber.App, method, target string, cookies ...*http.Cookie) (answer, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	response, err := app.Test(r, fiber.TestConfig{}) // without a timeout
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header}, string(body)
}

func TestFromNilSaysWhatToPass(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "From(nil)") {
			t.Errorf("panic %q, want one that names From(nil)", text)
		}
	}()
	fibersession.From(nil)
}

// What is derived of c, or of fasthttp's context, knows only its user values. Fiber's key for c.Context() is hidden,
// and what replaces that context must not lose the session.
func TestFromFindsTheSessionInFibersContexts(t *testing.T) {
	app, m, _ := managed(t, fiber.Config{})
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c fiber.Ctx) error {
		fromC, cancel := context.WithCancel(c)
		defer cancel()
		fromFasthttp, stop := context.WithTimeout(c.RequestCtx(), time.Hour)
		defer stop()
		s := m.From(c.Context())
		for what, ctx := range map[string]context.Context{
			"Fiber's": c, "fasthttp's": c.RequestCtx(), "user": c.Context(),
			"of Fiber's": fromC, "of fasthttp's": fromFasthttp,
		} {
			if session.From(ctx) != s || m.From(ctx) != s {
				t.Errorf("%s context: another session", what)
			}
		}
		c.SetContext(context.Background())
		if fibersession.From(c) != s {
			t.Error("the session was lost with the context that c.SetContext replaced")
		}
		return nil
	})
	if response, body := ask(t, app, fiber.MethodGet, "/"); response.StatusCode != fiber.StatusOK {
		t.Errorf("answer %d %q", response.StatusCode, body)
	}
}

func TestNobodyTakesOverAConnectionAfterAFailedCommit(t *testing.T) {
	app, m, store := managed(t, fiber.Config{})
	store.Before(down)
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c fiber.Ctx) error {
		fibersession.From(c).Login("user:1")
		c.RequestCtx().Hijack(func(conn net.Conn) { _, _ = conn.Write([]byte("hijacked")) })
		return c.SendStatus(fiber.StatusSwitchingProtocols)
	})
	response, body := ask(t, app, fiber.MethodGet, "/")
	if response.StatusCode != fiber.StatusServiceUnavailable || strings.Contains(body, "hijacked") {
		t.Errorf("answer %d %q, want a bare 503", response.StatusCode, body)
	}
}

// A body that is streamed once the handler has returned, such as server-sent events, follows headers that say what was
// saved, and cannot change the session any more.
func TestAStreamFollowsTheCommit(t *testing.T) {
	app, m, store := managed(t, fiber.Config{})
	over := make(chan struct{}, 1)
	app.Use(func(c fiber.Ctx) error {
		defer func() { over <- struct{}{} }()
		return c.Next()
	}, fibersession.Middleware(m))
	app.Get("/events", func(c fiber.Ctx) error {
		s := fibersession.From(c)
		s.Login("user:1")
		return c.SendStreamWriter(func(w *bufio.Writer) { // in a goroutine that starts at once
			<-over
			visits.Set(s, 1)
			_, _ = fmt.Fprintf(w, "data: over: %t\n\n", errors.Is(s.Err(), session.ErrRequestOver))
		})
	})
	response, body := ask(t, app, fiber.MethodGet, "/events")
	if n := store.Count("Create"); response.Header.Get("Set-Cookie") == "" || body != "data: over: true\n\n" || n != 1 {
		t.Errorf("answer %v %q with %d records, want a cookie, its record and the event", response.Header, body, n)
	}
	store.Before(down)
	response, body = ask(t, app, fiber.MethodGet, "/events")
	if response.StatusCode != fiber.StatusServiceUnavailable || strings.Contains(body, "data") {
		t.Errorf("answer %d %q, want a bare 503", response.StatusCode, body)
	}
}

// SendEarlyHints sends a 103 at once, which is no answer yet.
func TestEarlyHintsDoNotCommit(t *testing.T) {
	app, m, _ := managed(t, fiber.Config{})
	app.Use(fibersession.Middleware(m))
	app.Get("/hints", func(c fiber.Ctx) error {
		if err := c.SendEarlyHints([]string{"</shop.css>; rel=preload"}); err != nil {
			return err
		}
		fibersession.From(c).Login("user:1")
		return c.SendString("in")
	})
	var hints []textproto.MIMEHeader
	trace := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error { hints = append(hints, header); return nil },
	})
	r, err := http.NewRequestWithContext(trace, http.MethodGet, listen(t, app)+"/hints", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if len(hints) != 1 || hints[0].Get("Set-Cookie") != "" || response.Header.Get("Set-Cookie") == "" {
		t.Errorf("hints %v, then %v: want the cookie in the answer alone", hints, response.Header)
	}
}

// The race detector and lost cookies tell when the session reads buffers that the handler uses too.
func TestTheSessionMayBeFirstUsedInAGoroutine(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	if err != nil {
		t.Fatal(err)
	}
	cookie := sessiontest.Start(t, m, func(s *session.Session) { visits.Set(s, 1) })
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c fiber.Ctx) error {
		s, found := fibersession.From(c), make(chan int)
		go func() { found <- visits.Get(s) }()
		for range 100 {
			_ = c.Get(fiber.HeaderUserAgent) + c.Get("X-Anything")
		}
		return c.SendString(strconv.Itoa(<-found))
	})
	for range 50 {
		if _, body := ask(t, app, fiber.MethodGet, "/", cookie); body != "1" {
			t.Fatalf("visits = %q, want 1: the cookie was not found", body)
		}
	}
}

// fiber.Config.DisableHeaderNormalizing leaves header names as the client has sent them, and many proxies send them in
// small letters.
func TestHeadersAreFoundHoweverTheyAreSpelt(t *testing.T) {
	app, m, _ := managed(t, fiber.Config{DisableHeaderNormalizing: true})
	app.Use(fibersession.Middleware(m))
	app.Get("/", func(c fiber.Ctx) error {
		x := m.Exchange(c.Context())
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
	conn, err := net.Dial("tcp", strings.TrimPrefix(listen(t, app), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nhost: shop.test\r\norigin: null\r\nx-forwarded-for: 1\r\n"+
		"X-FORWARDED-FOR: 2\r\nuser-agent: me\r\ncookie: a=b\r\nconnection: close\r\n\r\n")
	answer, err := io.ReadAll(conn)
	text := strings.ToLower(string(answer))
	if strings.Count(text, "cache-control:") != 1 || !strings.Contains(text, "no-store") ||
		strings.Count(text, "vary: ") != 1 || strings.Contains(text, "planted") {
		t.Errorf("answer %s (%v), want one no-store, one Vary and the session's cookie", answer, err)
	}
}

// A handler that proxies rewrites the request in place, and another of its goroutines may have a mistake to report.
func TestAMistakeIsReportedWhileTheRequestIsRewritten(t *testing.T) {
	var events []session.Event
	m, err := session.New(memstore.New(), session.Options{
		OnEvent: func(_ context.Context, e session.Event) { events = append(events, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	app.Use(fibersession.Middleware(m))
	app.Post("/cart", func(c fiber.Ctx) error {
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
	response, body := ask(t, app, fiber.MethodPost, "/cart?token=secret")
	if response.StatusCode != fiber.StatusInternalServerError {
		t.Errorf("answer %d %q", response.StatusCode, body)
	}
	if len(events) != 1 || events[0].Route != "POST /cart" {
		t.Errorf("events %+v, want one of POST /cart", events)
	}
}
