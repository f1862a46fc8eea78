package echosession_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"

	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
)

const broken session.Key[chan int] = "broken"

// Middleware outside knows the answer from the response: also when the session's own takes the place of the handler's,
// and when something inside has put another response into Echo's context.
func TestLoggersSeeWhatTheClientGot(t *testing.T) {
	full := func(error, func(string) string) session.Response {
		return session.Response{Status: http.StatusInsufficientStorage}
	}
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{ErrorResponse: full})
	if err != nil {
		t.Fatal(err)
	}
	wrapped := echo.WrapMiddleware(func(h http.Handler) http.Handler { return h })
	for name, inside := range map[string][]echo.MiddlewareFunc{"plain": nil, "wrapped": {wrapped}} {
		e := echo.New()
		status := 0
		e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
			return func(c echo.Context) error {
				err := next(c)
				status = c.Response().Status
				return err
			}
		}, echosession.Middleware(m))
		e.Use(inside...)
		e.GET("/broken", func(c echo.Context) error {
			broken.Set(echosession.From(c), nil)
			return errors.New("and an error too")
		})
		e.GET("/teapot", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot) })
		for path, want := range map[string]int{
			"/broken": http.StatusInsufficientStorage, "/teapot": http.StatusTeapot, "/none": http.StatusNotFound,
		} {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != want || status != want {
				t.Errorf("%s %s: client got %d, logger saw %d, want %d", name, path, w.Code, status, want)
			}
		}
	}
}

// Middleware between two managers' works on with the outer one's session once the inner one's is over.
func TestMiddlewareBetweenTwoManagersHasTheOuterSession(t *testing.T) {
	outer, err := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "outer"})
	inner, err2 := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "inner"})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	e := echo.New()
	between := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			before := echosession.From(c)
			err := next(c)
			if s := echosession.From(c); s != before || s != outer.From(c.Request().Context()) {
				t.Error("the session after the handler is another than before")
			}
			return err
		}
	}
	e.Use(echosession.Middleware(outer), between, echosession.Middleware(inner))
	e.GET("/", func(c echo.Context) error {
		echosession.From(c).Login("user:1")
		return c.NoContent(http.StatusNoContent)
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
}
