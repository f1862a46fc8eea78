package echosession_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v5"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
	session "github.com/coatcheck/coatcheck/core"
)

// A group is no reason to forget where the visitor was going, and Echo's redirect changes nothing of what Next returns.
func TestAGuardInAGroupRemembersTheWholePath(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(echosession.Middleware(m))
	account := e.Group("/shop").Group("/account", echosession.Require(session.Guard{Login: "/login"}))
	account.GET("/:page", func(*echo.Context) error {
		t.Error("the handler behind the guard has run")
		return nil
	})
	e.GET("/login", func(c *echo.Context) error {
		return c.Redirect(http.StatusSeeOther, session.Next(c.QueryParam("next"), "/"))
	})
	for from, want := range map[string]string{
		"/shop/account/orders?page=2":                  "/login?next=/shop/account/orders%3Fpage%3D2",
		"/login?next=/shop/account/orders%3Fpage%3D2":  "/shop/account/orders?page=2",
		"/login?next=/k%25C3%25A4se?u=https://a.test/": "/k%C3%A4se?u=https://a.test/",
		"/login?next=/%5Cevil.example":                 "/",
	} {
		r, w := httptest.NewRequest(http.MethodGet, from, nil), httptest.NewRecorder()
		r.Header.Set("Accept", "text/html")
		if e.ServeHTTP(w, r); w.Code != http.StatusSeeOther || w.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", from, w.Code, w.Header().Get("Location"), want)
		}
	}
}
