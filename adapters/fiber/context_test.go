package fibersession_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
)

func sealed(t *testing.T, name string) *session.Manager {
	t.Helper()
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{Name: name, OnEvent: noEvents})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func noEvents(context.Context, session.Event) {}

func served(t *testing.T, app *fiber.App) {
	t.Helper()
	response, err := app.Test(httptest.NewRequest(fiber.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != fiber.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
}

// Middleware between two managers' works on with the outer one's session once the inner one's is over.
func TestMiddlewareBetweenTwoManagersHasTheOuterSession(t *testing.T) {
	outer, inner := sealed(t, "outer"), sealed(t, "inner")
	app := fiber.New()
	app.Use(fibersession.Middleware(outer), func(c *fiber.Ctx) error {
		before := fibersession.From(c)
		err := c.Next()
		if s := fibersession.From(c); s != before || s != outer.From(c.UserContext()) || s != session.From(c.Context()) {
			t.Error("the session after the handler is another than before")
		}
		return err
	}, fibersession.Middleware(inner))
	app.Get("/", func(c *fiber.Ctx) error {
		fibersession.From(c).Login("user:1")
		return nil
	})
	served(t, app)
}

// What replaces the framework's context may be made of fasthttp's, which has values of its own, or of none at all.
func TestAReplacedContextLeadsToTheSameSession(t *testing.T) {
	for name, of := range map[string]func(*fiber.Ctx) context.Context{
		"the user's":   func(c *fiber.Ctx) context.Context { return c.UserContext() },
		"fasthttp's":   func(c *fiber.Ctx) context.Context { return c.Context() },
		"a background": func(*fiber.Ctx) context.Context { return context.Background() },
	} {
		t.Run(name, func(t *testing.T) {
			m := sealed(t, "id")
			app := fiber.New()
			var first *session.Session
			app.Use(fibersession.Middleware(m), func(c *fiber.Ctx) error {
				first = fibersession.From(c)
				ctx, cancel := context.WithCancel(of(c))
				defer cancel()
				c.SetUserContext(ctx)
				return c.Next()
			})
			app.Get("/", fibersession.Middleware(m), func(c *fiber.Ctx) error { // which works once, all the same
				if fibersession.From(c) != first || m.From(c.Context()) != first {
					t.Error("another session than before the context was replaced")
				}
				return nil
			})
			served(t, app)
		})
	}
}

// A single-page application answers what it has no route for with its front page.
func TestARequestThatIsRoutedAgainHasASession(t *testing.T) {
	m := sealed(t, "id")
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		err := c.Next()
		if c.Response().StatusCode() != fiber.StatusNotFound {
			return err
		}
		c.Status(fiber.StatusOK).Path("/front")
		return c.RestartRouting()
	}, fibersession.Middleware(m))
	app.Get("/front", func(c *fiber.Ctx) error {
		fibersession.From(c).Login("user:1")
		if err := fibersession.From(c).Err(); err != nil {
			t.Error(err)
		}
		return nil
	})
	served(t, app)
}
