package shop

import (
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	session "github.com/coatcheck/coatcheck/core"
)

func mountChi(a *App, m *session.Manager) Server {
	shop := func(w http.ResponseWriter, r *http.Request) {
		send(w, a.Serve(received(w, r, func() *session.Session { return chisession.From(r) })))
	}
	r := chi.NewRouter()
	r.Use(middleware.Recoverer, chisession.Middleware(m))
	r.HandleFunc("/*", shop) // the shop has its own routes
	r.MethodNotAllowed(shop)
	return newServer(a, r)
}
