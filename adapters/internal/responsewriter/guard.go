package responsewriter

import (
	"net/http"

	session "github.com/coatcheck/coatcheck/core"
)

// Require is the guard of everything whose handlers are http.Handlers.
func Require(g session.Guard) func(http.Handler) http.Handler {
	g.Ready()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if Admits(g, w, r) {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// Admits reports whether the request may pass. If not, it has been answered.
func Admits(g session.Guard, w http.ResponseWriter, r *http.Request) bool {
	instead, ok := g.Admit(ContextOf(r))
	if ok {
		return true
	}
	for name, value := range instead.Header {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", instead.ContentType)
	w.WriteHeader(instead.Status)
	_, _ = w.Write(instead.Body) // a client that is gone needs no answer
	return false
}
