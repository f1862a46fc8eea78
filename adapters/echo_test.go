package adapters_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	echosession "github.com/coatcheck/coatcheck/adapters/echo"
	session "github.com/coatcheck/coatcheck/core"
)

// serveEcho mounts the adapter between other middleware.
func serveEcho(outside, inside []echo.MiddlewareFunc) adaptertest.Serve {
	return serveEchoWith(echosession.Middleware, echosession.Require, outside, inside)
}

func serveEchoWith(
	adapter func(*session.Manager) echo.MiddlewareFunc, require func(session.Guard) echo.MiddlewareFunc,
	outside, inside []echo.MiddlewareFunc,
) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		e := echo.New()
		e.Logger.SetOutput(io.Discard)
		e.Use(middleware.Recover())
		e.Use(outside...)
		for _, m := range app.Managers {
			e.Use(adapter(m))
		}
		e.Use(inside...)
		if app.Guard != nil {
			e.Use(require(*app.Guard))
		}
		if app.HandleError != nil {
			e.HTTPErrorHandler = func(err error, c echo.Context) { _ = app.HandleError(callEcho(c), err) }
		}
		answer := func(c echo.Context) error { return app.Handle(callEcho(c)) }
		e.Any("/:first", answer)
		e.Any("/:first/*", answer)
		return app.Start(t, e)
	}
}

func callEcho(c echo.Context) *adaptertest.Call {
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

func benchEcho(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	e := echo.New()
	if m != nil {
		e.Use(echosession.Middleware(m))
	}
	e.Any("/", func(c echo.Context) error {
		if m != nil {
			handle(echosession.From(c))
		}
		return c.NoContent(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(e)
}
