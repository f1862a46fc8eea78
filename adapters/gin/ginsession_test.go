package ginsession_test

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

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultErrorWriter = io.Discard
	m.Run()
}

func TestAdapter(t *testing.T) { adaptertest.Run(t, serve) }

func serve(t testing.TB, app adaptertest.App) string {
	engine := gin.New()
	engine.Use(gin.Recovery())
	for _, m := range app.Managers {
		engine.Use(ginsession.Middleware(m))
	}
	engine.NoRoute(func(c *gin.Context) {
		c.Status(http.StatusOK) // NoRoute begins with 404
		call := &adaptertest.Call{
			Context: c, Session: ginsession.From(c), Method: c.Request.Method, Path: c.Request.URL.Path, Writer: c.Writer,
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
	})
	return app.Start(t, engine)
}

// text renders a body whose content type the handler has set.
type text string

func (t text) Render(w http.ResponseWriter) error {
	_, err := io.WriteString(w, string(t))
	return err
}

func (text) WriteContentType(http.ResponseWriter) {}

func TestFromFindsTheSessionInAGinContext(t *testing.T) {
	app := func(c *adaptertest.Call) error {
		derived, cancel := context.WithCancel(c.Context)
		defer cancel()
		for what, ctx := range map[string]context.Context{"gin's": c.Context, "derived": derived} {
			if session.From(ctx) != c.Session {
				t.Errorf("%s context: another session", what)
			}
		}
		return nil
	}
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(serve(t, adaptertest.App{Managers: []*session.Manager{m}, Handle: app}))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
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
