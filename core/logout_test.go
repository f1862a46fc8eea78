package session_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P6: logout wins.

func TestAWriteInFlightDuringALogoutDoesNotReviveTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	out := w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
	if _, deleted := out.cookie(); !deleted {
		t.Error("the logout did not delete the cookie")
	}
	slow.finish().failedWith(http.StatusConflict)
	slow.untouched()
	if n := w.countOf(t, cookie); n != 0 {
		t.Errorf("count = %d: the session came back", n)
	}
}

func TestATouchInFlightDuringALogoutDoesNotReviveTheSession(t *testing.T) {
	for _, f := range []func(*session.Session){(*session.Session).Touch, func(*session.Session) {}} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		w.now = w.now.Add(10 * time.Minute)
		slow := begin(t, w.Manager, cookie)
		count.Get(slow.Session)
		f(slow.Session)
		w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
		slow.finish().succeeded()
		slow.untouched()
		w.now = w.now.Add(6 * time.Minute) // past the marker's own deadline, whatever the touch did to its record
		if n := w.countOf(t, cookie); n != 0 {
			t.Errorf("count = %d: a touch revived the session", n)
		}
	}
}

func TestAReadOrASecondLogoutInFlightDuringALogoutIsSilent(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	reader, second := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	count.Get(reader.Session)
	second.Destroy()
	w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
	reader.finish().succeeded()
	reader.untouched()
	second.finish().succeeded()
	second.untouched()
}

func TestALoginAfterALogoutStartsAnew(t *testing.T) {
	for _, gone := range []bool{false, true} { // the marker is still there, or the record has been swept
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		login := begin(t, w.Manager, cookie)
		name.Update(login.Session, func(s string) string { return s + "new" })
		login.Login("user:1")
		var id session.RecordID
		w.store.Before(func(c probe.Call) error { id = c.ID; return nil })
		w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
		w.store.Before(nil)
		if gone {
			_ = w.store.Delete(t.Context(), id)
		}
		fresh := login.finish().succeeded().issued()
		w.read(t, fresh, func(s *session.Session) {
			if s.Subject() != "user:1" || name.Get(s) != "new" {
				t.Errorf("subject %q name %q, want user:1 and new", s.Subject(), name.Get(s))
			}
			if n := count.Get(s); n != 0 {
				t.Errorf("count = %d: something of the ended session came back", n)
			}
		})
	}
}

// A login as somebody else is another visitor's: TestALogoutInFlightDoesNotReachAnotherVisitorsLogin.
func TestALogoutThatRacesALoginEndsWhatTheLoginMade(t *testing.T) {
	for _, before := range []string{"", "user:1"} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		if before != "" {
			cookie = w.read(t, cookie, func(s *session.Session) { s.Login(before) }).succeeded().issued()
		}
		logout := begin(t, w.Manager, cookie)
		logout.Destroy()
		fresh := w.read(t, cookie, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
		logout.finish().succeeded()
		if subject := w.subjectOf(t, fresh); subject != "" {
			t.Errorf("before %q: still logged in as %q: the logout ended only the old record", before, subject)
		}
		if _, deleted := logout.cookie(); !deleted {
			t.Error("the request that ended the session must delete its cookie")
		}
	}
}

func TestADestroyWhoseAnswerGotLostStillDeletesTheCookie(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	resend(w.store, "Update")
	v := w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
	if _, deleted := v.cookie(); !deleted {
		t.Error("the cookie was not deleted")
	}
}

func TestADestroyThatRacesAWriteEndsTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	logout := begin(t, w.Manager, cookie)
	logout.Destroy()
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	logout.finish().succeeded()
	if n := w.countOf(t, cookie); n != 0 {
		t.Errorf("count = %d: a write got the session past its logout", n)
	}
}

func TestWritesAfterDestroyStartANewSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	w.store.Reset()
	v.Destroy()
	if count.Get(v.Session) != 0 || v.Exists() {
		t.Error("after Destroy the old values can still be read")
	}
	name.Set(v.Session, "fresh")
	fresh := v.finish().succeeded().issued()
	if n := w.store.Count(""); n != 2 {
		t.Errorf("%d store calls, want 2: end the old record, create the new", n)
	}
	if fresh == cookie || w.countOf(t, fresh) != 0 || w.countOf(t, cookie) != 0 {
		t.Error("the new session has to do with the old one")
	}
}

// P7: whoever planted a token that is somebody's own must not end what another visitor's login has made of it.
func TestALogoutInFlightDoesNotReachAnotherVisitorsLogin(t *testing.T) {
	w := newWorld(t, session.Options{})
	planted := w.login(t, "user:attacker")
	attack := begin(t, w.Manager, planted)
	attack.Destroy()
	fresh := w.read(t, planted, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	attack.finish().succeeded()
	attack.untouched()
	if subject := w.subjectOf(t, fresh); subject != "user:1" {
		t.Errorf("subject %q: a stranger logged the visitor out", subject)
	}
}

func TestALogoutBetweenTheTwoWritesOfALoginWins(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	var once atomic.Bool
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "Create" && !once.Swap(true) {
			w.read(t, old, func(s *session.Session) { s.Destroy() }).succeeded()
		}
		return err
	})
	fresh := w.read(t, old, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	if n := w.countOf(t, fresh); n != 0 {
		t.Errorf("count = %d: the login carried an ended session's values on", n)
	}
	if w.subjectOf(t, fresh) != "user:1" {
		t.Error("the login did not log in")
	}
}
