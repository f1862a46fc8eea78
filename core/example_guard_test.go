package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

func ExampleGuard() {
	sessions := inMemory(session.Options{})
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "Orders of %s", httpsession.From(r).Subject())
	})
	login := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpsession.From(r).Login("user:42") // a real app shows a form and checks a password
		w.Header().Set("Location", session.Next(r.FormValue("next"), "/"))
		w.WriteHeader(http.StatusSeeOther)
	})
	private := httpsession.Require(session.Guard{Login: "/login"})
	mux := http.NewServeMux()
	mux.Handle("/login", login)
	mux.Handle("/orders", private(page))
	site := httpsession.Middleware(sessions)(mux)

	var cookies []*http.Cookie
	for path := "/orders?page=2"; path != ""; {
		r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
		r.Header.Set("Accept", "text/html")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		site.ServeHTTP(w, r)
		cookies = append(cookies, w.Result().Cookies()...)
		path = w.Header().Get("Location")
		fmt.Println(w.Code, path+w.Body.String())
	}
	// Output:
	// 303 /login?next=/orders%3Fpage%3D2
	// 303 /orders?page=2
	// 200 Orders of user:42
}

func ExampleGuard_Check() {
	sessions, b := inMemory(session.Options{}), browser{}
	recent := session.Guard{Within: 10 * time.Minute}
	b.visit(sessions, func(s *session.Session) {
		fmt.Println(recent.Check(s))
		s.Login("user:42")
		fmt.Println(recent.Check(s))
	})
	// Output:
	// session: not logged in
	// <nil>
}

func ExampleNext() {
	for _, target := range []string{"/orders?page=2", "https://evil.example/", "//evil.example", `/\evil.example`} {
		fmt.Println(session.Next(target, "/account"))
	}
	// Output:
	// /orders?page=2
	// /account
	// /account
	// /account
}
