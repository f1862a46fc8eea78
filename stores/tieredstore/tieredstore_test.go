package tieredstore_test

import (
	"crypto/rand"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// patient options keep a slow machine from passing for a failing fast store.
func patient(t *testing.T) tieredstore.Options {
	t.Helper()
	return tieredstore.Options{MaxStale: time.Hour, FastTimeout: time.Minute, OnError: func(err error) { t.Error(err) }}
}

func TestMemoryInFrontOfMemory(t *testing.T) {
	storetest.Run(t, func(t *testing.T) session.Store {
		return tieredstore.New(memstore.New(), memstore.New(), patient(t))
	})
}

// TestForgettingFastStore: a fast store may evict anything at any time, and nobody may notice.
func TestForgettingFastStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) session.Store {
		fast, n := probe.New(memstore.New()), atomic.Int64{}
		fast.Before(func(c probe.Call) error {
			if n.Add(1)%3 == 0 {
				return fast.Inner().Delete(t.Context(), c.ID)
			}
			return nil
		})
		return tieredstore.New(fast, memstore.New(), patient(t))
	})
}

// TestFailingFastStore: a fast store that fails is not an outage. It fails in the middle too, with BackOff so short
// that it is always tried again.
func TestFailingFastStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store {
		r := newRig()
		r.fast.Before(func(c probe.Call) error {
			if c.ID[0]%2 == 0 || c.Method == "Update" {
				return errDown
			}
			return nil
		})
		return tieredstore.New(r.fast, memstore.New(),
			tieredstore.Options{MaxStale: time.Hour, BackOff: 1, OnError: func(error) {}})
	})
}

var errDown = errors.New("the fast store is down")

// rig is a fast and a durable store that a test looks into, a clock that stands still, and what OnError was told.
type rig struct {
	fast, durable *probe.Store
	now           time.Time
	reported      []error
	store         *tieredstore.Store
}

const (
	maxStale = 5 * time.Second
	backOff  = time.Second
)

func newRig() *rig {
	r := &rig{fast: probe.New(memstore.New()), durable: probe.New(memstore.New()), now: time.UnixMilli(1_700_000_000_000)}
	r.store = r.server(r.fast)
	return r
}

// server is one more process on the same durable store.
func (r *rig) server(fast session.Store) *tieredstore.Store {
	return tieredstore.New(fast, r.durable, tieredstore.Options{
		MaxStale: maxStale, BackOff: backOff, FastTimeout: time.Minute,
		OnError: func(err error) { r.reported = append(r.reported, err) },
		Now:     func() time.Time { return r.now },
	})
}

func (r *rig) record(t *testing.T, data string) session.Record {
	t.Helper()
	rec := session.Record{Version: 1, Data: []byte(data), Seen: r.now, Expires: r.now.Add(time.Hour)}
	_, _ = rand.Read(rec.ID[:]) // never fails
	want(t, "Create", r.store.Create(t.Context(), rec), nil)
	return rec
}

func update(t *testing.T, s session.Store, r session.Record, data string) session.Record {
	t.Helper()
	r.Data = []byte(data)
	want(t, "Update", s.Update(t.Context(), r), nil)
	r.Version++
	return r
}

// reads checks what a server shows.
func reads(t *testing.T, s session.Store, r session.Record) {
	t.Helper()
	got, err := s.Load(t.Context(), r.ID)
	want(t, "Load", err, nil)
	if got.Version != r.Version || string(got.Data) != string(r.Data) || !got.Expires.Equal(r.Expires) ||
		!got.Seen.Equal(r.Seen) {
		t.Fatalf("Load: version %d is %q until %v, want version %d, %q until %v", got.Version, got.Data, got.Expires,
			r.Version, r.Data, r.Expires)
	}
}

func want(t *testing.T, operation string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: error is %v, want %v", operation, got, want)
	}
}

// costs checks how many calls the stores have had since the last check.
func (r *rig) costs(t *testing.T, what string, fast, durable int) {
	t.Helper()
	if r.fast.Count("") != fast || r.durable.Count("") != durable {
		t.Errorf("%s costs %d fast and %d durable calls, want %d and %d", what, r.fast.Count(""), r.durable.Count(""),
			fast, durable)
	}
	r.fast.Reset()
	r.durable.Reset()
}

// TestCalls: a read that hits must not reach the durable store, or the fast one is for nothing.
func TestCalls(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	r.costs(t, "Create", 1, 1)
	reads(t, r.store, rec)
	r.costs(t, "a read that hits", 1, 0)
	rec = update(t, r.store, rec, "changed")
	r.costs(t, "Update", 2, 1)
	reads(t, r.store, rec)
	r.costs(t, "a read of what was written", 1, 0)
	rec.Seen, rec.Expires = rec.Seen.Add(time.Minute), rec.Expires.Add(time.Minute)
	want(t, "Touch", r.store.Touch(t.Context(), rec.ID, rec.Seen, rec.Expires), nil)
	r.costs(t, "Touch", 2, 1)
	reads(t, r.store, rec)
	r.costs(t, "a read of what was touched", 1, 0)
	r.now = r.now.Add(maxStale)
	reads(t, r.store, rec)
	r.costs(t, "a read that renews the copy", 2, 1)
	reads(t, r.store, rec)
	r.costs(t, "a read of the renewed copy", 1, 0)
	want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
	reads(t, r.store, rec)
	r.costs(t, "a read that misses", 2, 1)
	want(t, "Delete", r.store.Delete(t.Context(), rec.ID), nil)
	r.costs(t, "Delete", 1, 1)
}

// TestExpiredCopy: a session that another server has extended must not look expired here.
func TestExpiredCopy(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	other := r.server(memstore.New())
	r.now = rec.Expires.Add(-time.Second)
	reads(t, r.store, rec)
	touched := rec
	touched.Seen, touched.Expires = r.now, r.now.Add(time.Hour)
	want(t, "Touch", other.Touch(t.Context(), rec.ID, touched.Seen, touched.Expires), nil)
	reads(t, r.store, rec) // behind, but alive
	r.now = rec.Expires
	reads(t, r.store, touched)
	r.now = touched.Expires
	r.fast.Reset()
	r.durable.Reset()
	reads(t, r.store, touched)
	r.costs(t, "a read of an expired record, of which a copy is no use", 1, 1)
}

// TestForeignRecords: where the fast store holds something else under an id, the two must not destroy each other.
func TestForeignRecords(t *testing.T) {
	r := newRig()
	rec := session.Record{
		ID: session.RecordID{1}, Version: 1, Data: []byte("C not a copy"), Seen: r.now, Expires: r.now.Add(time.Hour),
	}
	want(t, "Create", r.fast.Inner().Create(t.Context(), rec), nil)
	mine := rec
	mine.Data = []byte("mine")
	want(t, "Create", r.store.Create(t.Context(), mine), nil)
	for range 3 {
		mine = update(t, r.store, mine, "changed")
		reads(t, r.store, mine)
		want(t, "Touch", r.store.Touch(t.Context(), mine.ID, mine.Seen, mine.Expires), nil)
		r.now = r.now.Add(backOff)
	}
	reads(t, r.fast.Inner(), rec)
	if len(r.reported) == 0 {
		t.Error("nobody was told")
	}
}

// TestCopiesOfOtherFormats: during an update of the application two formats may meet.
func TestCopiesOfOtherFormats(t *testing.T) {
	for _, data := range []string{"copy", "copy\x01short", "copy\x02" + string(make([]byte, 60))} {
		r := newRig()
		rec := r.record(t, "values")
		copied, err := r.fast.Inner().Load(t.Context(), rec.ID)
		want(t, "Load", err, nil)
		copied.Data = []byte(data)
		want(t, "Update", r.fast.Inner().Update(t.Context(), copied), nil)
		r.fast.Reset()
		r.durable.Reset()
		reads(t, r.store, rec)
		r.costs(t, "a read that finds an unknown copy", 2, 1)
		reads(t, r.store, rec)
		r.costs(t, "a read of the copy in its place", 1, 0)
		copied.Version += 2
		want(t, "Update", r.fast.Inner().Update(t.Context(), copied), nil)
		want(t, "Touch", r.store.Touch(t.Context(), rec.ID, rec.Seen, rec.Expires), nil)
		rec = update(t, r.store, rec, "changed")
		r.costs(t, "writes", 3, 2)
		reads(t, r.store, rec)
		r.costs(t, "a read of what was written", 1, 0)
	}
}

// TestTooLargeForTheFastStore: a session that the fast store cannot take is a session all the same, and no
// earlier copy of it may stay.
func TestTooLargeForTheFastStore(t *testing.T) {
	r := newRig()
	r.fast.Before(func(c probe.Call) error {
		if len(c.Record.Data) > 100 {
			return session.ErrTooLarge
		}
		return nil
	})
	rec := update(t, r.store, r.record(t, "values"), string(make([]byte, 100)))
	if _, err := r.fast.Inner().Load(t.Context(), rec.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the earlier copy is still there (%v)", err)
	}
	reads(t, r.store, rec)
	if r.reported != nil {
		t.Errorf("reported %v", r.reported)
	}
}

// TestWiring: one store in both places would overwrite its own records.
func TestWiring(t *testing.T) {
	one := memstore.New()
	for name, pair := range map[string][2]session.Store{
		"the same": {one, one}, "no fast": {nil, one}, "no durable": {one, nil},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New took %s store", name)
				}
			}()
			tieredstore.New(pair[0], pair[1], tieredstore.Options{})
		}()
	}
}
