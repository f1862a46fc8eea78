package responsewriter

import (
	"context"
	"net/http"

	session "github.com/coatcheck/coatcheck/core"
)

// Middleware is the adapter for everything whose handlers are http.Handlers.
func Middleware(m *session.Manager) func(http.Handler) http.Handler {
	m.Ready()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { serve(m, next, w, r) })
	}
}

func serve(m *session.Manager, next http.Handler, w http.ResponseWriter, r *http.Request) {
	x := &Exchange{}
	inner, ok := x.Begin(m, w, r)
	if !ok {
		next.ServeHTTP(w, r)
		return
	}
	returned := false
	defer func() { x.Finish(returned, http.StatusOK) }()
	next.ServeHTTP(x.Writer(), inner)
	returned = true
}

// ContextOf returns the request's context, or nil, which session.From has an answer to.
func ContextOf(r *http.Request) context.Context {
	if r == nil {
		return nil
	}
	return r.Context()
}
