package session_test

import (
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// only returns the one event of a reason.
func (w *world) only(t *testing.T, r session.Reason) (found session.Event) {
	t.Helper()
	n := 0
	for _, e := range w.events {
		if e.Reason == r {
			found = e
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d events %s, want one; there are %v", n, r, w.events)
	}
	return found
}

func (w *world) concerns(t *testing.T, r session.Reason, handle, subject string) {
	t.Helper()
	if e := w.only(t, r); e.Handle != handle || e.Subject != subject || handle == "" && subject == "" {
		t.Errorf("the event %s is about session %q of %q, want %q of %q", r, e.Handle, e.Subject, handle, subject)
	}
}

// everyCarrier runs a test with sessions in a store and with sealed ones.
func everyCarrier(t *testing.T, o session.Options, test func(t *testing.T, w *world)) {
	t.Run("stored", func(t *testing.T) { test(t, newWorld(t, o)) })
	t.Run("sealed", func(t *testing.T) { test(t, newSealed(t, session.TemporaryKeys(), o)) })
}

// Whoever watches accounts has to learn of each login and logout whose it was.
func TestLoginAndLogoutAreEvents(t *testing.T) {
	everyCarrier(t, session.Options{}, func(t *testing.T, w *world) {
		cookie := w.start(t)
		if w.saw(session.ReasonLogin) {
			t.Fatal("a visitor who has not logged in is told of as a login")
		}
		cookie = w.loginAt(t, cookie, "user:1")
		handle := w.handleOf(t, cookie)
		w.concerns(t, session.ReasonLogin, handle, "user:1")
		w.read(t, cookie, (*session.Session).Destroy).succeeded()
		w.concerns(t, session.ReasonEnded, handle, "user:1")
		w.events = nil
		other := w.login(t, "user:2")
		w.concerns(t, session.ReasonLogin, w.handleOf(t, other), "user:2")
		w.events = nil
		w.loginAt(t, other, "user:2")
		w.only(t, session.ReasonLogin)
		w.events = nil
		w.read(t, other, func(s *session.Session) {
			s.Login("user:3")
			s.Destroy()
		}).succeeded()
		if w.saw(session.ReasonLogin) {
			t.Error("a login that its own request has undone is told of")
		}
	})
}

// A login that was answered with an error is none.
func TestALoginThatFailsIsNoLogin(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.breaks("Create")
	w.read(t, "", func(s *session.Session) { s.Login("user:1") })
	if w.saw(session.ReasonLogin) {
		t.Error("the store is down, and an event says that somebody has logged in")
	}
	w.concerns(t, session.ReasonCommitFailed, "", "user:1")
}

func TestAnEndByTimeNamesTheSession(t *testing.T) {
	for reason, step := range map[session.Reason]time.Duration{
		session.ReasonExpiredIdle: 40 * time.Minute, session.ReasonExpiredAbsolute: 13 * time.Hour,
	} {
		everyCarrier(t, session.Options{IdleTimeout: 30 * time.Minute}, func(t *testing.T, w *world) {
			cookie := w.login(t, "user:1")
			handle := w.handleOf(t, cookie)
			w.now = w.now.Add(step)
			w.subjectOf(t, cookie)
			w.concerns(t, reason, handle, "user:1")
		})
	}
}

// A refused login may be somebody who shares a password. It is told of although the handler has dealt with it.
func TestARefusedLoginIsAnEvent(t *testing.T) {
	for name, save := range map[string]bool{"commit": false, "save": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, session.Options{MaxPerSubject: 1, AtLimit: session.RefuseLogin})
			w.login(t, "user:1")
			cookie := w.start(t)
			handle := w.handleOf(t, cookie)
			w.read(t, cookie, func(s *session.Session) {
				if s.Login("user:1"); !save {
					return
				}
				if err := s.Save(); !errors.Is(err, session.ErrTooManySessions) {
					t.Errorf("Save: error %v", err)
				}
			})
			w.concerns(t, session.ReasonLimited, handle, "user:1")
			if w.only(t, session.ReasonLogin); w.saw(session.ReasonEvicted) {
				t.Error("an event says that a session was evicted")
			}
		})
	}
}

func TestAnEvictionNamesTheSession(t *testing.T) {
	w := newWorld(t, session.Options{MaxPerSubject: 1})
	first := w.handleOf(t, w.login(t, "user:1"))
	w.now = w.now.Add(time.Minute)
	w.login(t, "user:1")
	w.concerns(t, session.ReasonEvicted, first, "user:1")
}

// Nobody's cookie is looked at, so that all that is known is the request.
func TestACrossSiteRequestNamesItsRoute(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	v := post(t, w.Manager, cookie, "Sec-Fetch-Site", "cross-site")
	v.x.facts.Path = "/transfer"
	count.Get(v.Session)
	v.finish()
	if e := w.only(t, session.ReasonCrossSite); e.Route != "POST /transfer" || e.Handle != "" || e.Subject != "" {
		t.Errorf("the event is %+v, want the route and nobody", e)
	}
}
