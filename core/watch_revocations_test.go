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
		if w.failures() != 1 {
			t.Errorf("%d events, want 1", w.failures())
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

// A login as somebody else revokes what it replaces, and a Destroy all that its request presents.
func TestAWatchOfASealedSessionEndsWithWhateverReplacesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newRevocable(t, session.Options{WatchInterval: time.Minute})
		cookie := w.login(t, "user:1")
		ctx := w.watch(t, cookie)
		w.loginAt(t, cookie, "user:2")
		over(ctx, t, "revoked")
	})
	synctest.Test(t, func(t *testing.T) {
		w := newSealed(t, session.TemporaryKeys(), session.Options{})
		first, second := w.start(t), w.start(t)
		ctx, other := w.watch(t, first), w.watch(t, second)
		v := beginCookies(t, w.Manager, first, second)
		v.Destroy()
		v.finish().succeeded()
		over(ctx, t, "ended")
		over(other, t, "ended")
	})
}

// Who plants an anonymous session in another browser, and so shares its handle, has no part in its watches.
func TestAWatchOfASealedSessionIsOfItsSubject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSealed(t, session.TemporaryKeys(), session.Options{})
		planted := w.start(t)
		ctx := w.watch(t, w.loginAt(t, planted, "user:1"))
		w.read(t, w.loginAt(t, planted, "user:2"), (*session.Session).Destroy).succeeded()
		w.read(t, planted, (*session.Session).Destroy).succeeded()
		stays(ctx, t)
	})
}

// Whoever watches after a later login has its deadline, and ends with what it is labelled with.
func TestAWatchOfASealedSessionIsOfItsLatestLogin(t *testing.T) {
	for _, revoked := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newRevocable(t, session.Options{AbsoluteTimeout: time.Hour, IdleTimeout: time.Hour, Now: time.Now})
			cookie := w.login(t, "user:1")
			w.watch(t, cookie)
			time.Sleep(50 * time.Minute)
			ctx := w.watch(t, w.read(t, cookie, func(s *session.Session) {
				s.Login("user:1", session.Label("device"))
			}).issued())
			time.Sleep(30 * time.Minute)
			stays(ctx, t)
			if !revoked {
				time.Sleep(30 * time.Minute)
				time.Sleep(5 * time.Second)
				over(ctx, t, "expired-absolute")
				return
			}
			if _, err := w.RevokeLabel(t.Context(), "device"); err != nil {
				t.Fatal(err)
			}
			over(ctx, t, "revoked")
		})
	}
}
