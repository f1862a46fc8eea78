package fibersession_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gofiber/fiber/v3"
	foreign "github.com/gofiber/fiber/v3/middleware/session"

	session "github.com/coatcheck/coatcheck/core"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
)

// loginOfFiber logs a visitor in with Fiber's own sessions, and returns the cookie.
func loginOfFiber(t *testing.T, store *foreign.Store) *http.Cookie {
	t.Helper()
	app := fiber.New()
	app.Get("/account/login", func(c fiber.Ctx) error {
		s, err := store.Get(c)
		if err != nil {
			return err
		}
		s.Set("cart", []string{"tea"})
		s.Set("language", "de")
		return s.Save()
	})
	response, err := app.Test(httptest.NewRequest(fiber.MethodGet, "/account/login", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if cookies := response.Cookies(); len(cookies) == 1 {
		return cookies[0]
	}
	t.Fatalf("status %d, %v", response.StatusCode, response.Header)
	return nil
}

// What Fiber 3 writes comes in, whether or not the program has Fiber's own sessions as well, as this one has.
func TestSessionsOfFiberComeIn(t *testing.T) {
	for why, timeout := range map[string]time.Duration{"without a deadline": 0, "with one": time.Hour} {
		store := foreign.NewStore(foreign.Config{AbsoluteTimeout: timeout})
		cookie := loginOfFiber(t, store)
		for later, alive := range map[time.Duration]bool{0: true, time.Hour + time.Minute: timeout == 0} {
			i, err := fromfiber.V3(fromfiber.Config{
				Storage: store.Storage, Now: func() time.Time { return time.Now().Add(later) },
			})
			if err != nil {
				t.Fatal(err)
			}
			f, err := i.Open(t.Context(), cookie.Value)
			if refused, _ := errors.AsType[*session.NotImportedError](err); !alive && refused != nil &&
				refused.Reason == session.ReasonExpiredAbsolute {
				continue
			}
			if err != nil || !alive {
				t.Fatalf("%s, after %s: %v", why, later, err)
			}
			if len(f.Values) != 2 || f.Values["language"] != "de" || f.Values["cart"].([]string)[0] != "tea" ||
				f.Deadline.IsZero() != (timeout == 0) {
				t.Errorf("%s: %+v", why, f)
			}
			if c := i.Cookie; c.Name != cookie.Name || c.Insecure == cookie.Secure || c.Readable == cookie.HttpOnly ||
				c.SameSite != cookie.SameSite || cookie.Path != "/" {
				t.Errorf("Fiber sets %q, the importer %+v", cookie, c)
			}
		}
	}
}
