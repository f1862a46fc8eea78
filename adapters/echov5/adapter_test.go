package echosession_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	echosession "github.com/coatcheck/coatcheck/adapters/echov5"
	session "github.com/coatcheck/coatcheck/core"
)

func TestAdapter(t *testing.T) { adaptertest.Run(t, serve(nil, nil)) }

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

func TestOtherMiddleware(t *testing.T) {
	others := []echo.MiddlewareFunc{
		middleware.Gzip(), middleware.Recover(),
		middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
			LogStatus: true, HandleError: true,
			LogValuesFunc: func(*echo.Context, middleware.RequestLoggerValues) error { return nil },
		}),
		middleware.ContextTimeout(time.Minute),
	}
	t.Run("outside", func(t *testing.T) { adaptertest.RunThrough(t, serve(others, nil)) })
	t.Run("inside", func(t *testing.T) { adaptertest.RunThrough(t, serve(nil, others)) })
}

// A nil dereference somewhere below would not say what is wrong.
func TestFromNilSaysWhatToPass(t *testing.T) {
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "From(nil)") {
			t.Errorf("panic %q, want one that names From(nil)", text)
		}
	}()
	echosession.From(nil)
}

// serve mounts the adapter between other middleware.
func serve(outside, inside []echo.MiddlewareFunc) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		e := echo.New()
		e.Logger = slog.New(slog.DiscardHandler)
		e.Use(middleware.Recover())
		e.Use(outside...)
		for _, m := range app.Managers {
			e.Use(echosession.Middleware(m))
		}
		e.Use(inside...)
		if app.Guard != nil {
			e.Use(echosession.Require(*app.Guard))
		}
		if app.HandleError != nil {
			e.HTTPErrorHandler = func(c *echo.Context, err error) { _ = app.HandleError(call(c), err) }
		}
		answer := func(c *echo.Context) error { return app.Handle(call(c)) }
		e.Any("/:first", answer)
		e.Any("/:first/*", answer)
		return app.Start(t, e)
	}
}

func call(c *echo.Context) *adaptertest.Call {
	return &adaptertest.Call{
		Context: c.Request().Context(), Session: echosession.From(c), Method: c.Request().Method, Path: c.Request().URL.Path,
		Writer: c.Response(), Request: c.Request(), SetHeader: c.Response().Header().Set,
		Respond: func(status int, body string) error {
			if body == "" {
				return c.NoContent(status)
			}
			c.Response().WriteHeader(status)
			_, err := io.WriteString(c.Response(), body)
			return err
		},
	}
}

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	e := echo.New()
	if m != nil {
		e.Use(echosession.Middleware(m))
	}
	e.Any("/", func(c *echo.Context) error {
		if m != nil {
			handle(echosession.From(c))
		}
		return c.NoContent(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(e)
}
