package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// mounts put the shop on a framework.
var mounts = map[string]func(*app, *session.Manager) server{
	"nethttp": mountNetHTTP, "gin": mountGin, "fiber": mountFiber, "echo": mountEcho, "echov5": mountEchov5, "chi": mountChi,
}

func mountNetHTTP(a *app, m *session.Manager) server {
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send(w, a.serve(received(w, r, func() *session.Session { return httpsession.From(r) })))
	})
	return newServer(a, httpsession.Middleware(m)(shop))
}

// received is a request as net/http and the frameworks upon it have it.
func received(w http.ResponseWriter, r *http.Request, from func() *session.Session) request {
	return request{
		ctx: r.Context(), method: r.Method, target: r.RequestURI, client: r.RemoteAddr, session: from,
		header: func(name string) string {
			if name == "Host" {
				return r.Host
			}
			return r.Header.Get(name)
		},
		body: func() ([]byte, error) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				return nil, errBodyTooLarge
			}
			return body, err
		},
	}
}

func send(w http.ResponseWriter, r response) {
	for name, value := range r.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // a visitor who is gone needs no answer
}

func newServer(a *app, h http.Handler) server {
	secured := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
	return &http.Server{
		Handler: secured, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}
