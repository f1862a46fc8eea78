package tieredstore_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// site is one server of an application.
func (r *rig) site(t *testing.T, fast session.Store) http.Handler {
	t.Helper()
	sessions, err := session.New(r.server(fast), session.Options{
		Now: func() time.Time { return r.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", func(_ http.ResponseWriter, q *http.Request) { httpsession.From(q).Login("user:42") })
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, q *http.Request) { httpsession.From(q).Destroy() })
	mux.HandleFunc("POST /dark", func(_ http.ResponseWriter, q *http.Request) {
		theme.Update(httpsession.From(q), func(s string) string { return s + "dark" })
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, q *http.Request) {
		s := httpsession.From(q)
		_, _ = w.Write([]byte(s.Subject() + " " + theme.Get(s))) // to a recorder
	})
	return httpsession.Middleware(sessions)(mux)
}

// visit sends one request and returns the answer.
func visit(site http.Handler, method, path string, cookies ...*http.Cookie) *httptest.ResponseRecorder {
	q, w := httptest.NewRequest(method, "https://example.com"+path, nil), httptest.NewRecorder()
	for _, c := range cookies {
		q.AddCookie(c)
	}
	site.ServeHTTP(w, q)
	return w
}

func shows(t *testing.T, site http.Handler, want string, cookies ...*http.Cookie) {
	t.Helper()
	if got := visit(site, http.MethodGet, "/", cookies...).Body.String(); got != want {
		t.Errorf("the page shows %q, want %q", got, want)
	}
}

// TestLogoutOnAnotherServer: a server that has not heard of a logout may show the session for MaxStale. Changing it, it
// hears of it.
func TestLogoutOnAnotherServer(t *testing.T) {
	for _, writes := range []bool{true, false} {
		r := newRig()
		here, there := r.site(t, memstore.New()), r.site(t, memstore.New())
		cookies := visit(here, http.MethodPost, "/login").Result().Cookies()
		shows(t, there, "user:42 ", cookies...)
		visit(here, http.MethodPost, "/logout", cookies...)
		shows(t, here, " ", cookies...)
		shows(t, there, "user:42 ", cookies...)
		if writes {
			if status := visit(there, http.MethodPost, "/dark", cookies...).Code; status != http.StatusConflict {
				t.Errorf("a change to an ended session is answered with status %d, want 409", status)
			}
		} else {
			r.now = r.now.Add(maxStale)
		}
		shows(t, there, " ", cookies...)
	}
}

// TestLostAnswerIsAppliedOnce: the store's client repeats a write whose answer was lost and is told of a conflict.
// The core then looks whether the write is there, which the copy from before it must not hide.
func TestLostAnswerIsAppliedOnce(t *testing.T) {
	r := newRig()
	here := r.site(t, r.fast)
	cookies := visit(here, http.MethodPost, "/login").Result().Cookies()
	r.durable.After(func(c probe.Call, err error) error {
		if c.Method != "Update" {
			return err
		}
		r.durable.After(nil)
		return session.ErrConflict
	})
	if status := visit(here, http.MethodPost, "/dark", cookies...).Code; status != http.StatusOK {
		t.Errorf("the change is answered with status %d", status)
	}
	if n := r.durable.Count("Update"); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	shows(t, here, "user:42 dark", cookies...)
}
