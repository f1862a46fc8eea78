package adapters_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	session "github.com/coatcheck/coatcheck/core"
)

// serveChi mounts the adapter between other middleware.
func serveChi(outside, inside chi.Middlewares) adaptertest.Serve {
	return func(t testing.TB, app adaptertest.App) string {
		r := chi.NewRouter()
		r.Use(outside...)
		for _, m := range app.Managers {
			r.Use(chisession.Middleware(m))
		}
		r.Use(inside...)
		if app.Guard != nil {
			r.Use(chisession.Require(*app.Guard))
		}
		answer := func(w http.ResponseWriter, r *http.Request) { app.Answer(w, r, chisession.From(r)) }
		r.HandleFunc("/{first}", answer)
		r.HandleFunc("/{first}/*", answer)
		return app.Start(t, r)
	}
}

func benchChi(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	r := chi.NewRouter()
	if m != nil {
		r.Use(chisession.Middleware(m))
	}
	r.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if m != nil {
			handle(chisession.From(r))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return adaptertest.BenchHandler(r)
}
