package echosession_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
)

func TestAdapter(t *testing.T) { adaptertest.Run(t, serve) }

func serve(t testing.TB, app adaptertest.App) string {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	e.Use(middleware.Recover())
	for _, m := range app.Managers {
		e.Use(echosession.Middleware(m))
	}
	e.Any("/*", func(c echo.Context) error {
		return app.Handle(&adaptertest.Call{
			Context: c.Request().Context(), Session: echosession.From(c), Method: c.Request().Method, Path: c.Request().URL.Path,
			Writer: c.Response(), SetHeader: c.Response().Header().Set,
			Respond: func(status int, body string) error {
				if body == "" {
					return c.NoContent(status)
				}
				c.Response().WriteHeader(status)
				_, err := io.WriteString(c.Response(), body)
				return err
			},
		})
	})
	return app.Start(t, e)
}

func TestLoggersSeeWhatTheClientGot(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	status := 0
	e.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			status = c.Response().Status
			return err
		}
	}, echosession.Middleware(m))
	const broken session.Key[chan int] = "broken"
	e.GET("/", func(c echo.Context) error {
		broken.Set(echosession.From(c), nil)
		return errors.New("and an error too")
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusInternalServerError || status != w.Code {
		t.Errorf("client got %d, logger saw %d", w.Code, status)
	}
}

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	e := echo.New()
	if m != nil {
		e.Use(echosession.Middleware(m))
	}
	e.GET("/", func(c echo.Context) error {
		if m != nil {
			handle(echosession.From(c))
		}
		return c.NoContent(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(e)
}
