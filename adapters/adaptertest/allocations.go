package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// Bench serves requests to one framework in this process, reusing whatever can be reused, so that what is counted is
// the session's cost.
type Bench struct {
	Do        func(cookieLine string) // serves one request with that Cookie header
	SetCookie func() string           // the last response's Set-Cookie line, or ""

	// Post is Do for a form of the site's own page: a POST with Sec-Fetch-Site: same-origin. Without it, what judging such
	// requests costs is not counted.
	Post func(cookieLine string)
}

// The budget: allocations of a request over those of the bare framework, by carrier. It is what our own adapters have
// reached on every framework and is to stay; most of securecookie's are gorilla/securecookie's own.
var budget = []struct {
	operation string
	handle    func(*session.Session)
	limit     map[string]float64
}{
	{"unused", func(*session.Session) {}, map[string]float64{"memory": 2, "aead": 2, "securecookie": 2}},
	{"read", func(s *session.Session) { count.Get(s) }, map[string]float64{"memory": 3, "aead": 4, "securecookie": 16}},
	{"write", func(s *session.Session) { count.Update(s, addOne) },
		map[string]float64{"memory": 6, "aead": 10, "securecookie": 41}},
}

// Benchmark measures the operations that RunAllocations counts, with every carrier and without sessions. Its names fit
// benchstat. build is RunAllocations's.
func Benchmark(b *testing.B, build func(m *session.Manager, handle func(*session.Session)) Bench) {
	b.Run("op=none/carrier=none", func(b *testing.B) { measure(b, build(nil, nil), anyCookie) })
	for carrier, m := range carriers(b) {
		for _, o := range budget {
			b.Run("op="+o.operation+"/carrier="+carrier, func(b *testing.B) { measure(b, build(m, o.handle), begun(build, m)) })
		}
	}
}

func measure(b *testing.B, bench Bench, cookie string) {
	b.ReportAllocs()
	for b.Loop() {
		bench.Do(cookie)
	}
}

const anyCookie = cookieName + "=x"

// begun returns the Cookie line of a new session.
func begun(build func(m *session.Manager, handle func(*session.Session)) Bench, m *session.Manager) string {
	start := build(m, func(s *session.Session) { count.Set(s, 12345) })
	start.Do(anyCookie)
	cookie, _, _ := strings.Cut(start.SetCookie(), ";")
	return cookie
}

// RunAllocations fails the test if a session that is not used, read or written costs more allocations over the bare
// framework than it may. build builds the framework: bare when m is nil, otherwise with m's middleware and a handler
// that calls handle with the session. The budget is what our own adapters have reached, and is logged; more, if it is
// given, is how many allocations yours may make beyond it. Under the race detector, which allocates too, the test is
// skipped.
func RunAllocations(t *testing.T, build func(m *session.Manager, handle func(*session.Session)) Bench,
	more ...float64) {
	if raceDetector {
		t.Skip("the race detector allocates too")
	}
	do := func(b Bench) func(string) { return b.Do }
	post := func(b Bench) func(string) { return b.Post }
	for carrier, m := range carriers(t) {
		cookie := begun(build, m)
		for _, b := range budget {
			for method, serve := range map[string]func(Bench) func(string){"GET": do, "POST": post} {
				bare, bench := serve(build(nil, nil)), serve(build(m, b.handle))
				if bench == nil {
					continue
				}
				none := testing.AllocsPerRun(runs, func() { bare(anyCookie) })
				over := testing.AllocsPerRun(runs, func() { bench(cookie) }) - none
				limit := b.limit[carrier]
				for _, n := range more {
					limit += n
				}
				t.Logf("%-12s %-4s %-7s %2.0f allocations over the bare framework's %.0f, of %.0f allowed", carrier, method,
					b.operation, over, none, limit)
				if over > limit {
					t.Errorf("%s, %s %s: %.0f allocations, at most %.0f allowed", carrier, method, b.operation, over, limit)
				}
			}
		}
	}
}

const runs = 500

func carriers(t testing.TB) map[string]*session.Manager {
	t.Helper()
	memory, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	managers := map[string]*session.Manager{"memory": memory}
	for name, sealer := range map[string]session.Sealer{"securecookie": session.SecureCookie, "aead": session.AEAD} {
		if managers[name], err = session.NewSealed(session.TemporaryKeys(), session.Options{Sealer: sealer}); err != nil {
			t.Fatal(err)
		}
	}
	return managers
}

// BenchHandler returns the Bench of a framework that is an http.Handler. It reuses one request and one response writer.
func BenchHandler(h http.Handler) Bench {
	r := &http.Request{
		Method: http.MethodGet, URL: &url.URL{Path: "/"}, Header: http.Header{"Cookie": {""}}, Host: "localhost",
	}
	post := &http.Request{
		Method: http.MethodPost, URL: r.URL, Header: http.Header{"Cookie": {""}, "Sec-Fetch-Site": {"same-origin"}},
		Host: r.Host,
	}
	w := &discard{header: http.Header{}}
	with := func(r *http.Request) func(string) {
		return func(cookieLine string) {
			clear(w.header)
			r.Header["Cookie"][0] = cookieLine
			h.ServeHTTP(w, r)
		}
	}
	return Bench{
		Do: with(r), Post: with(post),
		SetCookie: func() string { return w.header.Get("Set-Cookie") },
	}
}

// discard keeps the headers and drops the body.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}
