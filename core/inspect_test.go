package session_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestInspect(t *testing.T) {
	for name, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}),
		"sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		cookie := w.read(t, w.start(t), func(s *session.Session) {
			s.Login("user:1")
			items.Set(s,
				[]string{"tea"})
		}).succeeded().issued()
		got, err := w.Inspect(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		if got.Reason != "" || got.Subject != "user:1" || got.Handle != w.handleOf(t, cookie) || got.Size == 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if string(got.Values["count"]) != "1" || string(got.Values["items"]) != `["tea"]` || len(got.Values) != 2 {
			t.Errorf("%s: values %q", name, got.Values)
		}
		w.now = w.now.Add(idleEnd)
		if got, err = w.Inspect(t.Context(), cookie); err != nil || got.Reason != session.ReasonExpiredIdle ||
			got.Subject != "user:1" {
			t.Errorf("%s: after the idle timeout: %+v %v", name, got, err)
		}
		if got, err = w.Inspect(t.Context(), cookie[:20]); err != nil ||
			!slices.Contains([]session.Reason{session.ReasonMalformed, session.ReasonUnopenable}, got.Reason) {
			t.Errorf("%s: half a cookie: %+v %v", name, got, err)
		}
	}
}

func TestInspectLeavesTheSessionAlone(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	w.now = w.now.Add(20 * time.Minute)
	if _, err := w.Inspect(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls, want 1: looking must not extend a session", n)
	}
	w.store.Before(func(probe.Call) error { return errors.New("down") })
	if _, err := w.Inspect(t.Context(), cookie); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestInspectShowsCopies(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	found, err := w.Inspect(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	found.Values["count"][0] = '9'
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d: whoever looks can change the session", n)
	}
}

// silent answers when its context ends.
type silent struct{ session.Store }

func (silent) Load(ctx context.Context, _ session.RecordID) (session.Record, error) {
	<-ctx.Done()
	return session.Record{}, ctx.Err()
}

func TestInspectEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{})
		m, err := session.New(silent{w.store}, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		if _, err := m.Inspect(ctx, w.start(t)); !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v, want context.Canceled after 1s", err, time.Since(begun))
		}
	})
}

func TestInspectTellsWhyACookieOpensNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	renewed, ended := w.start(t), w.start(t)
	w.read(t, renewed, func(s *session.Session) { s.Renew() }).succeeded()
	w.read(t, ended, func(s *session.Session) { s.Destroy() }).succeeded()
	for cookie, want := range map[string]session.Reason{renewed: session.ReasonSuperseded,
		ended: session.ReasonAlreadyEnded} {
		if got, err := w.Inspect(t.Context(), cookie); err != nil || got.Reason != want || got.Values != nil ||
			got.Handle != "" {
			t.Errorf("%+v %v, want %s and nothing else", got, err, want)
		}
	}
}
