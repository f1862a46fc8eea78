package ginsession_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	session "github.com/coatcheck/coatcheck/core"
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
		for what, ctx := range map[string]context.Context{"gin's": c, "derived": derived, "the request's": c.Request.Context()} {
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
