package fibersession_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/cache"
	"github.com/gofiber/fiber/v3/middleware/timeout"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// When Fiber's timeout middleware gives up on a handler, another response goes out than the one that the handler has,
// and may be writing to. The session belongs to the first, and a failed commit replaces it.
func TestATimeoutInsideIsAnAnswerLikeAnyOther(t *testing.T) {
	app, m, store := managed(t, fiber.Config{})
	release, written := make(chan struct{}), make(chan struct{})
	app.Use(fibersession.Middleware(m))
	app.Use(func(c fiber.Ctx) error {
		fibersession.From(c).Login("user:1")
		return c.Next()
	})
	app.Get("/", timeout.New(func(c fiber.Ctx) error {
		<-release
		c.Set("X-Late", "yes")
		err := c.SendString("late")
		written <- struct{}{}
		return err
	}, timeout.Config{Timeout: time.Millisecond}))
	for want, fails := range map[int]error{
		fiber.StatusRequestTimeout: nil, fiber.StatusServiceUnavailable: errors.New("down"),
	} {
		store.Before(func(probe.Call) error { // the handler writes in the midst of the commit
			release <- struct{}{}
			<-written
			return fails
		})
		response, body := ask(t, app, fiber.MethodGet, "/")
		if cookie := response.Header.Get("Set-Cookie"); response.StatusCode != want || (cookie == "") != (fails != nil) {
			t.Errorf("answer %d with the cookie %q, want %d", response.StatusCode, cookie, want)
		}
		if body == "late" || response.Header.Get("X-Late") != "" {
			t.Errorf("answer %v %q: the handler's", response.Header, body)
		}
	}
}

// A handler that is answered for by a timeout outside has no response for a cookie any more.
func TestATimeoutOutsideSavesNothingThatNeedsACookie(t *testing.T) {
	app, m, store := managed(t, fiber.Config{})
	entered, answered, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	app.Use(timeout.New(func(c fiber.Ctx) error { return c.Next() }, timeout.Config{
		Timeout: time.Millisecond,
		OnTimeout: func(c fiber.Ctx) error {
			<-entered
			return c.SendStatus(fiber.StatusRequestTimeout)
		},
	}))
	app.Use(func(c fiber.Ctx) error {
		defer close(over)
		return c.Next()
	}, fibersession.Middleware(m))
	app.Get("/", func(c fiber.Ctx) error {
		close(entered)
		<-answered
		fibersession.From(c).Login("user:1")
		return nil
	})
	if response, _ := ask(t, app, fiber.MethodGet, "/"); response.StatusCode != fiber.StatusRequestTimeout {
		t.Errorf("answer %d, want a 408", response.StatusCode)
	}
	close(answered)
	<-over
	if n := store.Count("Create"); n != 0 {
		t.Errorf("%d sessions begun that no browser knows of", n)
	}
}

// Fiber's cache heeds what the session says of a page, if it is outside and hears of it. Inside, it gives one visitor's
// page to the next, as the package comment warns.
func TestFibersCacheBelongsOutside(t *testing.T) {
	for _, outside := range []bool{true, false} {
		visitor := "alice"
		app, m, _ := managed(t, fiber.Config{})
		chain := []any{cache.New(), fibersession.Middleware(m)}
		if !outside {
			slices.Reverse(chain)
		}
		app.Use(chain...)
		app.Get("/me", func(c fiber.Ctx) error {
			s := fibersession.From(c)
			s.Login(visitor)
			return c.SendString(s.Subject())
		})
		_, alice := ask(t, app, fiber.MethodGet, "/me")
		visitor = "bob"
		if _, bob := ask(t, app, fiber.MethodGet, "/me"); alice != "alice" || (bob == "bob") != outside {
			t.Errorf("cache outside: %t: alice sees %q, bob %q", outside, alice, bob)
		}
	}
}
