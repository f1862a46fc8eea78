package fibersession_test

import (
	"net/http/httptest"
	"testing"

	"github.com/gofiber/fiber/v3"

	fibersession "github.com/coatcheck/coatcheck/adapters/fiberv3"
	session "github.com/coatcheck/coatcheck/core"
)

// A mounted app is no reason to forget where the visitor was going, and Fiber's redirect changes nothing of what Next
// returns.
func TestAGuardInAMountedAppRemembersTheWholePath(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	app, account := fiber.New(), fiber.New()
	account.Use(fibersession.Require(session.Guard{Login: "/login"}))
	account.Get("/:page", func(fiber.Ctx) error {
		t.Error("the handler behind the guard has run")
		return nil
	})
	app.Use(fibersession.Middleware(m))
	app.Use("/shop/account", account)
	app.Get("/login", func(c fiber.Ctx) error {
		return c.Redirect().Status(fiber.StatusSeeOther).To(session.Next(c.Query("next"), "/"))
	})
	for from, want := range map[string]string{
		"/shop/account/orders?page=2":                  "/login?next=/shop/account/orders%3Fpage%3D2",
		"/login?next=/shop/account/orders%3Fpage%3D2":  "/shop/account/orders?page=2",
		"/login?next=/k%25C3%25A4se?u=https://a.test/": "/k%C3%A4se?u=https://a.test/",
		"/login?next=/%5Cevil.example":                 "/",
	} {
		r := httptest.NewRequest(fiber.MethodGet, from, nil)
		r.Header.Set("Accept", "text/html")
		response, err := app.Test(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if to := response.Header.Get("Location"); response.StatusCode != fiber.StatusSeeOther || to != want {
			t.Errorf("%s: %d to %q, want %q", from, response.StatusCode, to, want)
		}
	}
}
