package adaptertest

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// Answer is Handle for frameworks whose handlers have a net/http response writer; s is what the adapter's From
// returned. A returned error goes to HandleError, or is answered with a 500.
func (a App) Answer(w http.ResponseWriter, r *http.Request, s *session.Session) {
	call := &Call{
		Context: r.Context(), Session: s, Method: r.Method, Path: r.URL.Path, Writer: w, Request: r,
		SetHeader: w.Header().Set,
		Respond: func(status int, body string) error {
			w.WriteHeader(status)
			_, err := io.WriteString(w, body)
			return err
		},
	}
	switch err := a.Handle(call); {
	case err == nil:
	case a.HandleError != nil:
		_ = a.HandleError(call, err)
	default:
		http.Error(w, "error", http.StatusInternalServerError)
	}
}

// Start serves h, and in front of it a middleware that sets Headers, until the test ends.
func (a App) Start(t testing.TB, h http.Handler) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range a.Headers {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers panic on purpose
	if a.HTTP2 {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server.URL
}
