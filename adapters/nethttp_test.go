package adapters_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// serveNethttp mounts the adapter between other middleware.
func serveNethttp(outside, inside func(http.Handler) http.Handler) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		answer := func(w http.ResponseWriter, r *http.Request) { app.Answer(w, r, httpsession.From(r)) }
		mux := http.NewServeMux()
		mux.HandleFunc("/{first}", answer)
		mux.HandleFunc("/{first}/{rest...}", answer)
		var h http.Handler = mux
		if app.Guard != nil {
			h = httpsession.Require(*app.Guard)(h)
		}
		h = inside(h)
		for _, m := range slices.Backward(app.Managers) {
			h = httpsession.Middleware(m)(h)
		}
		return app.Start(t, outside(h))
	}
}

func plain(h http.Handler) http.Handler { return h }

func benchNethttp(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m != nil {
			handle(httpsession.From(r))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if m != nil {
		h = httpsession.Middleware(m)(h)
	}
	return adaptertest.BenchHandler(h)
}
