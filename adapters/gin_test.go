package adapters_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
)

// serveGin mounts the adapter between other middleware.
func serveGin(outside, inside []gin.HandlerFunc) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		engine := gin.New()
		engine.Use(gin.Recovery())
		engine.Use(outside...)
		for _, m := range app.Managers {
			engine.Use(ginsession.Middleware(m))
		}
		engine.Use(inside...)
		if app.Guard != nil {
			engine.Use(ginsession.Require(*app.Guard))
		}
		if app.HandleError != nil {
			engine.Use(ginErrors(app))
		}
		engine.Any("/:first", answerGin(app))
		engine.Any("/:first/*rest", answerGin(app))
		return app.Start(t, engine)
	}
}

// ginErrors is the usual middleware that answers what handlers have given to c.Error.
func ginErrors(app adaptertest.App) gin.HandlerFunc {
	return func(c *gin.Context) {
		c.Next()
		if len(c.Errors) > 0 {
			_ = app.HandleError(callGin(c), c.Errors.Last().Err)
		}
	}
}

func answerGin(app adaptertest.App) gin.HandlerFunc {
	return func(c *gin.Context) {
		switch err := app.Handle(callGin(c)); {
		case err == nil:
		case app.HandleError != nil:
			_ = c.Error(err)
		default:
			_ = c.AbortWithError(http.StatusInternalServerError, err)
		}
	}
}

func callGin(c *gin.Context) *adaptertest.Call {
	return &adaptertest.Call{
		Context: c, Contexts: []context.Context{c.Request.Context()}, Session: ginsession.From(c),
		Method: c.Request.Method, Path: c.Request.URL.Path, Writer: c.Writer, Request: c.Request,
		SetHeader: c.Header,
		Respond: func(status int, body string) error {
			if body == "" {
				c.Status(status)
				return nil
			}
			c.Render(status, text(body))
			return nil
		},
	}
}

// text renders a body whose content type the handler has set.
type text string

func (t text) Render(w http.ResponseWriter) error {
	_, err := io.WriteString(w, string(t))
	return err
}

func (text) WriteContentType(http.ResponseWriter) {}

func benchGin(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	engine := gin.New()
	if m != nil {
		engine.Use(ginsession.Middleware(m))
	}
	engine.Any("/", func(c *gin.Context) {
		if m != nil {
			handle(ginsession.From(c))
		}
		c.Status(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(engine)
}
