package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P29 with P27: a watch ends with whatever revokes its session, here at once and elsewhere within the interval.
func TestAWatchEndsWithARevocation(t *testing.T) {
	revocations := map[string]func(ctx context.Context, m *session.Manager, handle string) error{
		"of the session": func(ctx context.Context, m *session.Manager, handle string) error {
			return m.Revoke(ctx, "user:1", handle)
		},
		"of the subject": func(ctx context.Context, m *session.Manager, _ string) error {
			_, err := m.RevokeAll(ctx, "user:1")
			return err
		},
		"of the label": func(ctx context.Context, m *session.Manager, _ string) error {
			_, err := m.RevokeLabel(ctx, "device")
			return err
		},
	}
	for name, revoke := range revocations {
		for where, wait := range map[string]time.Duration{"here": 0, "elsewhere": 5 * time.Second} {
			t.Run(name+" "+where, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newRevocable(t, session.Options{})
					m := w.Manager
					if wait > 0 {
						m = w.anotherServer(t, 0, session.Options{})
					}
					cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1", session.Label("device")) }).issued()
					ctx, other, nobodys := w.watch(t, cookie), w.watch(t, w.login(t, "user:2")), w.watch(t, w.start(t))
					time.Sleep(time.Minute)
					stays(ctx, t)
					if err := revoke(t.Context(), m, w.handleOf(t, cookie)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(wait)
					over(ctx, t, "revoked")
					stays(other, t)
					stays(nobodys, t)
				})
			})
		}
	}
}

// While revocations cannot be asked for, the watch stays, and one event says so.
func TestAWatchOutlastsAnOutageOfRevocations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRevocable(t, session.Options{})
		ctx := w.watch(t, w.login(t, "user:1"))
		w.store.Before(fail("LoadAll"))
		time.Sleep(time.Minute)
		stays(ctx, t)
		failures := 0
		for _, e := range w.events {
			if e.Reason == session.ReasonWatchFailed {
				failures++
			}
		}
		if failures != 1 {
			t.Errorf("%d events, want 1", failures)
		}
		if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
			t.Fatal(err)
		}
		stays(ctx, t)
		w.store.Before(nil)
		time.Sleep(5 * time.Second)
		over(ctx, t, "revoked")
	})
}
