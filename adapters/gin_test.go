package adapters_test

import (
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
		engine.Any("/*path", answerGin(app))
		return app.Start(t, engine)
	}
}

func answerGin(app adaptertest.App) gin.HandlerFunc {
	return func(c *gin.Context) {
		call := &adaptertest.Call{
			Context: c, Session: ginsession.From(c), Method: c.Request.Method, Path: c.Request.URL.Path, Writer: c.Writer, Request: c.Request,
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
		if err := app.Handle(call); err != nil {
			_ = c.AbortWithError(http.StatusInternalServerError, err)
		}
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
	engine.GET("/", func(c *gin.Context) {
		if m != nil {
			handle(ginsession.From(c))
		}
		c.Status(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(engine)
}
