package tieredstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// plain hides a store's optional interfaces.
type plain struct{ session.Store }

// forgets is a store that has Sweep and cannot sweep, as another tieredstore may.
type forgets struct{ session.Store }

func (forgets) Sweep(context.Context, time.Time, int) (int, error) { return 0, errors.ErrUnsupported }

// TestFastStoreThatCannotSweep: that is no failure, so it must neither be reported nor keep the fast store from being
// used.
func TestFastStoreThatCannotSweep(t *testing.T) {
	r := newRig()
	s := r.server(forgets{r.fast})
	rec := r.record(t, "values")
	_, err := s.Sweep(t.Context(), r.now, 10)
	want(t, "Sweep", err, errors.ErrUnsupported) // a probe cannot either
	reads(t, s, rec)
	if n := r.durable.Count("Load"); n > 0 || r.reported != nil {
		t.Errorf("%d durable reads; reported %v", n, r.reported)
	}
}

// TestDurableStoreWithoutOptionalInterfaces: the core must find them missing, and use Update for touches.
func TestDurableStoreWithoutOptionalInterfaces(t *testing.T) {
	s := tieredstore.New(plain{memstore.New()}, plain{memstore.New()}, tieredstore.Options{})
	want(t, "Touch", s.Touch(t.Context(), session.RecordID{}, time.Now(), time.Now()), errors.ErrUnsupported)
	_, err := s.Find(t.Context(), "user:42")
	want(t, "Find", err, errors.ErrUnsupported)
	_, err = s.LoadAll(t.Context(), nil)
	want(t, "LoadAll", err, errors.ErrUnsupported)
	_, _, err = s.Walk(t.Context(), "", 10)
	want(t, "Walk", err, errors.ErrUnsupported)
	_, err = s.Sweep(t.Context(), time.Now(), 10)
	want(t, "Sweep", err, errors.ErrUnsupported)
}

// TestSweep: a fast store in memory that nobody sweeps grows for ever, also when the durable store sees to itself, and
// although copies come faster than the limit for sessions.
func TestSweep(t *testing.T) {
	for name, durableOf := range map[string]func(session.Store) session.Store{
		"durable that needs sweeping": func(s session.Store) session.Store { return s },
		"durable that has no Sweep":   func(s session.Store) session.Store { return plain{s} },
		"durable that cannot":         func(s session.Store) session.Store { return forgets{s} },
	} {
		t.Run(name, func(t *testing.T) {
			fast, durable, now := memstore.New(), memstore.New(), time.Now()
			store := durableOf(durable)
			s := tieredstore.New(fast, store, tieredstore.Options{MaxStale: time.Second, Now: func() time.Time { return now }})
			for i := range 25 {
				r := session.Record{ID: session.RecordID{byte(i)}, Version: 1, Seen: now, Expires: now.Add(time.Hour)}
				want(t, "Create", s.Create(t.Context(), r), nil)
			}
			expected := 0
			if store != session.Store(durable) {
				expected = 25
			}
			n, err := s.Sweep(t.Context(), now.Add(2*time.Second), 10)
			if err != nil || n != expected {
				t.Errorf("Sweep: removed %d by its own count (%v), want %d", n, err, expected)
			}
			if n, _ := fast.Sweep(t.Context(), now.Add(time.Hour), 100); n > 0 {
				t.Errorf("%d copies were left", n)
			}
			if n, _ := durable.Sweep(t.Context(), now.Add(time.Hour), 100); n != 25 {
				t.Errorf("%d records were left, want all 25", n)
			}
		})
	}
}

// TestSearchIsTheDurableStores: revoking must find sessions that no copy knows.
func TestSearchIsTheDurableStores(t *testing.T) {
	r := newRig()
	rec := session.Record{Version: 1, Subject: "user:42", Seen: r.now, Expires: r.now.Add(time.Hour)}
	want(t, "Create", r.durable.Inner().Create(t.Context(), rec), nil)
	ids, err := r.store.Find(t.Context(), "user:42")
	if err != nil || len(ids) != 1 {
		t.Errorf("Find: %v (%v), want the one record", ids, err)
	}
	records, err := r.store.LoadAll(t.Context(), ids)
	if err != nil || len(records) != 1 || records[0].Cached {
		t.Errorf("LoadAll: %v (%v), want the one record as it is durable", records, err)
	}
	records, _, err = r.store.Walk(t.Context(), "", 10)
	if err != nil || len(records) != 1 || records[0].Cached {
		t.Errorf("Walk: %v (%v), want the one record as it is durable", records, err)
	}
}
