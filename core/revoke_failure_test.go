package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestRevokeTellsWhatFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" || c.Method == "Delete" {
			return errors.New("down")
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want none and ErrUnavailable", n, err)
	}
	w.store.Before(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.RevokeAll(ctx, "user:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
	if len(w.list(t, "user:1")) != 1 {
		t.Error("the session ended all the same")
	}
}

// An operator who interrupts the command must not wait for the rest.
func TestRevokeStopsBetweenRecordsWhenItsContextEnds(t *testing.T) {
	w := newWorld(t, session.Options{})
	for range 3 {
		w.login(t, "user:1")
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "Update" {
			cancel()
		}
		return err
	})
	if n, err := w.RevokeAll(ctx, "user:1"); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d ended, %v; want the one that was begun and context.Canceled", n, err)
	}
	w.store.After(nil)
	if n := len(w.list(t, "user:1")); n != 2 {
		t.Errorf("%d sessions are left, want 2", n)
	}
}

// While a deploy rolls, some records are beyond this version. The others must not stay open for that.
func TestRevokeAllEndsWhatItUnderstands(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := []string{w.login(t, "user:1"), w.login(t, "user:1")}
	records := recordsOf(t, w, "user:1")
	newer := records[0]
	newer.Data, newer.Subject = slices.Clone(newer.Data), "user:1"
	newer.Data[1]++
	if err := w.store.Update(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want 1 and ErrUnavailable", n, err)
	}
	alive := 0
	for _, c := range cookies {
		if found, err := w.Inspect(t.Context(), c); err == nil && found.Reason == "" {
			alive++
		}
	}
	if alive != 0 {
		t.Errorf("%d sessions that this version understands are alive", alive)
	}
}

// A store whose index lags for good must not keep the caller.
func TestRevokeEndsThoughTheIndexDoesNotLearn(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	records := recordsOf(t, w, "user:1")
	m, err := session.New(&listing{Store: w.store, records: records},
		session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if n, err := m.RevokeAll(t.Context(), "user:1"); n != want || err != nil {
			t.Errorf("%d ended, %v; want %d", n, err, want)
		}
	}
	if list := w.list(t, "user:1"); len(list) != 0 {
		t.Error("the session is alive")
	}
}

func TestAWalkGivesUpOnAStoreThatIsDown(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
	for range 50 {
		w.login(t, "user:1")
	}
	w.store.Reset()
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			return errDown
		}
		if c.Method == "Delete" || c.Method == "Load" {
			return errDown
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v", n, err)
	}
	if n := w.store.Count("Update"); n > 5 {
		t.Errorf("%d attempts on a store that is down", n)
	}
}
