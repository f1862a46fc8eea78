package tieredstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// isCached checks where what a server shows comes from.
func isCached(t *testing.T, s session.Store, id session.RecordID, expected bool) {
	t.Helper()
	got, err := s.Load(t.Context(), id)
	want(t, "Load", err, nil)
	if got.Cached != expected {
		t.Errorf("Load of version %d says that it is cached: %t, want %t", got.Version, got.Cached, expected)
	}
}

// TestCachedRecordsSaySo: the core takes a change for none when the session has the value already, which is true only
// of what is durable.
func TestCachedRecordsSaySo(t *testing.T) {
	r := newRig()
	other := r.server(memstore.New())
	rec := r.record(t, "values")
	isCached(t, r.store, rec.ID, true)
	isCached(t, other, rec.ID, false)
	isCached(t, other, rec.ID, true)
	rec.Cached = true // as a request that has loaded it here sends it back
	rec = update(t, r.store, rec, "changed")
	isCached(t, r.durable.Inner(), rec.ID, false)
	isCached(t, other, rec.ID, true)
	r.now = r.now.Add(maxStale)
	isCached(t, other, rec.ID, false)
}

// TestConflictLeadsToTheDurableStore: whoever was refused has to learn what is durable. A copy that another server
// has made since may be newer than the refused one, and out of date all the same.
func TestConflictLeadsToTheDurableStore(t *testing.T) {
	for _, operation := range []string{"Update", "Create"} {
		r := newRig()
		rec := r.record(t, "first")
		reads(t, r.store, rec)
		other := r.server(r.fast)
		second := update(t, other, rec, "second")
		third := second
		third.Data, third.Version = []byte("third"), 3
		want(t, "Update", r.durable.Inner().Update(t.Context(), session.Record{
			ID: rec.ID, Version: 2, Data: third.Data, Seen: rec.Seen, Expires: rec.Expires,
		}), nil) // of a server whose copy did not get through
		if operation == "Update" {
			want(t, "Update", r.store.Update(t.Context(), rec), session.ErrConflict)
		} else {
			want(t, "Create", r.store.Create(t.Context(), rec), session.ErrExists)
		}
		r.durable.Before(func(probe.Call) error { return errDown })
		if _, err := r.store.Load(t.Context(), rec.ID); !errors.Is(err, errDown) {
			t.Errorf("%s: with the durable store down a copy is shown after a conflict (%v)", operation, err)
		}
		r.durable.Before(nil)
		reads(t, r.store, third)
		isCached(t, r.store, rec.ID, true) // once is enough
		reads(t, r.store, third)
	}
}

// TestConflictDuringALoad: a load that had asked before the conflict is no answer to it.
func TestConflictDuringALoad(t *testing.T) {
	r := newRig()
	rec := r.record(t, "first")
	want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
	second := rec
	r.slowRead(t, r.store, rec.ID, func() {
		second = update(t, r.server(memstore.New()), rec, "second")
		want(t, "Update", r.store.Update(t.Context(), rec), session.ErrConflict)
	})
	reads(t, r.store, second)
}

// faults are the ways in which the fast store may not hear of a write.
var faults = map[string]func(c probe.Call) error{
	"refuses updates": func(c probe.Call) error { return failIf(c.Method == "Update") },
	"refuses deletes": func(c probe.Call) error { return failIf(c.Method == "Delete") },
	"refuses writes":  func(c probe.Call) error { return failIf(c.Method != "Load") },
	"is down":         func(probe.Call) error { return errDown },
	"is full": func(c probe.Call) error {
		if c.Method == "Update" {
			return session.ErrTooLarge
		}
		return failIf(c.Method == "Delete")
	},
}

func failIf(fails bool) error {
	if fails {
		return errDown
	}
	return nil
}

// ends are the ways to end a session.
var ends = map[string]func(t *testing.T, r *rig, here session.Store, rec session.Record){
	"marker": func(t *testing.T, _ *rig, here session.Store, rec session.Record) { update(t, here, rec, "ended") },
	"delete": func(t *testing.T, _ *rig, here session.Store, rec session.Record) {
		want(t, "Delete", here.Delete(t.Context(), rec.ID), nil)
	},
	"an update that found it gone": func(t *testing.T, r *rig, here session.Store, rec session.Record) {
		want(t, "Delete", r.durable.Inner().Delete(t.Context(), rec.ID), nil)
		want(t, "Update", here.Update(t.Context(), rec), session.ErrNotFound)
	},
}

// isLive reports whether a server shows the session as it was before it was ended.
func isLive(t *testing.T, s session.Store, id session.RecordID) bool {
	t.Helper()
	got, err := s.Load(t.Context(), id)
	if err != nil {
		want(t, "Load", err, session.ErrNotFound)
	}
	return err == nil && string(got.Data) == "live"
}

// TestEndThatTheFastStoreMissed: a copy of what has ended is left behind, or comes from a slow reader. The server
// that ended it does not show it again, and others for no longer than MaxStale.
func TestEndThatTheFastStoreMissed(t *testing.T) {
	for how, end := range ends {
		for fault, fails := range faults {
			for _, slow := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, the fast store %s, slow reader %t", how, fault, slow), func(t *testing.T) {
					r, shared := newRig(), memstore.New()
					breaking := probe.New(shared)
					here, there := r.server(breaking), r.server(shared)
					rec := session.Record{
						ID: session.RecordID{1}, Version: 1, Data: []byte("live"), Seen: r.now, Expires: r.now.Add(time.Hour),
					}
					want(t, "Create", here.Create(t.Context(), rec), nil)
					breaking.Before(fails)
					if slow {
						want(t, "Delete", shared.Delete(t.Context(), rec.ID), nil)
						r.slowRead(t, there, rec.ID, func() { end(t, r, here, rec) })
					} else {
						end(t, r, here, rec)
					}
					breaking.Before(nil)
					for r.now.Before(rec.Seen.Add(3 * maxStale)) {
						if isLive(t, here, rec.ID) {
							t.Fatalf("the server that ended it shows it after %s", r.now.Sub(rec.Seen))
						}
						if past := r.now.Sub(rec.Seen); isLive(t, there, rec.ID) && past >= maxStale {
							t.Fatalf("another server shows it after %s", past)
						}
						r.now = r.now.Add(maxStale / 5)
					}
				})
			}
		}
	}
}

// TestFoundGone: once a server has learned that a session is over, no late copy shows it again.
func TestFoundGone(t *testing.T) {
	r := newRig()
	rec := r.record(t, "live")
	other := r.server(r.fast)
	left, err := r.fast.Inner().Load(t.Context(), rec.ID)
	want(t, "Load", err, nil)
	want(t, "Delete", r.fast.Inner().Delete(t.Context(), rec.ID), nil)
	r.now = r.now.Add(maxStale)
	r.slowRead(t, other, rec.ID, func() { // it finds no copy, and leaves one when it is done
		want(t, "Delete", r.durable.Inner().Delete(t.Context(), rec.ID), nil)
		want(t, "Create", r.fast.Inner().Create(t.Context(), left), nil)
		if isLive(t, r.store, rec.ID) {
			t.Error("an old copy is shown")
		}
	})
	if !isLive(t, other, rec.ID) {
		t.Error("the slow reader has left no copy, so that this test shows nothing")
	}
	if isLive(t, r.store, rec.ID) {
		t.Error("the session is back")
	}
}
