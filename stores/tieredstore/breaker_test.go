package tieredstore_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// TestFastStoreDown: an outage of the fast store costs one failed call in each BackOff, and tells somebody.
func TestFastStoreDown(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	r.fast.Before(func(probe.Call) error { return errDown })
	r.fast.Reset()
	r.durable.Reset()
	reads(t, r.store, rec)
	r.costs(t, "the first read", 1, 1)
	for range 3 {
		reads(t, r.store, rec)
		rec = update(t, r.store, rec, "changed")
		want(t, "Touch", r.store.Touch(t.Context(), rec.ID, rec.Seen, rec.Expires), nil)
	}
	r.costs(t, "what follows", 0, 9)
	r.now = r.now.Add(backOff)
	reads(t, r.store, rec)
	reads(t, r.store, rec)
	r.costs(t, "the next try", 1, 2)
	if len(r.reported) != 2 || !strings.Contains(r.reported[0].Error(), errDown.Error()) {
		t.Errorf("reported %v, want two errors", r.reported)
	}
	r.fast.Before(nil)
	r.now = r.now.Add(2 * maxStale) // what was written in the dark is not trusted at once
	reads(t, r.store, rec)
	reads(t, r.store, rec)
	r.costs(t, "recovery", 3, 1)
}

// TestOneCallTriesAgain: when the rest is over and the fast store still hangs, one request pays for finding out.
func TestOneCallTriesAgain(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	r.fast.Before(func(probe.Call) error { return errDown })
	reads(t, r.store, rec)
	r.now = r.now.Add(backOff)
	r.fast.Reset()
	r.fast.Before(func(probe.Call) error {
		reads(t, r.store, rec) // meanwhile
		return errDown
	})
	reads(t, r.store, rec)
	if n := r.fast.Count(""); n != 1 {
		t.Errorf("%d calls tried the fast store, want 1", n)
	}
}

// TestClockSetBack: a rest must not last until the clock is where it was.
func TestClockSetBack(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	r.fast.Before(func(probe.Call) error { return errDown })
	reads(t, r.store, rec)
	r.fast.Before(nil)
	r.fast.Reset()
	r.now = r.now.Add(-30 * time.Minute)
	reads(t, r.store, rec)
	if r.fast.Count("") == 0 {
		t.Error("the fast store is still left alone")
	}
}

// hanging answers when its context ends, and not before.
type hanging struct{ session.Store }

func (hanging) wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h hanging) Load(ctx context.Context, _ session.RecordID) (session.Record, error) {
	return session.Record{}, h.wait(ctx)
}
func (h hanging) Create(ctx context.Context, _ session.Record) error   { return h.wait(ctx) }
func (h hanging) Update(ctx context.Context, _ session.Record) error   { return h.wait(ctx) }
func (h hanging) Delete(ctx context.Context, _ session.RecordID) error { return h.wait(ctx) }

// TestFastStoreHangs: each call must come back with the durable store's answer, although the caller sets no limit.
func TestFastStoreHangs(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	for name, call := range map[string]func(s session.Store, r session.Record) error{
		"Create": func(s session.Store, r session.Record) error { r.ID[0]++; return s.Create(ctx, r) },
		"Load":   func(s session.Store, r session.Record) error { _, err := s.Load(ctx, r.ID); return err },
		"Update": func(s session.Store, r session.Record) error { return s.Update(ctx, r) },
		"Delete": func(s session.Store, r session.Record) error { return s.Delete(ctx, r.ID) },
		"Touch": func(s session.Store, r session.Record) error {
			return s.(session.Toucher).Touch(ctx, r.ID, r.Seen, r.Expires)
		},
	} {
		durable, reported := memstore.New(), make(chan error, 1)
		s := tieredstore.New(hanging{}, durable, tieredstore.Options{
			FastTimeout: time.Millisecond, BackOff: time.Hour, OnError: func(err error) { reported <- err },
		})
		r := session.Record{Version: 1, Seen: time.Now(), Expires: time.Now().Add(time.Hour)}
		want(t, "Create", durable.Create(ctx, r), nil)
		want(t, name, call(s, r), nil)
		select {
		case err := <-reported:
			want(t, name+": what was reported", err, context.DeadlineExceeded)
		default:
			t.Errorf("%s: nobody was told", name)
		}
	}
}

// TestCallerGivesUp: visitors who hang up say nothing about the fast store, so they must not switch it off.
func TestCallerGivesUp(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	ctx, cancel := context.WithCancel(t.Context())
	r.fast.After(func(probe.Call, error) error {
		cancel()
		return context.Canceled
	})
	_, err := r.store.Load(ctx, rec.ID)
	want(t, "Load", err, context.Canceled)
	r.fast.After(nil)
	r.durable.Reset()
	reads(t, r.store, rec)
	if n := r.durable.Count(""); n > 0 || r.reported != nil {
		t.Errorf("the fast store was left alone; reported %v", r.reported)
	}
}

// TestWriteReachesTheCopyOfAVisitorWhoLeft: a logout must reach other servers also when its own request has just
// been cancelled.
func TestWriteReachesTheCopyOfAVisitorWhoLeft(t *testing.T) {
	r := newRig()
	rec := r.record(t, "logged in")
	ctx, cancel := context.WithCancel(t.Context())
	r.durable.After(func(_ probe.Call, err error) error {
		cancel()
		return err
	})
	ended := rec
	ended.Data = []byte("ended")
	want(t, "Update", r.store.Update(ctx, ended), nil)
	ended.Version++
	reads(t, r.server(r.fast), ended)
}

// TestZeroOptions: the zero value is what most people use, so what the documentation says of it has to be so.
func TestZeroOptions(t *testing.T) {
	r, failures := newRig(), 0
	rec := r.record(t, "before")
	s := tieredstore.New(r.fast, r.durable, tieredstore.Options{
		OnError: func(error) { failures++ }, Now: func() time.Time { return r.now },
	})
	after := update(t, r.durable.Inner(), rec, "after")
	r.now = r.now.Add(5*time.Second - time.Millisecond)
	reads(t, s, rec)
	r.now = r.now.Add(time.Millisecond)
	reads(t, s, after)
	if failures > 0 {
		t.Error("a fast store that answers at once counts as failing")
	}
	r.fast.Before(func(probe.Call) error { return errDown })
	for _, wait := range []time.Duration{0, time.Second - time.Millisecond, time.Millisecond} {
		r.now = r.now.Add(wait)
		reads(t, s, after)
	}
	if failures != 2 {
		t.Errorf("the fast store was tried %d times in the first second of its failure, want 2", failures)
	}
}

// deaf answers slowly and does not wait for its context, but asks it.
type deaf struct{ session.Store }

func (d deaf) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
	return session.Record{}, ctx.Err()
}

// TestFastStoreThatAsksItsContext: the deadline holds also for a store that only asks whether it has passed.
func TestFastStoreThatAsksItsContext(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	s := tieredstore.New(deaf{r.fast}, r.durable,
		tieredstore.Options{FastTimeout: time.Millisecond, OnError: func(error) {}})
	reads(t, s, rec)
}
