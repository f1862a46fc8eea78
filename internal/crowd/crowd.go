// Package crowd lets many visitors use a site at once, each of whom knows what its session has to hold: for tests in
// which something happens to the store meanwhile.
package crowd

import (
	"context"
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

const visits session.Key[int] = "visits"

const cookieName = "__Host-id"

// Site is what the visitors visit, served by a manager.
func Site(m *session.Manager) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, f func(r *http.Request, s *session.Session)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s := httpsession.From(r)
			f(r, s)
			_, _ = fmt.Fprintf(w, "%q %d", s.Subject(), visits.Get(s)) // a recorder takes everything
		})
	}
	handle("GET /", func(*http.Request, *session.Session) {})
	handle("POST /add", func(_ *http.Request, s *session.Session) {
		visits.Update(s, func(n int) int { return n + 1 })
	})
	handle("POST /login", func(r *http.Request, s *session.Session) {
		s.Login(r.URL.Query().Get("subject"))
		visits.Set(s, 0)
	})
	handle("POST /renew", func(_ *http.Request, s *session.Session) { s.Renew() })
	handle("POST /touch", func(_ *http.Request, s *session.Session) { s.Touch() })
	handle("POST /logout", func(_ *http.Request, s *session.Session) { s.Destroy() })
	mux.HandleFunc("POST /revoke", func(w http.ResponseWriter, r *http.Request) {
		if _, err := m.RevokeAll(r.Context(), r.URL.Query().Get("subject")); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return httpsession.Middleware(m)(mux)
}

// Visitor is somebody who has a session.
type Visitor struct {
	Subject string
	Cookie  string // "": none
	Visits  int    // how many its session has to hold
}

// Ask makes a request and keeps the cookie that comes back.
func (v *Visitor) Ask(ctx context.Context, site http.Handler, method, path string) (status int, body string) {
	status, body, cookie, set := ask(ctx, site, method, path, v.Cookie)
	if set {
		v.Cookie = cookie
	}
	return status, body
}

// ask makes a request with a cookie. set reports whether the answer has one.
func ask(
	ctx context.Context, site http.Handler, method, path, with string,
) (status int, body, cookie string, set bool) {
	r := httptest.NewRequestWithContext(ctx, method, "https://example.com"+path, http.NoBody)
	r.TLS = &tls.ConnectionState{}
	if with != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: with})
	}
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == cookieName {
			cookie, set = c.Value, true
		}
	}
	return w.Code, w.Body.String(), cookie, set
}

// Login begins a session of the visitor's own.
func (v *Visitor) Login(ctx context.Context, site http.Handler) error {
	v.Visits = 0
	return v.expect(ctx, site, http.MethodPost, "/login?subject="+v.Subject)
}

// Check looks whether the session is there and holds what it has to.
func (v *Visitor) Check(ctx context.Context, site http.Handler) error {
	return v.expect(ctx, site, http.MethodGet, "/")
}

func (v *Visitor) expect(ctx context.Context, site http.Handler, method, path string) error {
	status, body := v.Ask(ctx, site, method, path)
	if want := fmt.Sprintf("%q %d", v.Subject, v.Visits); status != http.StatusOK || body != want {
		return fmt.Errorf("%s: %s %s: %d %s, want %s", v.Subject, method, path, status, body, want)
	}
	return nil
}

// Act does something that visitors do, and checks what comes of it.
func (v *Visitor) Act(ctx context.Context, site http.Handler) error {
	switch n := rand.IntN(100); {
	case n < 50:
		v.Visits++
		return v.expect(ctx, site, http.MethodPost, "/add")
	case n < 60:
		return v.addAtOnce(ctx, site)
	case n < 75:
		return v.Check(ctx, site)
	case n < 85:
		return v.expect(ctx, site, http.MethodPost, "/touch")
	case n < 94:
		return v.expect(ctx, site, http.MethodPost, "/renew")
	case n < 97:
		return v.leave(ctx, site, "/logout")
	}
	return v.leave(ctx, site, "/revoke?subject="+v.Subject)
}

// addAtOnce makes three requests at the same time.
func (v *Visitor) addAtOnce(ctx context.Context, site http.Handler) error {
	const requests = 3
	var all sync.WaitGroup
	failed := make(chan error, requests)
	for range requests {
		all.Go(func() {
			if status, body, _, set := ask(ctx, site, http.MethodPost, "/add", v.Cookie); status != http.StatusOK || set {
				failed <- fmt.Errorf("%s: POST /add at once: %d %s, cookie %v", v.Subject, status, body, set)
			}
		})
	}
	all.Wait()
	close(failed)
	v.Visits += requests
	if err := <-failed; err != nil {
		return err
	}
	return v.Check(ctx, site)
}

// leave ends the session while another request of it is being served, sees that its cookie is dead, and logs in again.
func (v *Visitor) leave(ctx context.Context, site http.Handler, path string) error {
	var other sync.WaitGroup
	old := v.Cookie
	other.Go(func() { ask(ctx, site, http.MethodPost, "/add", old) })
	status, body := v.Ask(ctx, site, http.MethodPost, path)
	other.Wait()
	if status != http.StatusOK {
		return fmt.Errorf("%s: POST %s: %d %s", v.Subject, path, status, body)
	}
	if status, body, _, _ := ask(ctx, site, http.MethodGet, "/", old); status != http.StatusOK || body != `"" 0` {
		return fmt.Errorf("%s: after POST %s its cookie opens: %d %s", v.Subject, path, status, body)
	}
	return v.Login(ctx, site)
}

// Run lets n visitors act at the servers of a fleet until over is closed. It returns how often they did.
func Run(t *testing.T, n int, fleet *Fleet, over <-chan struct{}) (acts int) {
	t.Helper()
	var all sync.WaitGroup
	done := make([]int, n)
	for i := range n {
		all.Go(func() {
			v := Visitor{Subject: fmt.Sprintf("visitor:%d", i)}
			err := v.Login(t.Context(), fleet)
			for err == nil && !closed(over) {
				err = v.Act(t.Context(), fleet)
				done[i]++
			}
			if err == nil {
				err = v.Check(t.Context(), fleet)
			}
			if err != nil {
				t.Error(err)
				fleet.giveUp()
			}
		})
	}
	all.Wait()
	for _, n := range done {
		acts += n
	}
	return acts
}

func closed(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}
