package ginsession_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	m.Run()
}

func TestFromFindsTheSessionInAGinContext(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.Use(ginsession.Middleware(m))
	engine.GET("/", func(c *gin.Context) {
		derived, cancel := context.WithCancel(c)
		defer cancel()
		for what, ctx := range map[string]context.Context{
			"gin's": c, "derived": derived, "the request's": c.Request.Context(),
		} {
			if session.From(ctx) != ginsession.From(c) || m.From(ctx) != ginsession.From(c) {
				t.Errorf("%s context: another session", what)
			}
		}
		c.Status(http.StatusAccepted)
	})
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusAccepted {
		t.Errorf("status %d", w.Code)
	}
}

// What a middleware outside makes of c.Errors is not appended to the session's own answer.
func TestAnErrorMiddlewareOutsideAddsNothing(t *testing.T) {
	store := probe.New(memstore.New())
	store.Before(func(probe.Call) error { return errors.New("down") })
	o := session.Options{OnEvent: func(context.Context, session.Event) {}}
	m, err := session.New(store, o)
	o.Name = "outer"
	outer, err2 := session.New(memstore.New(), o)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	answer := func(c *gin.Context) {
		if c.Next(); len(c.Errors) > 0 {
			c.JSON(http.StatusTeapot, gin.H{"error": "sorry"})
		}
	}
	for _, managers := range [][]gin.HandlerFunc{
		{ginsession.Middleware(m)}, {ginsession.Middleware(outer), ginsession.Middleware(m)},
		{ginsession.Middleware(m), ginsession.Middleware(outer)},
	} {
		engine := gin.New()
		engine.Use(answer)
		engine.Use(managers...)
		engine.GET("/", func(c *gin.Context) {
			m.From(c).Login("user:1")
			_ = c.Error(errors.New("failed"))
		})
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "sorry") ||
			len(w.Header()["Content-Type"]) != 1 {
			t.Errorf("%d managers: answer %d %q with %v, want a bare 503", len(managers), w.Code, w.Body, w.Header())
		}
	}
}

// Engine.HandleContext starts a request over, with a writer that knows nothing of the session.
func TestARequestThatGinStartsOverIsCommitted(t *testing.T) {
	store := probe.New(memstore.New())
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	engine.Use(ginsession.Middleware(m))
	engine.GET("/old", func(c *gin.Context) {
		c.Request.URL.Path = "/new"
		engine.HandleContext(c)
	})
	engine.GET("/new", func(c *gin.Context) {
		ginsession.From(c).Login("user:1")
		c.String(http.StatusOK, "welcome")
	})
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/old", nil))
	if w.Code != http.StatusOK || w.Body.String() != "welcome" || w.Header().Get("Set-Cookie") == "" {
		t.Errorf("answer %d %q with %v", w.Code, w.Body, w.Header())
	}
	store.Before(func(probe.Call) error { return errors.New("down") })
	w = httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/old", nil))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "welcome") {
		t.Errorf("answer %d %q, want a bare 503", w.Code, w.Body)
	}
}

// Middleware between two managers' works on with the outer one's session once the inner one's is over.
func TestMiddlewareBetweenTwoManagersHasTheOuterSession(t *testing.T) {
	outer, err := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "outer"})
	inner, err2 := session.NewSealed(session.TemporaryKeys(), session.Options{Name: "inner"})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	engine := gin.New()
	between := func(c *gin.Context) {
		before := ginsession.From(c)
		c.Next()
		if s := ginsession.From(c); s != before || s != outer.From(c) {
			t.Error("the session after the handler is another than before")
		}
	}
	engine.Use(ginsession.Middleware(outer), between, ginsession.Middleware(inner))
	engine.GET("/", func(c *gin.Context) {
		ginsession.From(c).Login("user:1")
		c.Status(http.StatusNoContent)
	})
	w := httptest.NewRecorder()
	engine.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
}
