package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

func ExampleSession_FormToken() {
	sessions := inMemory(session.Options{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /pay", func(w http.ResponseWriter, r *http.Request) {
		// in a template: <input type="hidden" name="token" value="{{.FormToken}}">
		_, _ = fmt.Fprint(w, httpsession.From(r).FormToken())
	})
	mux.HandleFunc("POST /pay", func(w http.ResponseWriter, r *http.Request) {
		if !httpsession.From(r).CheckFormToken(r.FormValue("token")) {
			http.Error(w, "this form is out of date: load the page again", http.StatusForbidden)
			return
		}
		_, _ = fmt.Fprintln(w, "paid")
	})
	site := httpsession.Middleware(sessions)(mux)

	page := httptest.NewRecorder()
	site.ServeHTTP(page, httptest.NewRequest(http.MethodGet, "https://shop.example/pay", nil))
	for _, token := range []string{page.Body.String(), "guessed", ""} {
		form := strings.NewReader(url.Values{"token": {token}}.Encode())
		r := httptest.NewRequest(http.MethodPost, "https://shop.example/pay", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(page.Result().Cookies()[0])
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, r)
		fmt.Print(answer.Body)
	}
	// Output:
	// paid
	// this form is out of date: load the page again
	// this form is out of date: load the page again
}

// A login page says why whoever was logged in is no longer.
func ExampleSession_Reason() {
	now := time.Now()
	sessions, b := inMemory(session.Options{Now: func() time.Time { return now }}), browser{}
	loginPage := func(s *session.Session) {
		if s.Reason().Lapsed() {
			fmt.Println("Your session has expired. Please log in again.")
		} else {
			fmt.Println("Please log in.")
		}
	}
	b.visit(sessions, loginPage)
	b.visit(sessions, func(s *session.Session) { s.Login("user:42") })
	now = now.Add(time.Hour)
	b.visit(sessions, loginPage)
	// Output:
	// Please log in.
	// Your session has expired. Please log in again.
}

// A front end on another host of yours may send forms here, and nobody else's.
func ExampleOptions_trustedOrigins() {
	const visits session.Key[int] = "visits"
	sessions := inMemory(session.Options{TrustedOrigins: []string{"https://app.shop.example"}})
	handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		visits.Update(httpsession.From(r), func(n int) int { return n + 1 })
	})
	site := httpsession.Middleware(sessions)(handler)
	for _, origin := range []string{"https://shop.example", "https://app.shop.example", "https://elsewhere.example"} {
		r := httptest.NewRequest(http.MethodPost, "https://shop.example/", nil)
		r.Header.Set("Origin", origin)
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, r)
		fmt.Println(origin, answer.Code)
	}
	// Output:
	// https://shop.example 200
	// https://app.shop.example 200
	// https://elsewhere.example 403
}
