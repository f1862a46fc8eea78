package sessiontest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const cart session.Key[[]string] = "cart"

// shop adds to the cart of whoever is logged in.
func shop(sessions *session.Manager) http.Handler {
	return httpsession.Middleware(sessions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := httpsession.From(r)
		switch {
		case s.Subject() == "":
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case r.URL.Path == "/logout":
			s.Destroy()
		case r.URL.Path == "/renew":
			s.Renew()
		default:
			items := cart.Update(s, func(in []string) []string { return append(in, "apple") })
			_, _ = fmt.Fprintln(w, len(items), "items")
		}
	}))
}

func managers(t *testing.T, clock *sessiontest.Clock) map[string]*session.Manager {
	t.Helper()
	stored, err := session.New(memstore.New(), session.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := session.NewSealed(session.TemporaryKeys(), session.Options{Now: clock.Now, Sealer: session.AEAD})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]*session.Manager{"stored": stored, "sealed": sealed}
}

func ask(m *session.Manager, path string, cookie *http.Cookie) (*http.Request, *httptest.ResponseRecorder) {
	r, w := httptest.NewRequest(http.MethodGet, path, nil), httptest.NewRecorder()
	if cookie != nil {
		r.AddCookie(cookie)
	}
	shop(m).ServeHTTP(w, r)
	return r, w
}

func TestALoggedInRequestAndTheSessionAfterIt(t *testing.T) {
	for kind, m := range managers(t, sessiontest.NewClock()) {
		two := func(s *session.Session) { cart.Set(s, []string{"pear", "plum"}) }
		for path, want := range map[string]int{"/add": 3, "/renew": 2, "/logout": 0} {
			r, w := ask(m, path, sessiontest.Login(t, m, "user:42", two))
			sessiontest.After(t, m, r, w.Result(), func(s *session.Session) {
				if n := len(cart.Get(s)); n != want || (s.Subject() == "user:42") != (path != "/logout") {
					t.Errorf("%s, %s: %d items of %q, want %d", kind, path, n, s.Subject(), want)
				}
				cart.Set(s, nil) // is not saved
			})
			sessiontest.After(t, m, r, w.Result(), func(s *session.Session) {
				if n := len(cart.Get(s)); n != want {
					t.Errorf("%s, %s: looking changed the session", kind, path)
				}
			})
		}
		if _, w := ask(m, "/add", nil); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: an anonymous request was answered with %d", kind, w.Code)
		}
	}
}

func TestTheClockMoves(t *testing.T) {
	clock := sessiontest.NewClock()
	for kind, m := range managers(t, clock) {
		cookie := sessiontest.Login(t, m, "user:42")
		clock.Advance(34 * time.Minute)
		if _, w := ask(m, "/add", cookie); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: status %d after 34 idle minutes, want 401", kind, w.Code)
		}
	}
}

func ExampleLogin() {
	t := &testing.T{} // in a test it is the test's own
	sessions, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		panic(err)
	}
	r, w := httptest.NewRequest(http.MethodPost, "/add", nil), httptest.NewRecorder()
	r.AddCookie(sessiontest.Login(t, sessions, "user:42"))
	shop(sessions).ServeHTTP(w, r)
	fmt.Print(w.Body)
	sessiontest.After(t, sessions, r, w.Result(), func(s *session.Session) { fmt.Println(s.Subject(), cart.Get(s)) })
	// Output:
	// 1 items
	// user:42 [apple]
}

func ExampleClock() {
	t, clock := &testing.T{}, sessiontest.NewClock() // in a test t is the test's own
	sessions, err := session.New(memstore.New(), session.Options{IdleTimeout: time.Hour, Now: clock.Now})
	if err != nil {
		panic(err)
	}
	cookie := sessiontest.Login(t, sessions, "user:42")
	for _, pause := range []time.Duration{59 * time.Minute, 2 * time.Hour} {
		clock.Advance(pause)
		_, w := ask(sessions, "/add", cookie)
		fmt.Println(pause, w.Code)
	}
	// Output:
	// 59m0s 200
	// 2h0m0s 401
}
