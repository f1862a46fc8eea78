package adapters_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/labstack/echo/v5"
	"github.com/labstack/echo/v5/middleware"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	echosession5 "github.com/coatcheck/coatcheck/adapters/echov5"
	session "github.com/coatcheck/coatcheck/core"
)

// serveEcho5 mounts the adapter between other middleware.
func serveEcho5(outside, inside []echo.MiddlewareFunc) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		e := echo.New()
		e.Logger = slog.New(slog.DiscardHandler)
		e.Use(middleware.Recover())
		e.Use(outside...)
		for _, m := range app.Managers {
			e.Use(echosession5.Middleware(m))
		}
		e.Use(inside...)
		if app.HandleError != nil {
			e.HTTPErrorHandler = func(c *echo.Context, err error) { _ = app.HandleError(callEcho5(c), err) }
		}
		answer := func(c *echo.Context) error { return app.Handle(callEcho5(c)) }
		e.Any("/:first", answer)
		e.Any("/:first/*", answer)
		return app.Start(t, e)
	}
}

func callEcho5(c *echo.Context) *adaptertest.Call {
	return &adaptertest.Call{
		Context: c.Request().Context(), Session: echosession5.From(c), Method: c.Request().Method, Path: c.Request().URL.Path,
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

func benchEcho5(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	e := echo.New()
	if m != nil {
		e.Use(echosession5.Middleware(m))
	}
	e.GET("/", func(c *echo.Context) error {
		if m != nil {
			handle(echosession5.From(c))
		}
		return c.NoContent(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(e)
}
