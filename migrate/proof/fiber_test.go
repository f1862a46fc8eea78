package proof_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	fibersession "github.com/gofiber/fiber/v2/middleware/session"
	fiberredis "github.com/gofiber/storage/redis/v3"
	goredis "github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
)

type fiberItem struct {
	Name  string
	Count int
}

func TestFiberV2(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		store := fibersession.New()
		testFiber(t, store, func(id string) error { return store.Storage.Set(id, []byte("x"), time.Nanosecond) })
	})
	t.Run("redis", func(t *testing.T) {
		rdb := goredis.NewClient(&goredis.Options{Addr: servers.Redis(t).Addr})
		t.Cleanup(func() { _ = rdb.Close() })
		store := fibersession.New(fibersession.Config{Storage: fiberredis.NewFromConnection(rdb)})
		testFiber(t, store, func(id string) error { return rdb.ExpireAt(t.Context(), id, time.Unix(1, 0)).Err() })
	})
}

// testFiber needs to know how a session expires in the store's storage without waiting for it.
func testFiber(t *testing.T, store *fibersession.Store, expire func(id string) error) {
	t.Helper()
	store.RegisterType([]fiberItem{})
	fiberSessionGoesOn(t, store)
	fiberSessionEnds(t, store, expire)
}

func fiberImporter(t *testing.T, store *fibersession.Store, types ...any) session.Importer {
	t.Helper()
	i, err := fromfiber.V2(fromfiber.Config{Storage: store.Storage, Types: types})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// fiberLogin logs a visitor in as an application of Fiber's does, and returns the cookie.
func fiberLogin(t *testing.T, store *fibersession.Store) *http.Cookie {
	t.Helper()
	app := fiber.New()
	app.Get("/account/login", func(c *fiber.Ctx) error {
		s, err := store.Get(c)
		if err != nil {
			return err
		}
		s.Set("cart", []fiberItem{{"tea", 2}})
		s.Set("language", "de")
		s.Set("user", 42)
		return s.Save()
	})
	response, err := app.Test(httptest.NewRequest(http.MethodGet, "/account/login", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	cookies := response.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v, status %d", cookies, response.StatusCode)
	}
	return cookies[0]
}

func fiberSessionGoesOn(t *testing.T, store *fibersession.Store) {
	t.Helper()
	cookie := fiberLogin(t, store)
	i := fiberImporter(t, store, []fiberItem{})
	f, err := i.Open(t.Context(), cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	cart, _ := f.Values["cart"].([]fiberItem)
	if !slices.Equal(cart, []fiberItem{{"tea", 2}}) || f.Values["language"] != "de" || f.Values["user"] != 42 {
		t.Errorf("values %v", f.Values)
	}
	openShop(t, i, func(f session.Foreign) any { return f.Values["user"] }).takesOver(cookie)
	if c := i.Cookie; c.Name != cookie.Name || c.Insecure == cookie.Secure || c.Readable == cookie.HttpOnly ||
		c.SameSite != cookie.SameSite || c.Domain != cookie.Domain || cookie.Path != "/" {
		t.Errorf("Fiber sets %q, the importer %+v", cookie, c)
	}
}

func fiberSessionEnds(t *testing.T, store *fibersession.Store, expire func(id string) error) {
	t.Helper()
	i := fiberImporter(t, store, []fiberItem{})
	loggedOut := fiberLogin(t, store).Value
	if err := store.Delete(loggedOut); err != nil {
		t.Fatal(err)
	}
	expired := fiberLogin(t, store).Value
	if err := expire(expired); err != nil {
		t.Fatal(err)
	}
	for why, test := range map[string]struct {
		value string
		i     session.Importer
		want  session.Reason
	}{
		"forged":                   {"6ba7b810-9dad-41d1-80b4-00c04fd430c8", i, session.ReasonUnknown},
		"not an id":                {"127.0.0.1", i, session.ReasonMalformed},
		"of types nobody has said": {fiberLogin(t, store).Value, fiberImporter(t, store), session.ReasonCorrupt},
		"logged out":               {loggedOut, i, session.ReasonUnknown},
		"expired in the storage":   {expired, i, session.ReasonUnknown},
	} {
		_, err := test.i.Open(t.Context(), test.value)
		if got := refusedFor(t, err); got != test.want {
			t.Errorf("%s: %s, want %s", why, got, test.want)
		}
	}
}
