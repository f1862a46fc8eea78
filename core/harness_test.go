package session_test

import (
	"context"
	"maps"
	"net/http"
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
	name  session.Key[string]   = "name"
	items session.Key[[]string] = "items"
)

func addOne(n int) int { return n + 1 }

func add(item string) func([]string) []string {
	return func(items []string) []string { return append(items, item) }
}

// exchange is a request and its response headers without a server.
type exchange struct {
	lines    []string
	response http.Header
	facts    session.RequestFacts
}

func (x *exchange) CookieLines() []string             { return x.lines }
func (x *exchange) Facts() session.RequestFacts       { return x.facts }
func (x *exchange) AddCookie(line string)             { x.response.Add("Set-Cookie", line) }
func (x *exchange) RequestHeader(string) string       { return "" }
func (x *exchange) ResponseHeader(n string) string    { return strings.Join(x.response.Values(n), ", ") }
func (x *exchange) SetResponseHeader(n, value string) { x.response.Set(n, value) }
func (x *exchange) ResetResponse()                    { clear(x.response) }
func (x *exchange) RemoveResponseHeaders(unwanted func(string) bool) {
	maps.DeleteFunc(x.response, func(name string, _ []string) bool { return unwanted(name) })
}
func (x *exchange) SetCookie(name, line string) {
	kept := x.response.Values("Set-Cookie")[:0:0]
	for _, l := range x.response.Values("Set-Cookie") {
		if !strings.HasPrefix(l, name+"=") {
			kept = append(kept, l)
		}
	}
	x.response["Set-Cookie"] = append(kept, line)
}

// visit is one request, driven by hand, so that tests can overlap them.
type visit struct {
	*session.Session
	t       *testing.T
	request session.Request
	x       exchange
	ctx     context.Context
	instead session.Response
	ok      bool
}

// begin starts a request that presents cookie, the value of the session's cookie; "" presents none.
func begin(t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	return beginWith(t.Context(), t, m, cookie)
}

func beginWith(ctx context.Context, t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	v := &visit{t: t, x: exchange{response: http.Header{}}}
	if cookie != "" {
		v.x.lines = []string{"theme=dark; " + cookieName + "=" + cookie}
	}
	var ok bool
	if v.ctx, ok = m.Begin(ctx, &v.request, &v.x); !ok {
		t.Fatal("Begin: the manager is at work already")
	}
	v.Session = v.request.Session()
	return v
}

const cookieName = "__Host-id"

// idleEnd is how long a session lives without use: the default idle timeout, and the interval in which uses are not
// noted.
const idleEnd = 33 * time.Minute

// commit sends the headers with status 200.
func (v *visit) commit() *visit {
	v.instead, v.ok = v.request.Commit(http.StatusOK)
	return v
}

// finish commits and ends the request.
func (v *visit) finish() *visit {
	v.commit()
	v.request.End()
	return v
}

// cookie returns what the response does to the session's cookie: its new value, or "" and whether it is deleted.
func (v *visit) cookie() (value string, deleted bool) {
	v.t.Helper()
	var found []*http.Cookie
	for _, c := range (&http.Response{Header: v.x.response}).Cookies() {
		if c.Name == cookieName {
			found = append(found, c)
		}
	}
	if len(found) > 1 {
		v.t.Errorf("%d Set-Cookie lines for one name, want at most one", len(found))
	}
	if len(found) == 0 {
		return "", false
	}
	return found[0].Value, found[0].MaxAge < 0
}

// issued returns the cookie that the response sets and fails the test if it sets none.
func (v *visit) issued() string {
	v.t.Helper()
	value, _ := v.cookie()
	if value == "" {
		v.t.Fatalf("no session cookie was set; answer %d %q", v.instead.Status, v.instead.Body)
	}
	return value
}

// untouched fails the test if the response sets or deletes the session's cookie.
func (v *visit) untouched() {
	v.t.Helper()
	if value, deleted := v.cookie(); value != "" || deleted {
		v.t.Errorf("the response touches the session's cookie: %q", v.x.response["Set-Cookie"])
	}
}

// succeeded and failed check what the client gets.
func (v *visit) succeeded() *visit {
	v.t.Helper()
	if !v.ok {
		v.t.Fatalf("commit failed with %d %q", v.instead.Status, v.instead.Body)
	}
	return v
}

func (v *visit) failedWith(status int) {
	v.t.Helper()
	if v.ok || v.instead.Status != status {
		v.t.Errorf("commit ok=%t status %d, want a failure with %d", v.ok, v.instead.Status, status)
	}
}

// world is a manager over a probed memory store and a clock that a test moves.
type world struct {
	*session.Manager
	store   *probe.Store // nil: sealed
	keys    session.Keys // of a sealed one
	now     time.Time
	events  []session.Event
	records *memstore.Store // what store keeps them in

	mu  sync.Mutex
	ids []session.RecordID // of all records that were created
}

// witness remembers which records were created.
type witness struct {
	*memstore.Store
	w *world
}

func (s *witness) Create(ctx context.Context, r session.Record) error {
	s.w.mu.Lock()
	s.w.ids = append(s.w.ids, r.ID)
	s.w.mu.Unlock()
	return s.Store.Create(ctx, r)
}

func newWorld(t *testing.T, o session.Options) *world {
	t.Helper()
	w := &world{now: time.Now(), records: memstore.New()}
	w.store = probe.New(&witness{Store: w.records, w: w})
	m, err := session.New(w.store, w.observed(o))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

// newSealed returns a world whose sessions travel in the cookie.
func newSealed(t *testing.T, keys session.Keys, o session.Options) *world {
	t.Helper()
	w := &world{now: time.Now(), keys: keys}
	m, err := session.NewSealed(keys, w.observed(o))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

func (w *world) observed(o session.Options) session.Options {
	o.Now = func() time.Time { return w.now }
	if o.OnEvent == nil {
		o.OnEvent = func(_ context.Context, e session.Event) { w.events = append(w.events, e) }
	}
	return o
}

// start returns the cookie of a new session with count = 1.
func (w *world) start(t *testing.T) string {
	t.Helper()
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	return v.finish().succeeded().issued()
}

// read runs f on the session behind cookie and ends the request.
func (w *world) read(t *testing.T, cookie string, f func(*session.Session)) *visit {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	f(v.Session)
	return v.finish()
}

func (w *world) saw(r session.Reason) bool {
	for _, e := range w.events {
		if e.Reason == r {
			return true
		}
	}
	return false
}

// subjectOf returns whom a cookie is logged in as.
func (w *world) subjectOf(t *testing.T, cookie string) (subject string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { subject = s.Subject() })
	return subject
}

func (w *world) countOf(t *testing.T, cookie string) (n int) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { n = count.Get(s) })
	return n
}

// alive counts the live sessions in the store, whoever they belong to.
func (w *world) alive(t *testing.T) (n int) {
	t.Helper()
	for _, id := range w.ids {
		r, err := w.store.Inner().Load(t.Context(), id)
		if err == nil && session.IsLive(r.Data) {
			n++
		}
	}
	return n
}

func (w *world) listOrNone(t *testing.T, subject string) []session.Info {
	t.Helper()
	if subject == "" {
		return nil
	}
	return w.list(t, subject)
}

// sweep removes what a sweeper of the manager would. It says so if that is nothing.
func (w *world) sweep(t *testing.T) {
	t.Helper()
	n, err := w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000)
	if n == 0 || err != nil {
		t.Fatalf("%d records were swept, error %v", n, err)
	}
}
