package adaptertest

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	count session.Key[int]      = "count"
	note  session.Key[string]   = "note"
	items session.Key[[]string] = "items"
)

func addOne(n int) int { return n + 1 }

// suite is one case at work.
type suite struct {
	*testing.T
	serve Serve
}

// site is a served App with what the case wants to look into.
type site struct {
	s      *suite
	url    string
	http2  bool
	outer  map[string]string // headers that middleware outside of the adapter's sets
	store  *probe.Store
	client *http.Client

	manager     *session.Manager
	handleError func(*Call, error) error
	guard       *session.Guard

	mu     sync.Mutex
	routes map[string]func(*Call) error
	now    time.Time
	events []session.Event
}

// stored serves sessions kept in a memory store.
func (s *suite) stored(o session.Options) *site {
	s.Helper()
	st := s.newSite()
	m, err := session.New(st.store, st.observed(o))
	if err != nil {
		s.Fatal(err)
	}
	return st.start(m)
}

// sealed serves sessions that travel in the cookie.
func (s *suite) sealed(keys session.Keys, o session.Options) *site {
	s.Helper()
	st := s.newSite()
	m, err := session.NewSealed(keys, st.observed(o))
	if err != nil {
		s.Fatal(err)
	}
	return st.start(m)
}

func (s *suite) newSite() *site {
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	s.Cleanup(transport.CloseIdleConnections)
	return &site{
		s: s, now: time.Now(), store: probe.New(memstore.New()), routes: map[string]func(*Call) error{},
		outer: maps.Clone(outerHeaders),
		client: &http.Client{
			Transport: transport, Timeout: 20 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// observed adds a clock that the case moves and a record of events.
func (st *site) observed(o session.Options) session.Options {
	o.Now = func() time.Time {
		st.mu.Lock()
		defer st.mu.Unlock()
		return st.now
	}
	o.OnEvent = func(_ context.Context, e session.Event) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.events = append(st.events, e)
	}
	return o
}

var outerHeaders = map[string]string{"X-Request-Id": "7", "Vary": "Origin"}

func (st *site) start(managers ...*session.Manager) *site {
	st.manager = managers[0]
	st.url = st.s.serve(st.s, App{Managers: managers, Guard: st.guard, Headers: st.outer, HTTP2: st.http2,
		Handle:      st.handle,
		HandleError: st.handleError})
	st.on("/unused", func(c *Call) error { return c.Respond(200, "unused") })
	st.on("/read", func(c *Call) error { return c.Respond(200, c.Session.Subject()+"/"+itoa(count.Get(c.Session))) })
	st.on("/add", func(c *Call) error { return c.Respond(200, itoa(count.Update(c.Session, addOne))) })
	st.on("/login", func(c *Call) error { c.Session.Login("user:1"); return c.Respond(200, "in") })
	st.on("/logout", func(c *Call) error { c.Session.Destroy(); return c.Respond(200, "out") })
	return st
}

// on answers a path with f.
func (st *site) on(path string, f func(*Call) error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.routes[path] = f
}

func (st *site) handle(c *Call) error {
	st.mu.Lock()
	f := st.routes[c.Path]
	st.mu.Unlock()
	if f == nil {
		return c.Respond(404, "no route")
	}
	return f(c)
}

func (st *site) pass(d time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.now = st.now.Add(d)
}

func (st *site) saw(r session.Reason) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range st.events {
		if e.Reason == r {
			return true
		}
	}
	return false
}

// answer is what the client got.
type answer struct {
	s      *suite
	err    error // the connection broke
	status int
	header http.Header // trailers included
	body   string
}

const cookieName = "__Host-id"

// get asks for a path with the session's cookie, or with none.
func (st *site) get(path, cookie string) *answer {
	st.s.Helper()
	if cookie == "" {
		return st.ask(context.Background(), path)
	}
	return st.ask(context.Background(), path, cookieName+"="+cookie)
}

// ask sends the given Cookie lines.
func (st *site) ask(ctx context.Context, path string, lines ...string) *answer {
	st.s.Helper()
	return st.send(ctx, http.MethodGet, path, lines...)
}

// send is ask with a method. The client repeats a GET whose connection breaks, a POST never.
func (st *site) send(ctx context.Context, method, path string, lines ...string) *answer {
	st.s.Helper()
	r, err := http.NewRequestWithContext(ctx, method, st.url+path, nil)
	if err != nil {
		st.s.Fatal(err)
	}
	if len(lines) > 0 {
		r.Header["Cookie"] = lines
	}
	return st.do(r)
}

func (st *site) do(r *http.Request) *answer {
	response, err := st.client.Do(r)
	if err != nil {
		return &answer{s: st.s, err: err, header: http.Header{}}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	maps.Copy(response.Header, response.Trailer)
	return &answer{s: st.s, err: err, status: response.StatusCode, header: response.Header, body: string(body)}
}

// is fails the case unless the answer has this status and body.
func (a *answer) is(status int, body string) *answer {
	a.s.Helper()
	if a.err != nil || a.status != status || a.body != body {
		a.s.Errorf("answer %d %q (%v), want %d %q", a.status, a.body, a.err, status, body)
	}
	return a
}

// refused fails the case unless the answer is the session's own error response, and nothing else.
func (a *answer) refused(status int) *answer {
	a.s.Helper()
	if a.err != nil || a.status != status || !strings.HasPrefix(a.body, "The session ") &&
		!strings.HasPrefix(a.body, "Another request ") && !strings.HasPrefix(a.body, "This request ") {
		a.s.Errorf("answer %d %q (%v), want the session's own %d", a.status, a.body, a.err, status)
	}
	if control := a.header.Get("Cache-Control"); control != "no-store" {
		a.s.Errorf("Cache-Control %q on an error response, want no-store", control)
	}
	return a
}

// cookie returns what the answer does to the session's cookie: its new value, or "" and whether it is deleted.
func (a *answer) cookie() (value string, deleted bool) {
	a.s.Helper()
	found := 0
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == cookieName {
			found++
			value, deleted = c.Value, c.MaxAge < 0
		}
	}
	if found > 1 {
		a.s.Errorf("%d Set-Cookie lines for the session, want at most one", found)
	}
	return value, deleted
}

// issued returns the cookie that the answer sets and ends the case if it sets none.
func (a *answer) issued() string {
	a.s.Helper()
	value, _ := a.cookie()
	if value == "" {
		a.s.Fatalf("answer %d %q (%v) sets no session cookie", a.status, a.body, a.err)
	}
	return value
}

// untouched fails the case if the answer sets or deletes the session's cookie.
func (a *answer) untouched() *answer {
	a.s.Helper()
	if value, deleted := a.cookie(); value != "" || deleted {
		a.s.Errorf("answer %d %q touches the session's cookie: %q", a.status, a.body, a.header["Set-Cookie"])
	}
	return a
}

// begun returns the cookie of a new session with count = 1.
func (st *site) begun() string {
	st.s.Helper()
	return st.get("/add", "").is(200, "1").issued()
}

// reads fails the case unless the cookie opens a session of this subject and count.
func (st *site) reads(cookie, subject string, n int) {
	st.s.Helper()
	st.get("/read", cookie).is(200, subject+"/"+itoa(n))
}

// gate holds requests back until all have come.
type gate struct {
	arrived sync.WaitGroup
	open    chan struct{}
}

func newGate(n int) *gate {
	g := &gate{open: make(chan struct{})}
	g.arrived.Add(n)
	return g
}

func (g *gate) pass() {
	g.arrived.Done()
	<-g.open
}

// slow makes a path load the session, wait at the gate, and then do f.
func (st *site) slow(path string, g *gate, f func(*session.Session)) {
	st.on(path, func(c *Call) error {
		c.Session.Exists()
		g.pass()
		f(c.Session)
		return c.Respond(200, "done")
	})
}

// inFlight sends n requests for path and returns once all wait at the gate. release lets them go and
// returns their answers.
func (st *site) inFlight(path, cookie string, n int, g *gate) (release func() []*answer) {
	answers := make([]*answer, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i] = st.get(path, cookie) })
	}
	g.arrived.Wait()
	return func() []*answer {
		close(g.open)
		wg.Wait()
		return answers
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
