package chisession_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	session "github.com/coatcheck/coatcheck/core"
)

// Whatever way chi is told to use the middleware, the session is there, once, and only there.
func TestMiddlewareComposes(t *testing.T) {
	m, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const visits session.Key[int] = "visits"
	count := func(w http.ResponseWriter, r *http.Request) {
		visits.Update(chisession.From(r), func(n int) int { return n + 1 })
		w.WriteHeader(http.StatusAccepted)
	}
	use := chisession.Middleware(m)
	r := chi.NewRouter()
	r.Get("/without", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	r.With(use).Get("/with", count)
	r.Group(func(r chi.Router) {
		r.Use(use)
		r.Get("/group", count)
		r.Route("/route", func(r chi.Router) {
			r.Use(use)
			r.Get("/twice", count)
		})
	})
	mounted := chi.NewRouter()
	mounted.Use(use)
	mounted.Get("/here", count)
	r.Mount("/mounted", mounted)
	for path, cookies := range map[string]int{
		"/without": 0, "/with": 1, "/group": 1, "/route/twice": 1, "/mounted/here": 1,
	} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if n := len(w.Result().Cookies()); w.Code != http.StatusAccepted || n != cookies {
			t.Errorf("%s: status %d and %d cookies, want 202 and %d", path, w.Code, n, cookies)
		}
	}
}
