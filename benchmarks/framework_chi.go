package main

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	session "github.com/coatcheck/coatcheck/core"
)

func chiApps() []app {
	own := coatcheck(func(e exchange) *session.Session { return chisession.From(e.r) }, chisession.Middleware)
	return appsOn("chi", chiSite, own, gorilla(), alexScs())
}

func chiSite(middleware func(http.Handler) http.Handler, h handlers[exchange]) site {
	r := chi.NewRouter()
	if middleware != nil {
		r.Use(middleware)
	}
	for _, path := range paths {
		r.Get("/"+path, answer(h.of(path)))
	}
	return httpSite{r}
}
