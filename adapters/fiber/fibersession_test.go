package fibersession_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v2"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiber"
	session "github.com/coatcheck/coatcheck/core"
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
