package main

import (
	"io"
	"net/http"
	"strconv"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// exchange is what a handler of net/http, and of chi, sees of a request.
type exchange struct {
	w http.ResponseWriter
	r *http.Request
}

func nethttpApps() []app {
	own := coatcheck(func(e exchange) *session.Session { return httpsession.From(e.r) }, httpsession.Middleware)
	return appsOn("nethttp", nethttpSite, own, gorilla(), alexScs())
}

func nethttpSite(middleware func(http.Handler) http.Handler, h handlers[exchange]) site {
	mux := http.NewServeMux()
	for _, path := range paths {
		mux.HandleFunc("GET /"+path, answer(h.of(path)))
	}
	if middleware == nil {
		return httpSite{mux}
	}
	return httpSite{middleware(mux)}
}

func answer(f func(exchange) (int, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, err := f(exchange{w, r})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, strconv.Itoa(n)) // a client that is gone needs no answer
	}
}
