package shop

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// mounts put the shop on a framework, one that is in frameworks.
var mounts = map[string]func(*App, *session.Manager) Server{
	"nethttp": mountNetHTTP, "gin": mountGin, "echo": mountEcho, "echov5": mountEchov5, "chi": mountChi,
}

// Add offers one more framework. Programs call it before Main for those that this package cannot have, because their
// versions want different ones of what they stand on.
func Add(framework string, mount func(*App, *session.Manager) Server) {
	frameworks, mounts[framework] = append(frameworks, framework), mount
}

func mountNetHTTP(a *App, m *session.Manager) Server {
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		send(w, a.Serve(received(w, r, func() *session.Session { return httpsession.From(r) })))
	})
	return newServer(a, httpsession.Middleware(m)(shop))
}

// received is a request as net/http and the frameworks upon it have it.
func received(w http.ResponseWriter, r *http.Request, from func() *session.Session) Request {
	return Request{
		Context: r.Context(), Method: r.Method, Target: r.RequestURI, Client: r.RemoteAddr, Session: from,
		Header: func(name string) string {
			if name == "Host" {
				return r.Host
			}
			return r.Header.Get(name)
		},
		Body: func() ([]byte, error) {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
			if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
				return nil, ErrBodyTooLarge
			}
			return body, err
		},
	}
}

func send(w http.ResponseWriter, r Response) {
	for name, value := range r.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // a visitor who is gone needs no answer
}

func newServer(a *App, h http.Handler) Server {
	if a.beside {
		h = noteSender(h)
	}
	secured := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range SecurityHeaders {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	})
	return &http.Server{
		Handler: secured, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}
