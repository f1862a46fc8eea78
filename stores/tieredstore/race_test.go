package tieredstore_test

import (
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// once runs f when a call of this method has been answered, for the first time only.
func once(method string, f func()) func(probe.Call, error) error {
	return func(c probe.Call, err error) error {
		if c.Method == method && f != nil {
			g := f
			f = nil
			g()
		}
		return err
	}
}

// slowRead lets meanwhile happen after a read has got its answer from the durable store and before it leaves its copy.
func (r *rig) slowRead(t *testing.T, s session.Store, id session.RecordID, meanwhile func()) {
	t.Helper()
	r.durable.After(once("Load", meanwhile))
	defer r.durable.After(nil)
	_, err := s.Load(t.Context(), id)
	want(t, "slow Load", err, nil)
}

// TestSlowReaderAfterAWrite: a reader that got the old record must not put it over, or before, the new one.
func TestSlowReaderAfterAWrite(t *testing.T) {
	for _, found := range []string{"nothing", "an old copy"} {
		t.Run(found, func(t *testing.T) {
			r := newRig()
			rec := r.record(t, "before")
			other := r.server(r.fast)
			if found == "nothing" {
				want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
			} else {
				r.now = r.now.Add(maxStale)
			}
			r.slowRead(t, other, rec.ID, func() { rec = update(t, r.store, rec, "after") })
			r.durable.Reset()
			reads(t, r.store, rec)
			reads(t, other, rec)
			if n := r.durable.Count(""); n > 0 {
				t.Errorf("%d durable calls: the copy of the write was lost", n)
			}
		})
	}
}

// TestSlowWriter: two writes follow each other in the durable store, and their copies arrive the other way round.
func TestSlowWriter(t *testing.T) {
	r := newRig()
	rec := r.record(t, "first")
	other := r.server(r.fast)
	last := rec
	last.Version++
	r.durable.After(once("Update", func() { last = update(t, other, last, "last") }))
	_ = update(t, r.store, rec, "second")
	reads(t, r.server(r.fast), last)
	reads(t, r.store, last)
}

// TestSlowReaderAfterADelete: here the old copy comes back, and must be gone after MaxStale. The process that deleted
// the record is never shown it.
func TestSlowReaderAfterADelete(t *testing.T) {
	for _, noticed := range []bool{true, false} {
		r := newRig()
		rec := r.record(t, "values")
		other := r.server(r.fast)
		want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
		r.slowRead(t, other, rec.ID, func() { want(t, "Delete", r.store.Delete(t.Context(), rec.ID), nil) })
		r.now = r.now.Add(maxStale - time.Millisecond)
		reads(t, other, rec)
		if noticed {
			_, err := r.store.Load(t.Context(), rec.ID)
			want(t, "Load by the server that deleted it", err, session.ErrNotFound)
		} else {
			r.now = r.now.Add(time.Millisecond)
		}
		_, err := other.Load(t.Context(), rec.ID)
		want(t, "Load by the other server", err, session.ErrNotFound)
	}
}

// TestStaleForMaxStaleAtMost: with a fast store of its own a server learns of a logout by time alone, so the time is a
// promise.
func TestStaleForMaxStaleAtMost(t *testing.T) {
	for name, shared := range map[string]bool{"shared": true, "separate": false} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			rec := r.record(t, "logged in")
			fast := session.Store(memstore.New())
			if shared {
				fast = r.fast
			}
			other := r.server(fast)
			reads(t, other, rec)
			r.now = r.now.Add(time.Second)
			ended := update(t, r.store, rec, "ended")
			reads(t, r.store, ended)
			if shared {
				reads(t, other, ended)
				return
			}
			r.now = r.now.Add(maxStale - time.Second - time.Millisecond)
			reads(t, other, rec)
			r.now = r.now.Add(time.Millisecond)
			reads(t, other, ended)
		})
	}
}

// TestStaleIsNeverSaved: whoever acts on a stale read is refused, and then sees the truth.
func TestStaleIsNeverSaved(t *testing.T) {
	r := newRig()
	rec := r.record(t, "logged in")
	other := r.server(memstore.New())
	reads(t, other, rec)
	ended := update(t, r.store, rec, "ended")
	reads(t, other, rec)
	want(t, "Update of a stale record", other.Update(t.Context(), rec), session.ErrConflict)
	reads(t, other, ended)
	want(t, "Delete", r.store.Delete(t.Context(), rec.ID), nil)
	reads(t, other, ended)
	want(t, "Update of a deleted record", other.Update(t.Context(), ended), session.ErrNotFound)
	_, err := other.Load(t.Context(), rec.ID)
	want(t, "Load after that", err, session.ErrNotFound)
}

// TestTouchOfAGoneRecord: a touch that finds nothing has learned that the copy is wrong.
func TestTouchOfAGoneRecord(t *testing.T) {
	r := newRig()
	rec := r.record(t, "values")
	want(t, "Delete", r.durable.Inner().Delete(t.Context(), rec.ID), nil)
	reads(t, r.store, rec)
	want(t, "Touch", r.store.Touch(t.Context(), rec.ID, rec.Seen, rec.Expires), session.ErrNotFound)
	_, err := r.store.Load(t.Context(), rec.ID)
	want(t, "Load after that", err, session.ErrNotFound)
}

// TestReadsAfterAConflict: the core loads again after a conflict and looks for its own write, which a lost answer may
// have hidden. A reader's old copy that arrives in between would make it apply the change twice.
func TestReadsAfterAConflict(t *testing.T) {
	r := newRig()
	rec := r.record(t, "before")
	other := r.server(r.fast)
	want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
	r.slowRead(t, other, rec.ID, func() {
		_ = update(t, r.durable.Inner(), rec, "mine, but the answer was lost")
		want(t, "the same again", r.store.Update(t.Context(), rec), session.ErrConflict)
	})
	reads(t, other, rec)
	rec.Version, rec.Data = 2, []byte("mine, but the answer was lost")
	reads(t, r.store, rec)
	reads(t, other, rec)
}

// TestReadsAfterALostAnswer: after a failure nobody knows what is stored, so the copy is no use.
func TestReadsAfterALostAnswer(t *testing.T) {
	r := newRig()
	rec := r.record(t, "before")
	r.durable.After(func(c probe.Call, err error) error {
		if c.Method == "Update" {
			return errors.New("lost")
		}
		return err
	})
	changed := rec
	changed.Data = []byte("after")
	if err := r.store.Update(t.Context(), changed); err == nil {
		t.Fatal("the answer was not lost")
	}
	changed.Version++
	reads(t, r.store, changed)
	reads(t, r.server(r.fast), changed)
}

// TestOwnWritesWithoutTheFastStore: a process sees its own writes also when they could not reach the fast store, and
// remembers them for as long as an old copy may be fresh.
func TestOwnWritesWithoutTheFastStore(t *testing.T) {
	r := newRig()
	rec, busy := r.record(t, "before"), r.record(t, "another session, whose writes make the memory turn")
	other := r.server(r.fast)
	for _, phase := range []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second} {
		r.now = r.now.Add(2 * maxStale)
		busy = update(t, r.store, busy, "")
		r.now = r.now.Add(phase)
		old := rec
		want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
		r.slowRead(t, other, rec.ID, func() {
			r.fast.Before(func(probe.Call) error { return errDown })
			rec = update(t, r.store, rec, "after")
			r.fast.Before(nil)
		})
		for range 4 {
			r.now = r.now.Add(maxStale/4 - time.Millisecond)
			busy = update(t, r.store, busy, "")
		}
		reads(t, other, old)
		reads(t, r.store, rec)
	}
}

// TestReadsDoNotGoBack: what one reader has got from the durable store the next one must not see undone, although the
// copy of a slower reader won.
func TestReadsDoNotGoBack(t *testing.T) {
	r := newRig()
	rec := r.record(t, "before")
	other := r.server(r.fast)
	want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
	old := rec
	rec = update(t, r.durable.Inner(), rec, "after")
	r.durable.After(once("Load", func() { r.fillWith(t, old) }))
	reads(t, r.store, rec)
	reads(t, other, old)
	reads(t, r.store, rec)
}

// fillWith leaves a copy as a reader does that asked the durable store a moment ago.
func (r *rig) fillWith(t *testing.T, old session.Record) {
	t.Helper()
	durable := memstore.New()
	want(t, "Create", durable.Create(t.Context(), old), nil)
	s := tieredstore.New(r.fast.Inner(), durable, tieredstore.Options{MaxStale: maxStale, Now: func() time.Time {
		return r.now
	}})
	reads(t, s, old)
}

// TestClocksThatDiffer: a copy from a server whose clock is ahead must not be used for longer than others.
func TestClocksThatDiffer(t *testing.T) {
	r := newRig()
	rec := r.record(t, "before")
	r.now = r.now.Add(time.Minute)
	reads(t, r.server(r.fast), rec) // its copy is from the future
	r.now = r.now.Add(-time.Minute)
	rec = update(t, r.durable.Inner(), rec, "after")
	reads(t, r.store, rec)
}

// TestEndlessContest: other servers may change the copy each time that this one is about to. Then none is left.
func TestEndlessContest(t *testing.T) {
	r := newRig()
	rec := r.record(t, "before")
	r.fast.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			return session.ErrConflict
		}
		return nil
	})
	rec = update(t, r.store, rec, "after")
	if r.fast.Count("Update") < 2 {
		t.Error("it gave up at once")
	}
	_, err := r.fast.Inner().Load(t.Context(), rec.ID)
	want(t, "Load of the copy", err, session.ErrNotFound)
	reads(t, r.server(r.fast), rec)
}
