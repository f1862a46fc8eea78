package movingstore_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/movingstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// naming is a store in memory whose Load and Walk say whose a record is, as a database does: the suite's data does not.
type naming struct {
	*memstore.Store
	names sync.Map // by id: subject and handle
}

func newNaming() *naming { return &naming{Store: memstore.New()} }

func (n *naming) Create(ctx context.Context, r session.Record) error {
	err := n.Store.Create(ctx, r)
	if err == nil {
		n.names.Store(r.ID, [2]string{r.Subject, r.Handle})
	}
	return err
}

func (n *naming) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := n.Store.Load(ctx, id)
	if names, ok := n.names.Load(id); ok && err == nil {
		r.Subject, r.Handle = names.([2]string)[0], names.([2]string)[1]
	}
	return r, err
}

// arrivals begins all records in the old store.
type arrivals struct {
	*movingstore.Store
	old session.Store
}

func (a arrivals) Create(ctx context.Context, r session.Record) error {
	if _, err := a.Load(ctx, r.ID); err == nil {
		return session.ErrExists
	}
	return a.old.Create(ctx, r)
}

// Walk is not there: what moves during a walk may be on two pages, which TestWalk is about.
func (arrivals) Walk(context.Context, string, int) ([]session.Record, string, error) {
	return nil, "", errors.ErrUnsupported
}

// TestStore: whether sessions move or are left where they are, the contract is the same.
func TestStore(t *testing.T) {
	for name, newStore := range map[string]func() session.Store{
		"hold": func() session.Store {
			return movingstore.New(memstore.New(), memstore.New(), movingstore.Options{Hold: true})
		},
		"arrivals": func() session.Store {
			old := newNaming()
			return arrivals{movingstore.New(old, memstore.New(), movingstore.Options{}), old}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(*testing.T) session.Store { return newStore() })
		})
	}
}

func TestAWeekOfAVisitor(t *testing.T) {
	storetest.Week(t, func(*testing.T) session.Store {
		old := memstore.New()
		return arrivals{movingstore.New(old, memstore.New(), movingstore.Options{}), old}
	})
}

var errKilled = errors.New("killed")

func record(id byte) session.Record {
	now := time.Now().Truncate(time.Millisecond)
	return session.Record{
		ID: session.RecordID{id}, Version: 7, Data: []byte("values"), Seen: now, Expires: now.Add(time.Hour),
	}
}

// rig is a pair over two stores that a test looks into.
type rig struct {
	old, new *probe.Store
	pair     *movingstore.Store
}

func newRig() *rig {
	r := &rig{old: probe.New(memstore.New()), new: probe.New(memstore.New())}
	r.pair = movingstore.New(r.old, r.new, movingstore.Options{})
	return r
}

// killAfter lets the process end with its nth call of either store, before or after that is carried out.
func (r *rig) killAfter(n int, carriedOut bool) {
	calls := 0
	before := func(probe.Call) error {
		if calls++; calls > n || calls == n && !carriedOut {
			return errKilled
		}
		return nil
	}
	after := func(_ probe.Call, err error) error {
		if calls >= n {
			return errKilled
		}
		return err
	}
	r.old.Before(before)
	r.new.Before(before)
	r.old.After(after)
	r.new.After(after)
}

func (r *rig) restart() {
	for _, s := range []*probe.Store{r.old, r.new} {
		s.Before(nil)
		s.After(nil)
	}
}

// everyInterruption calls try with a rig whose process ends at each of the calls that work makes.
func everyInterruption(t *testing.T, work func(r *rig) error, try func(t *testing.T, r *rig)) {
	for n, over := 1, false; !over; n++ {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, carried out %v", n, carriedOut), func(t *testing.T) {
				r := newRig()
				if err := r.old.Create(t.Context(), record(1)); err != nil {
					t.Fatal(err)
				}
				r.killAfter(n, carriedOut)
				over = work(r) == nil
				r.restart()
				try(t, r)
			})
		}
	}
}

func move(r *rig) error {
	loaded, err := r.old.Load(context.Background(), record(1).ID)
	if err != nil {
		return err
	}
	loaded.ID = record(1).ID
	_, err = r.pair.Move(context.Background(), loaded)
	return err
}

// TestInterruptedMove: whatever point a move is killed at, the session is there, once, and goes on where it was.
func TestInterruptedMove(t *testing.T) {
	everyInterruption(t, move, func(t *testing.T, r *rig) {
		got, err := r.pair.Load(t.Context(), record(1).ID)
		if err != nil || got.Version != 7 || string(got.Data) != "values" {
			t.Fatalf("%v, %v", got, err)
		}
		got.ID, got.Data = record(1).ID, []byte("changed")
		if err := r.pair.Update(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		got, err = r.new.Inner().Load(t.Context(), record(1).ID)
		if err != nil || got.Version != 8 || string(got.Data) != "changed" {
			t.Errorf("in the new store: %v, %v", got, err)
		}
		if err := move(r); err != nil && !errors.Is(err, session.ErrNotFound) { // the next run of a copy
			t.Fatal(err)
		}
		if left, err := r.old.Inner().Load(t.Context(), record(1).ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("in the old store: %v, %v", left, err)
		}
	})
}

// TestDeleteAfterAnInterruptedMove: what has been deleted stays so, whoever goes on with a move of it.
func TestDeleteAfterAnInterruptedMove(t *testing.T) {
	everyInterruption(t, move, func(t *testing.T, r *rig) {
		before, beforeErr := r.old.Load(t.Context(), record(1).ID)
		before.ID = record(1).ID
		if err := r.pair.Delete(t.Context(), record(1).ID); err != nil {
			t.Fatal(err)
		}
		if beforeErr == nil {
			if moved, err := r.pair.Move(t.Context(), before); moved && before.Version == 7 || err != nil {
				t.Errorf("moved %v, %v", moved, err)
			}
		}
		if got, err := r.pair.Load(t.Context(), record(1).ID); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// TestMoverWhoIsLate: another process may stop between any two calls of a move, for days. What it does when it goes on
// brings nothing back and undoes nothing.
func TestMoverWhoIsLate(t *testing.T) {
	for name, meanwhile := range map[string]func(ctx context.Context, r *rig) error{
		"deleted": func(ctx context.Context, r *rig) error { return r.pair.Delete(ctx, record(1).ID) },
		"moved and deleted": func(ctx context.Context, r *rig) error {
			return errors.Join(r.pair.Touch(ctx, record(1).ID, time.Now(), time.Now().Add(time.Hour)),
				r.pair.Delete(ctx, record(1).ID))
		},
		"updated": func(ctx context.Context, r *rig) error {
			changed := record(1)
			changed.Data = []byte("changed")
			return r.pair.Update(ctx, changed)
		},
	} {
		for stop := 1; stop <= 4; stop++ {
			t.Run(fmt.Sprintf("%s, before call %d", name, stop), func(t *testing.T) {
				r, calls := newRig(), 0
				if err := r.old.Create(t.Context(), record(1)); err != nil {
					t.Fatal(err)
				}
				pause := func(probe.Call) error {
					if calls++; calls != stop {
						return nil
					}
					r.restart()
					return meanwhile(t.Context(), r)
				}
				r.old.Before(pause)
				r.new.Before(pause)
				late := movingstore.New(r.old, r.new, movingstore.Options{})
				if _, err := late.Move(t.Context(), record(1)); err != nil {
					t.Fatal(err)
				}
				got, err := r.pair.Load(t.Context(), record(1).ID)
				if name == "updated" && (err != nil || got.Version != 8 || string(got.Data) != "changed") ||
					name != "updated" && !errors.Is(err, session.ErrNotFound) {
					t.Errorf("%v %q, %v", got, got.Data, err)
				}
			})
		}
	}
}

// TestAnOldCopyIsOverwritten: a copy that was left by an interrupted move, and that the old store has been written
// after, must neither count nor be in the way.
func TestAnOldCopyIsOverwritten(t *testing.T) {
	r := newRig()
	if err := r.old.Create(t.Context(), record(1)); err != nil {
		t.Fatal(err)
	}
	r.killAfter(2, true) // of the load and of the copy
	_ = move(r)
	r.restart()
	changed := record(1)
	for ; changed.Version < 10; changed.Version++ {
		changed.Data, changed.Expires = fmt.Append(nil, changed.Version), changed.Expires.Add(time.Minute)
		if err := r.old.Update(t.Context(), changed); err != nil {
			t.Fatal(err)
		}
	}
	if err := move(r); err != nil {
		t.Fatal(err)
	}
	got, err := r.new.Load(t.Context(), changed.ID)
	if err != nil || got.Version != 10 || string(got.Data) != "9" || !got.Expires.Equal(changed.Expires) {
		t.Errorf("%v %q, expires %v, want %v; %v", got, got.Data, got.Expires, changed.Expires, err)
	}
}

// TestAnOldCopyIsProlonged: the session may have been extended since, and the sweeper must not take the copy.
func TestAnOldCopyIsProlonged(t *testing.T) {
	r, later := newRig(), time.Now().Add(48*time.Hour).Truncate(time.Millisecond)
	if err := r.old.Create(t.Context(), record(1)); err != nil {
		t.Fatal(err)
	}
	r.killAfter(2, true)
	_ = move(r)
	r.restart()
	if err := r.old.Touch(t.Context(), record(1).ID, time.Now(), later); err != nil {
		t.Fatal(err)
	}
	if err := move(r); err != nil {
		t.Fatal(err)
	}
	got, err := r.new.Load(t.Context(), record(1).ID)
	if err != nil || got.Version != 7 || !got.Expires.Equal(later) {
		t.Errorf("%v, expires %v, want %v; %v", got, got.Expires, later, err)
	}
}

// TestWalk: sessions stand at each point of a move, and all have moved before the walk is over.
func TestWalk(t *testing.T) {
	r := newRig()
	for id := range byte(60) {
		if err := r.old.Create(t.Context(), record(id)); err != nil {
			t.Fatal(err)
		}
		if n := int(id % 6); n > 0 {
			r.killAfter(n, true)
			_, _ = r.pair.Move(t.Context(), record(id))
			r.restart()
		}
	}
	pair := movingstore.New(r.old.Inner(), r.new.Inner(), movingstore.Options{}) // a probe cannot walk
	seen, moved := map[session.RecordID]int{}, false
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := pair.Walk(t.Context(), cursor, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range page {
			if seen[found.ID]++; string(found.Data) != "values" || found.Version != 7 {
				t.Errorf("%v %q", found, found.Data)
			}
		}
		for id := range byte(60) {
			if moved = len(seen) > 5; moved { // in the middle of the old store
				_ = pair.Touch(t.Context(), record(id).ID, time.Now(), time.Now().Add(time.Hour))
			}
		}
		cursor = next
	}
	if len(seen) != 60 || !moved {
		t.Errorf("%d of 60 sessions were on a page; moved: %v", len(seen), moved)
	}
}
