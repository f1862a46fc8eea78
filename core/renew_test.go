package session_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P7 and P8: renewal, and what is in flight meanwhile.

func TestLoginChangesTheTokenAndKeepsTheValues(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	var handle string
	v := w.read(t, old, func(s *session.Session) { handle = s.Handle(); s.Login("user:1") }).succeeded()
	fresh := v.issued()
	if fresh == old {
		t.Fatal("the token is the same after the login")
	}
	if n := w.countOf(t, old); n != 0 || w.subjectOf(t, old) != "" {
		t.Error("the old token still opens the session")
	}
	w.read(t, fresh, func(s *session.Session) {
		if count.Get(s) != 1 || s.Subject() != "user:1" || s.Handle() != handle {
			t.Errorf("count %d subject %q: the login lost something, or changed the handle", count.Get(s), s.Subject())
		}
	})
}

func TestRenewWritesTheNewRecordBeforeTheOldTokenDies(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	var methods []string
	w.store.Before(func(c probe.Call) error {
		methods = append(methods, c.Method)
		if c.Method == "Update" {
			w.store.Before(nil)
			if n := w.countOf(t, old); n != 1 {
				t.Error("the old token was dead before the new one was valid")
			}
		}
		return nil
	})
	w.read(t, old, func(s *session.Session) { s.Renew() }).succeeded().issued()
	if len(methods) != 3 || methods[1] != "Create" || methods[2] != "Update" {
		t.Errorf("store calls %v, want Load, Create, Update", methods)
	}
}

func TestRenewKeepsTheAbsoluteDeadlineAndLoginRestartsIt(t *testing.T) {
	for login, want := range map[bool]bool{false: false, true: true} {
		w := newWorld(t, session.Options{AbsoluteTimeout: time.Hour, IdleTimeout: time.Hour})
		cookie := w.start(t)
		w.now = w.now.Add(50 * time.Minute)
		cookie = w.read(t, cookie, func(s *session.Session) {
			if login {
				s.Login("user:1")
			} else {
				s.Renew()
			}
		}).succeeded().issued()
		w.now = w.now.Add(20 * time.Minute)
		if lives := w.countOf(t, cookie) == 1; lives != want {
			t.Errorf("login=%t: alive 70 minutes after creation: %t, want %t", login, lives, want)
		}
	}
}

func TestAFailedRenewalLeavesTheOldTokenValid(t *testing.T) {
	for _, method := range []string{"Create", "Update"} {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		w.store.Before(func(c probe.Call) error {
			if c.Method == method {
				return context.DeadlineExceeded
			}
			return nil
		})
		v := w.read(t, old, func(s *session.Session) { s.Login("user:1") })
		v.failedWith(http.StatusServiceUnavailable)
		v.untouched()
		w.store.Before(nil)
		if n := w.countOf(t, old); n != 1 {
			t.Errorf("%s failed: count = %d under the old token, want 1", method, n)
		}
	}
}

func TestAnAliasOutlivesNobodyForever(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Update(slow.Session, addOne)
	fresh := w.read(t, old, func(s *session.Session) { s.Renew() }).succeeded().issued()
	w.now = w.now.Add(6 * time.Minute)
	slow.finish().failedWith(http.StatusConflict)
	if n := w.countOf(t, fresh); n != 1 {
		t.Errorf("count = %d: an alias past its own deadline still leads into the session", n)
	}
}
