package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cache"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// personal is what README.md gives Fiber's cache as its Next.
func personal(c *fiber.Ctx) bool {
	return strings.Contains(c.GetRespHeader(fiber.HeaderVary), fiber.HeaderCookie)
}

// TestFibersCache says what README.md warns of: Fiber's cache gives one visitor's page to the next, whatever
// Cache-Control says. If the first case fails, Fiber has learned better, and the warning can go.
func TestFibersCache(t *testing.T) {
	for _, test := range []struct {
		name         string
		config       cache.Config
		sessionFirst bool
		leaks        string // what the second visitor gets of the first: the page, and by option the cookie
	}{
		{name: "as it is", leaks: "page"},
		{name: "with headers", config: cache.Config{StoreResponseHeaders: true}, leaks: "page and cookie"},
		{name: "with Next, after the session", config: cache.Config{Next: personal}, sessionFirst: true, leaks: "page"},
		{name: "with Next, before the session", config: cache.Config{Next: personal, StoreResponseHeaders: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := cached(t, cache.New(test.config), test.sessionFirst)
			alice, cookie := ask(t, app, "/me?alice")
			bob, again := ask(t, app, "/me?bob")
			leaks := ""
			if bob == alice {
				leaks = "page"
			}
			if again == cookie {
				leaks += " and cookie"
			}
			if alice != "alice" || cookie == "" || leaks != test.leaks {
				t.Errorf("alice gets %q, bob %q; leaks %q, want %q", alice, bob, leaks, test.leaks)
			}
			for path, cached := range map[string]bool{"/public": true, "/greeting": test.leaks != ""} {
				ask(t, app, path)
				if body, _ := ask(t, app, path); (body == "made 1 times") != cached {
					t.Errorf("%s says %q, want it cached: %t", path, body, cached)
				}
			}
		})
	}
}

// cached is an app with a page that is a visitor's own, and two that count how often they have been made: one for
// everybody, and one that looks at the session and has a Cache-Control of its own.
func cached(t *testing.T, cache fiber.Handler, sessionFirst bool) *fiber.App {
	t.Helper()
	sessions, err := session.New(memstore.New(), session.Options{InsecureHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	app, made := fiber.New(), map[string]int{}
	count := func(c *fiber.Ctx) error {
		made[c.Path()]++
		return c.SendString(fmt.Sprintf("made %d times", made[c.Path()]))
	}
	if sessionFirst {
		app.Use(fibersession.Middleware(sessions), cache)
	} else {
		app.Use(cache, fibersession.Middleware(sessions))
	}
	app.Get("/me", func(c *fiber.Ctx) error {
		s := fibersession.From(c)
		s.Login(string(c.Context().URI().QueryString()))
		return c.SendString(s.Subject())
	})
	app.Get("/public", count)
	app.Get("/greeting", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderCacheControl, "no-cache")
		_ = fibersession.From(c).Subject()
		return count(c)
	})
	return app
}

// ask is a visitor without a cookie. It returns the page and the cookie that come back.
func ask(t *testing.T, app *fiber.App, target string) (page, cookie string) {
	t.Helper()
	response, err := app.Test(httptest.NewRequest(http.MethodGet, target, nil), -1)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), response.Header.Get("Set-Cookie")
}
