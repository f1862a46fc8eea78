package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// sweeping is a store whose sweeps a test counts and fails.
type sweeping struct {
	*memstore.Store
	calls   int
	limit   int
	fail    bool
	removed []int // by each call that did not fail
}

func (s *sweeping) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	s.calls++
	s.limit = max(s.limit, limit)
	if s.fail {
		return 0, errors.New("down")
	}
	n, err := s.Store.Sweep(ctx, before, limit)
	s.removed = append(s.removed, n)
	return n, err
}

func TestTheSweeperRemovesWhatHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &sweeping{Store: memstore.New()}
		m, err := session.New(store, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		m.StartSweeper(ctx)
		for range 2500 {
			v := begin(t, m, "")
			count.Set(v.Session, 1)
			v.finish().succeeded()
		}
		time.Sleep(29 * time.Minute)
		if n, err := store.Store.Sweep(t.Context(), time.Now().Add(time.Hour), 1); n != 1 || err != nil {
			t.Fatalf("removed %d (%v): sessions that live were swept", n, err)
		}
		time.Sleep(12 * time.Minute)
		if n, err := store.Store.Sweep(t.Context(), time.Now().Add(time.Hour), 10_000); n != 0 || err != nil {
			t.Errorf("%d expired sessions are left (%v)", n, err)
		}
		if store.limit == 0 || store.limit > 1000 {
			t.Errorf("batches of %d, want at most 1000", store.limit)
		}
		stop()
		synctest.Wait()
		before := store.calls
		time.Sleep(time.Hour)
		if store.calls != before {
			t.Error("the sweeper outlived its context")
		}
	})
}

func TestTheSweeperBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &sweeping{Store: memstore.New(), fail: true}
		failures := 0
		m, err := session.New(store, session.Options{OnEvent: func(_ context.Context, e session.Event) {
			if e.Reason == session.ReasonSweepFailed {
				failures++
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		m.StartSweeper(t.Context())
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if store.calls < 20 || store.calls > 45 || failures != store.calls {
			t.Errorf("%d sweeps of a failing store in a day, %d reported; want about one an hour, all reported",
				store.calls, failures)
		}
	})
}

func TestWithoutASweeperThereIsNothingToStart(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{})
	w.StartSweeper(t.Context())
}

func TestSweepOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	store := &sweeping{Store: memstore.New()}
	m, err := session.New(store, w.observed(session.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2500 {
		v := begin(t, m, "")
		count.Set(v.Session, 1)
		v.finish().succeeded()
	}
	w.now = w.now.Add(idleEnd + 5*time.Minute - time.Second) // a request that began in time may be at work
	if n, err := m.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("removed %d (%v): sessions that live were swept", n, err)
	}
	w.now = w.now.Add(time.Second)
	store.removed = nil
	n, err := m.Sweep(t.Context())
	if n != 2500 || err != nil || !slices.Equal(store.removed, []int{1000, 1000, 500}) {
		t.Errorf("removed %d (%v), as %v; want 2500 in batches of 1000", n, err, store.removed)
	}
	store.fail = true
	if _, err := m.Sweep(t.Context()); err == nil {
		t.Error("a store that is down was swept")
	}
}

// stubborn removes a batch and reports that one record could not be removed.
type stubborn struct{ *memstore.Store }

func (s stubborn) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	n, err := s.Store.Sweep(ctx, before, limit)
	return n, errors.Join(err, errors.New("one record is not mine"))
}

func TestOneRecordThatCannotBeSweptDoesNotStopTheOthers(t *testing.T) {
	w := newWorld(t, session.Options{})
	m, err := session.New(stubborn{memstore.New()}, w.observed(session.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2500 {
		v := begin(t, m, "")
		count.Set(v.Session, 1)
		v.finish().succeeded()
	}
	w.now = w.now.Add(time.Hour)
	if n, err := m.Sweep(t.Context()); n != 2500 || err == nil {
		t.Errorf("removed %d, %v; want 2500 and an error", n, err)
	}
}

func TestSweepSaysWhenThereIsNothingToDo(t *testing.T) {
	w := newWorld(t, session.Options{}) // the probe cannot sweep
	if _, err := w.Sweep(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v, want ErrUnsupported", err)
	}
}
