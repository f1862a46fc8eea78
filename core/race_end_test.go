package session_test

import (
	"context"
	"errors"
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

// The absolute deadline is an end like any other, judged at load and again before each write. The idle one is not: a
// request that began in time is use.

func TestARequestThatOutlastsTheIdleTimeoutIsUse(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "update": func(s *session.Session) { count.Update(s, addOne) },
		"touch": (*session.Session).Touch, "renew": (*session.Session).Renew, "login": func(s *session.Session) { s.Login("user:1") },
	} {
		for kind, w := range map[string]*world{
			"stored": newWorld(t, session.Options{}), "sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
		} {
			cookie := w.start(t)
			w.now = w.now.Add(time.Minute)
			v := begin(t, w.Manager, cookie)
			f(v.Session)
			w.now = w.now.Add(45 * time.Minute)
			v.finish().succeeded()
			if value, _ := v.cookie(); value != "" {
				cookie = value
			}
			if n := w.countOf(t, cookie); n == 0 {
				t.Errorf("%s, %s: the session ended under a request that had begun in time", kind, what)
			}
		}
	}
}

func TestASessionThatReachesItsDeadlineDuringTheRequestIsNotRevived(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"set": func(s *session.Session) { count.Set(s, 9) }, "renew": (*session.Session).Renew,
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		f(v.Session)
		w.now = w.now.Add(12 * time.Hour)
		v.finish().failedWith(http.StatusConflict)
		v.untouched()
		if n := w.countOf(t, cookie); n != 0 {
			t.Errorf("%s: count = %d: an expired session came back", what, n)
		}
	}
}

func TestALoginWhoseSessionReachedItsDeadlineStartsAnew(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	v.Login("user:1")
	w.now = w.now.Add(12 * time.Hour)
	fresh := v.finish().succeeded().issued()
	if w.subjectOf(t, fresh) != "user:1" || w.countOf(t, fresh) != 0 {
		t.Error("the login took over an expired session's values, or did not log in")
	}
}

func TestAManagerIsQuietAboutAHangUp(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	ctx, hangUp := context.WithCancel(t.Context())
	v := beginWith(ctx, t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	hangUp()
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2: a client that hangs up does not undo what the handler did", n)
	}
}

func TestPastTheRequestsDeadlineNothingIsCommittedThatNeedsAHeader(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	var creates atomic.Int32
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Create" {
			creates.Add(1)
		}
		return nil
	})
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	v.request.Discard()
	<-ctx.Done()
	late := beginWith(ctx, t, w.Manager, "")
	late.Login("user:1")
	late.finish().failedWith(http.StatusServiceUnavailable)
	if creates.Load() != 0 {
		t.Error("a login was committed whose cookie could not be delivered any more")
	}
}
