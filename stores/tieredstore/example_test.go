package tieredstore_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

const theme session.Key[string] = "theme"

// A probe counts the calls of the durable store, which would be a sqlstore or filestore.
func ExampleNew() {
	durable := probe.New(memstore.New())
	sessions, err := session.New(tieredstore.New(memstore.New(), durable, tieredstore.Options{}), session.Options{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /", func(_ http.ResponseWriter, r *http.Request) { theme.Set(httpsession.From(r), "dark") })
	mux.HandleFunc("GET /", func(_ http.ResponseWriter, r *http.Request) { fmt.Println(theme.Get(httpsession.From(r))) })
	site := httpsession.Middleware(sessions)(mux)

	written := httptest.NewRecorder()
	site.ServeHTTP(written, httptest.NewRequest(http.MethodPost, "https://example.com/", nil))
	for range 3 {
		request := httptest.NewRequest(http.MethodGet, "https://example.com/", nil)
		request.AddCookie(written.Result().Cookies()[0])
		site.ServeHTTP(httptest.NewRecorder(), request)
	}
	fmt.Println("durable store:", durable.Count("Create"), "write,", durable.Count("Load"), "reads")
	// Output:
	// dark
	// dark
	// dark
	// durable store: 1 write, 0 reads
}
