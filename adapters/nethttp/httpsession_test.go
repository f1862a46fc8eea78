package httpsession_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// HTTP/2 sends trailers that were never declared, if they are among the headers when the handler returns.
func TestASwallowedResponseSendsNoTrailers(t *testing.T) {
	store := probe.New(memstore.New())
	store.Before(func(probe.Call) error { return errors.New("down") })
	m, err := session.New(store, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		httpsession.From(r).Login("user:1")
		_, _ = io.WriteString(w, "hello")
		header.Set(http.TrailerPrefix+"X-Sum", "1")
	})
	server := httptest.NewUnstartedServer(httpsession.Middleware(m)(handler))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.ProtoMajor != 2 || response.StatusCode != http.StatusServiceUnavailable ||
		len(response.Trailer) > 0 {
		t.Errorf("%s %d %q, trailer %v (%v); want a bare 503", response.Proto, response.StatusCode, body,
			response.Trailer, err)
	}
}
