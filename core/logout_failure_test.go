package session_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestAFailedDestroyIsNotAnsweredAsSuccess(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(func(c probe.Call) error {
		if c.Method != "Load" {
			return errors.New("down")
		}
		return nil
	})
	v := w.read(t, cookie, func(s *session.Session) { s.Destroy() })
	v.failedWith(http.StatusServiceUnavailable)
	v.untouched()
}

// A store that is full takes no marker, and logging out has to work all the same.
func TestAFullStoreLetsVisitorsOut(t *testing.T) {
	full := func(c probe.Call) error {
		if c.Method == "Update" || c.Method == "Create" {
			return errors.New("out of memory")
		}
		return nil
	}
	w := newWorld(t, session.Options{})
	cookie, other := w.login(t, "user:1"), w.login(t, "user:1")
	slow, again := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	count.Set(slow.Session, 9)
	again.Login("user:1")
	w.store.Before(full)
	out := w.read(t, cookie, (*session.Session).Destroy).succeeded()
	if _, deleted := out.cookie(); !deleted {
		t.Error("the cookie was not deleted")
	}
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Errorf("RevokeAll: %d, %v; want the other session ended", n, err)
	}
	w.store.Before(nil)
	slow.finish().failedWith(http.StatusConflict)
	again.finish().succeeded()
	for _, c := range []string{cookie, other} {
		if w.subjectOf(t, c) != "" {
			t.Error("the session lives on, or came back")
		}
	}
}

// A failed marker says nothing of what became of the record: a login may have got there first.
func TestAFullStoreDoesNotLetALogoutMissARacingLogin(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie, fresh := w.start(t), ""
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			w.store.Before(nil)
			fresh = w.read(t, cookie, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
			return errors.New("out of memory")
		}
		return nil
	})
	w.read(t, cookie, (*session.Session).Destroy).succeeded()
	if subject := w.subjectOf(t, fresh); subject != "" {
		t.Errorf("still logged in as %q", subject)
	}
}

func TestADestroyThatFailedHasDestroyedNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	w.store.Before(func(probe.Call) error { return errDown })
	v.Destroy()
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) || count.Get(v.Session) != 1 {
		t.Fatalf("Save = %v and count %d, want ErrUnavailable and the session as it was", err, count.Get(v.Session))
	}
	w.store.Before(nil)
	v.Destroy()
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	v.finish().succeeded()
	if _, deleted := v.cookie(); !deleted || w.countOf(t, cookie) != 0 {
		t.Error("the second Destroy reported success and the session lives on")
	}
}

func TestASealedDestroyThatFailedHasDestroyedNothing(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{})
	v := begin(t, w.Manager, w.start(t))
	v.Destroy()
	name.Set(v.Session, string(make([]byte, 5000)))
	if err := v.Save(); !errors.Is(err, session.ErrTooLarge) {
		t.Fatalf("Save = %v, want ErrTooLarge", err)
	}
	v.Destroy()
	if v.finish().succeeded(); v.x.response.Get("Set-Cookie") == "" {
		t.Error("the cookie was not deleted")
	}
}

func TestADestroyOfSeveralThatFailedCanBeTriedAgain(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := []string{w.login(t, "user:1"), w.login(t, "user:2")}
	v := beginCookies(t, w.Manager, append([]string{}, cookies...)...)
	v.Exists()
	w.store.Before(func(probe.Call) error { return errDown })
	v.Destroy()
	if err := v.Save(); err == nil {
		t.Fatal("the store is down and Destroy succeeded")
	}
	w.store.Before(nil)
	v.Destroy()
	v.finish().succeeded()
	for _, c := range cookies {
		if w.subjectOf(t, c) != "" {
			t.Error("the second Destroy forgot what the first one could not end")
		}
	}
}

// P18: a Destroy that is tried again after it failed halfway ends the rest too.
func TestP18ASecondDestroyEndsWhatTheFirstCouldNot(t *testing.T) {
	w := newWorld(t, session.Options{})
	a := w.loginAt(t, "", "user:1")
	w.now = w.now.Add(time.Second)
	b := w.loginAt(t, "", "user:1")
	v := beginCookies(t, w.Manager, a, b)
	v.Destroy()
	updates := 0
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			updates++
		}
		if updates > 1 {
			return errDown
		}
		return nil
	})
	if v.Save() == nil {
		t.Fatal("Save succeeded")
	}
	w.store.Before(nil)
	v.Destroy()
	err := v.Save()
	v.finish()
	if left := w.list(t, "user:1"); err == nil && len(left) > 0 {
		t.Errorf("Destroy and Save returned nil, and %d of the visitor's sessions live on", len(left))
	}
}

// P8: a login that fails after it has ended a further session leaves the cookie of the session that lives on.
func TestP8AFailedLoginDoesNotDeleteTheCookieOfALiveSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	a := w.loginAt(t, "", "user:1")
	w.now = w.now.Add(time.Second)
	b := w.loginAt(t, "", "user:1")
	v := beginCookies(t, w.Manager, a, b)
	v.Login("user:1")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Create" {
			return errDown
		}
		return nil
	})
	v.finish().failedWith(503)
	w.store.Before(nil)
	if got := w.subjectOf(t, b); got != "user:1" {
		t.Fatalf("the chosen session is %q's", got)
	}
	v.untouched()
}
