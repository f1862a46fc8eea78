package session_test

import (
	"context"
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

// Somebody else's browser with a copy of the token is nobody, and the owner stays logged in.
func ExampleBinding() {
	sessions := inMemory(session.Options{
		Binding: session.Binding{Agent: session.Refuse, Network: session.Report},
		OnEvent: func(_ context.Context, e session.Event) {
			if e.Reason == session.ReasonOtherClient {
				fmt.Println("an alarm for", e.Subject)
			}
		},
	})
	site := httpsession.Middleware(sessions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := httpsession.From(r)
		if r.URL.Path == "/login" {
			s.Login("user:42")
		}
		_, _ = fmt.Fprintf(w, "%s: %q%s\n", r.UserAgent(), s.Subject(), s.Reason())
	}))
	cookie := ""
	for _, visit := range []struct{ agent, path string }{
		{"Firefox/140.0", "/login"}, {"Chrome/140.0", "/"}, {"Firefox/141.0", "/"},
	} {
		r, w := httptest.NewRequest(http.MethodGet, visit.path, nil), httptest.NewRecorder()
		r.Header.Set("User-Agent", visit.agent)
		r.Header.Set("Cookie", cookie)
		site.ServeHTTP(w, r)
		for _, c := range w.Result().Cookies() {
			cookie = c.Name + "=" + c.Value
		}
		fmt.Print(w.Body)
	}
	// Output:
	// Firefox/140.0: "user:42"
	// an alarm for user:42
	// Chrome/140.0: ""other-client
	// Firefox/141.0: "user:42"
}
