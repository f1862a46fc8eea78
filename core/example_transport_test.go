package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// A client that is no browser keeps the newest token that it was given, and sends it with each request.
func ExampleOptions_transport() {
	sessions := inMemory(session.Options{Transport: session.Bearer})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", func(_ http.ResponseWriter, r *http.Request) {
		httpsession.From(r).Login("user:42") // after the password was checked
	})
	mux.Handle("/orders", httpsession.Require(session.Guard{})(http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "Orders of %s", httpsession.From(r).Subject())
		})))
	site := httpsession.Middleware(sessions)(mux)

	token := ""
	for _, path := range []string{"/orders", "/login", "/orders"} {
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+token)
		site.ServeHTTP(w, r)
		if fresh := w.Header().Get("Session-Token"); fresh != "" {
			token = fresh
		}
		fmt.Println(path, strings.TrimSpace(w.Body.String()), w.Code)
	}
	// Output:
	// /orders Please log in first. 401
	// /login  200
	// /orders Orders of user:42 200
}
