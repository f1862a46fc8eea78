package httpsession_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/coatcheck/coatcheck/adapters/adaptertest"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func TestAdapter(t *testing.T) { adaptertest.Run(t, serve) }

func serve(t testing.TB, app adaptertest.App) string {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		call := &adaptertest.Call{
			Context: r.Context(), Session: httpsession.From(r), Method: r.Method, Path: r.URL.Path, Writer: w,
			SetHeader: func(name, value string) { w.Header().Set(name, value) },
			Respond: func(status int, body string) error {
				w.WriteHeader(status)
				_, err := io.WriteString(w, body)
				return err
			},
		}
		if err := app.Handle(call); err != nil {
			http.Error(w, "error", http.StatusInternalServerError)
		}
	})
	for _, m := range slices.Backward(app.Managers) {
		h = httpsession.Middleware(m)(h)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range app.Headers {
			w.Header().Set(name, value)
		}
		h.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func TestAllocations(t *testing.T) { adaptertest.RunAllocations(t, bench) }

func BenchmarkRequest(b *testing.B) { adaptertest.Benchmark(b, bench) }

func bench(m *session.Manager, handle func(*session.Session)) adaptertest.Bench {
	var h http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m != nil {
			handle(httpsession.From(r))
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if m != nil {
		h = httpsession.Middleware(m)(h)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	w := adaptertest.NewResponseWriter()
	r.Header.Set("Cookie", "")
	return adaptertest.Bench{
		Do: func(cookie string) {
			clear(w.Header())
			r.Header["Cookie"][0] = cookie
			h.ServeHTTP(w, r)
		},
		SetCookie: func() string { return w.Header().Get("Set-Cookie") },
	}
}

// HTTP/2 sends trailers that were never declared, if they are among the headers when the handler returns.
func TestASwallowedResponseSendsNoTrailers(t *testing.T) {
	store := probe.New(memstore.New())
	store.Before(func(probe.Call) error { return errors.New("down") })
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(httpsession.Middleware(m)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		httpsession.From(r).Login("user:1")
		_, _ = io.WriteString(w, "hello")
		header.Set(http.TrailerPrefix+"X-Sum", "1")
	})))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || response.StatusCode != http.StatusServiceUnavailable || len(response.Trailer) > 0 {
		t.Errorf("%s %d %q, trailer %v (%v); want a bare 503", response.Proto, response.StatusCode, body, response.Trailer, err)
	}
}
