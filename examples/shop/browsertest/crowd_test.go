package browsertest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// share is how many in a hundred of a site's sessions are of a kind.
type share[T any] struct {
	percent int
	of      T
}

func pick[T any](r *rand.Rand, shares []share[T]) T {
	at := r.IntN(100)
	for _, s := range shares {
		if at -= s.percent; at < 0 {
			return s.of
		}
	}
	return shares[0].of
}

const webKit = "AppleWebKit/537.36 (KHTML, like Gecko) "

var (
	agesOfSessions = []share[time.Duration]{
		{6, 2 * time.Minute}, {11, 17 * time.Minute}, {12, 45 * time.Minute}, {21, 2 * time.Hour}, {26, 7 * time.Hour},
		{14, 17 * time.Hour}, {8, 3 * day}, {2, 12 * day},
	}
	userAgents = []share[string]{
		{31, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/139.0.0.0 Safari/537.36"},
		{19, "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"},
		{17, "Mozilla/5.0 (Linux; Android 15; Pixel 9) " + webKit + "Chrome/139.0.0.0 Mobile Safari/537.36"},
		{10, "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.5 Safari/605.1.15"},
		{8, "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + webKit + "Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0"},
		{6, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{5, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"},
		{2, "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1"},
		{1, "curl/8.14.1"}, {1, ""},
	}
	// Few have many sessions, and most have one or two.
	owners = []share[func(r *rand.Rand, n int) string]{
		{24, func(*rand.Rand, int) string { return "" }},
		{1, func(r *rand.Rand, _ int) string {
			return []string{
				"kiosk:lobby", "kiosk:lobby", "kiosk:lobby", "kiosk:library", "kiosk:library", "service:exports", "service:backup",
			}[r.IntN(7)]
		}},
		{2, func(r *rand.Rand, _ int) string { return fmt.Sprint("team:", 1+int(6*r.ExpFloat64())) }},
		{73, func(r *rand.Rand, n int) string { return fmt.Sprint("user:", 2000+r.IntN(n)) }},
	}
	networks = []string{"192.0.2.10", "198.51.100.20", "203.0.113.30"} // of documentation (RFC 5737)
)

// crowd fills a store with sessions as a site may have them.
func crowd(t *testing.T, store session.Store, n int) {
	t.Helper()
	var workers sync.WaitGroup
	const count = 8
	for w := range count {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(w)))
			sites := map[time.Duration]*session.Manager{}
			for i := w; i < n; i += count {
				age := pick(r, agesOfSessions)
				if sites[age] == nil {
					sites[age] = aged(t, store, age)
				}
				begin(t, sites[age], pick(r, owners)(r, n), pick(r, userAgents), networks[r.IntN(len(networks))])
			}
		})
	}
	workers.Wait()
}

// aged is the application as it was some time ago.
func aged(t *testing.T, store session.Store, age time.Duration) *session.Manager {
	m, err := session.New(store, session.Options{
		ClientHints: true, IdleTimeout: 30 * day, AbsoluteTimeout: 90 * day, StoreTimeout: time.Minute,
		Now: func() time.Time { return time.Now().Add(-age) },
	})
	if err != nil {
		t.Error(err)
	}
	return m
}

const page session.Key[string] = "page"

// begin begins a session; a subject of "" is an anonymous visitor's.
func begin(t *testing.T, m *session.Manager, subject, agent, address string) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/login", nil)
	r.Header.Set("User-Agent", agent)
	r.RemoteAddr = address + ":4711"
	w := httptest.NewRecorder()
	httpsession.Middleware(m)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		page.Set(httpsession.From(r), "/shelf")
		if subject != "" {
			httpsession.From(r).Login(subject)
		}
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("a login is answered with %d: %s", w.Code, w.Body)
	}
}
