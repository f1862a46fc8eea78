package echosession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const broken session.Key[chan int] = "broken"

func quiet(context.Context, session.Event) {}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", "gzip")
	h.ServeHTTP(w, r)
	return w
}

// Middleware outside knows the answer from the response: also when the session's own takes the place of the handler's,
// and when middleware on either side writes through a writer of its own.
func TestLoggersSeeWhatTheClientGot(t *testing.T) {
	full := func(error, func(string) string) session.Response {
		return session.Response{Status: http.StatusInsufficientStorage}
	}
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{ErrorResponse: full, OnEvent: quiet})
	if err != nil {
		t.Fatal(err)
	}
	status := 0
	logger := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			err := next(c)
			if response, unwrapErr := echo.UnwrapResponse(c.Response()); unwrapErr == nil {
				status = response.Status
			}
			return err
		}
	}
	sessions, wrapped := echosession.Middleware(m), echo.WrapMiddleware(func(h http.Handler) http.Handler { return h })
	for name, chain := range map[string][]echo.MiddlewareFunc{
		"plain":              {logger, sessions},
		"wrapped inside":     {logger, sessions, wrapped},
		"wrapped outside":    {logger, wrapped, sessions},
		"compressed inside":  {logger, sessions, middleware.Gzip()},
		"compressed outside": {logger, middleware.Gzip(), sessions},
	} {
		e := echo.New()
		e.Use(chain...)
		e.GET("/broken", func(c *echo.Context) error {
			broken.Set(echosession.From(c), nil)
			return errors.New("and an error too")
		})
		e.GET("/teapot", func(*echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "") })
		for path, want := range map[string]int{
			"/broken": http.StatusInsufficientStorage, "/teapot": http.StatusTeapot, "/none": http.StatusNotFound,
		} {
			if w := get(e, path); w.Code != want || status != want {
				t.Errorf("%s %s: client got %d, logger saw %d, want %d", name, path, w.Code, status, want)
			}
		}
	}
}

// refusing is a site whose sessions are not saved with a 5xx, and whose handlers fail after a change.
func refusing(t *testing.T, adapter func(*session.Manager) []echo.MiddlewareFunc) (site *echo.Echo, writes func() int) {
	t.Helper()
	store := probe.New(memstore.New())
	m, err := session.New(store, session.Options{
		SaveOn: func(status int) bool { return status < http.StatusInternalServerError },
	})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(adapter(m)...)
	e.GET("/returned", func(c *echo.Context) error {
		visits.Set(session.From(c.Request().Context()), 1)
		return errors.New("the order was not placed")
	})
	e.GET("/sent", func(c *echo.Context) error {
		visits.Set(session.From(c.Request().Context()), 1)
		return c.NoContent(http.StatusBadGateway)
	})
	e.GET("/unwrapped", func(c *echo.Context) error {
		visits.Set(session.From(c.Request().Context()), 1)
		response, err := echo.UnwrapResponse(c.Response())
		if err == nil {
			response.WriteHeader(http.StatusBadGateway)
		}
		return err
	})
	return e, func() int { return store.Count("Create") + store.Count("Update") }
}

// A policy that goes by the status has to see the one that the client gets, also while a writer outside holds it back.
func TestTheStatusIsKnownWhenTheSessionIsSaved(t *testing.T) {
	for name, outside := range map[string][]echo.MiddlewareFunc{
		"plain":              nil,
		"compressed":         {middleware.Gzip()},
		"compressed if long": {middleware.GzipWithConfig(middleware.GzipConfig{MinLength: 1 << 20})},
	} {
		e, writes := refusing(t, func(m *session.Manager) []echo.MiddlewareFunc {
			return append(outside, echosession.Middleware(m))
		})
		for _, path := range []string{"/returned", "/sent", "/unwrapped"} {
			w := get(e, path)
			cookie := w.Header().Get("Set-Cookie")
			if w.Code < http.StatusInternalServerError || cookie != "" || writes() > 0 {
				t.Errorf("%s %s: answer %d with the cookie %q and %d writes, want a 5xx and neither",
					name, path, w.Code, cookie, writes())
			}
		}
	}
}

// TestTheWrappedMiddlewareSavesWhatA500Refused says what the package comment warns of. If it fails, Echo has learned to
// answer errors inside of wrapped middleware, and the warning can go.
func TestTheWrappedMiddlewareSavesWhatA500Refused(t *testing.T) {
	e, writes := refusing(t, func(m *session.Manager) []echo.MiddlewareFunc {
		return []echo.MiddlewareFunc{echo.WrapMiddleware(httpsession.Middleware(m))}
	})
	if w := get(e, "/returned"); writes() != 1 {
		t.Errorf("answer %d with %d writes, want one write", w.Code, writes())
	}
}

// What a handler or middleware writes after a failed commit goes nowhere, through whichever of Echo's responses.
func TestNothingFollowsTheErrorResponse(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{OnEvent: quiet})
	if err != nil {
		t.Fatal(err)
	}
	more := func(c *echo.Context) {
		_, _ = c.Response().Write([]byte("more"))
		if response, err := echo.UnwrapResponse(c.Response()); err == nil {
			_, _ = response.Write([]byte("more"))
		}
	}
	e := echo.New()
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			err := next(c)
			more(c)
			return err
		}
	}, echosession.Middleware(m))
	e.GET("/", func(c *echo.Context) error {
		broken.Set(echosession.From(c), nil)
		more(c)
		return nil
	})
	if w := get(e, "/"); w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "more") {
		t.Errorf("answer %d %q, want the session's own", w.Code, w.Body)
	}
}

// Middleware between two managers' works on with the outer one's session once the inner one's is over.
func TestMiddlewareBetweenTwoManagersHasTheOuterSession(t *testing.T) {
	outer, err := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "outer", OnEvent: quiet})
	inner, err2 := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "inner", OnEvent: quiet})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	e := echo.New()
	between := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c *echo.Context) error {
			before := echosession.From(c)
			err := next(c)
			if s := echosession.From(c); s != before || s != outer.From(c.Request().Context()) {
				t.Error("the session after the handler is another than before")
			}
			return err
		}
	}
	e.Use(echosession.Middleware(outer), between, echosession.Middleware(inner))
	e.GET("/", func(c *echo.Context) error {
		echosession.From(c).Login("user:1")
		return c.NoContent(http.StatusNoContent)
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
}
