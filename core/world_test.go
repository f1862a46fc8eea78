package session_test

import (
	"context"
	"reflect"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

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
	if o.Now == nil {
		o.Now = func() time.Time { return w.now }
	}
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

// second is a manager of w's name and store on a server whose clock differs by skew.
func (w *world) second(t *testing.T, skew time.Duration, o session.Options) *session.Manager {
	t.Helper()
	o.OnEvent = func(_ context.Context, e session.Event) { w.events = append(w.events, e) }
	o.Now = func() time.Time { return w.now.Add(skew) }
	m, err := session.New(w.store, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) loginAt(t *testing.T, cookie, subject string) string {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	v.Login(subject)
	return v.finish().succeeded().issued()
}

// login returns the cookie of a new session of subject.
func (w *world) login(t *testing.T, subject string) string {
	t.Helper()
	return w.read(t, "", func(s *session.Session) { s.Login(subject) }).succeeded().issued()
}

func (w *world) handleOf(t *testing.T, cookie string) (handle string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { handle = s.Handle() })
	return handle
}

func (w *world) list(t *testing.T, subject string) []session.Info {
	t.Helper()
	list, err := w.List(t.Context(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// P11: a browser sends the cookies of a former Domain or Path along with the present one, in an order that nobody
// defines.

func handles(list []session.Info) (h []string) {
	for _, i := range list {
		h = append(h, i.Handle)
	}
	return h
}

// recordsOf returns a subject's records as the store has them.
func recordsOf(t *testing.T, w *world, subject string) []session.Record {
	t.Helper()
	ids, err := w.store.Find(t.Context(), subject)
	if err != nil || len(ids) == 0 {
		t.Fatal(len(ids), err)
	}
	records, err := w.store.LoadAll(t.Context(), ids)
	if err != nil || len(records) != len(ids) {
		t.Fatal(len(records), err)
	}
	return records
}

// known reports whether anything is known of a session.
func known(i session.Info) bool { return !reflect.DeepEqual(i, session.Info{}) }
