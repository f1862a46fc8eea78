package session_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
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

// Whoever planted the token before the login must not write into what the login has made of it.
func TestAWriteInFlightDuringALoginIsRefused(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"update": func(s *session.Session) { count.Update(s, addOne) }, "set": func(s *session.Session) { count.Set(s, 9) },
		"clear": (*session.Session).Clear, "delete": count.Delete, "renew": (*session.Session).Renew,
		"renew and set": func(s *session.Session) { s.Renew(); count.Set(s, 9) },
	} {
		for _, before := range []string{"", "user:1"} {
			w := newWorld(t, session.Options{})
			old := w.start(t)
			if before != "" {
				old = w.read(t, old, func(s *session.Session) { s.Login(before) }).succeeded().issued()
			}
			slow := begin(t, w.Manager, old)
			f(slow.Session)
			fresh := w.read(t, old, func(s *session.Session) { name.Set(s, "secret"); s.Login("user:1") }).succeeded().issued()
			slow.finish().failedWith(http.StatusConflict)
			slow.untouched()
			if n := w.countOf(t, fresh); n != 1 || w.subjectOf(t, fresh) != "user:1" {
				t.Errorf("%s, before %q: count = %d: a token from before the login wrote into the session", what, before, n)
			}
		}
	}
}

func TestAReadInFlightDuringALoginIsSilent(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Get(slow.Session)
	w.now = w.now.Add(10 * time.Minute)
	w.read(t, old, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	slow.finish().succeeded()
	slow.untouched()
}

func TestAWriteInFlightDuringARenewalGoesIntoTheRenewedSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Update(slow.Session, addOne)
	fresh := w.read(t, old, func(s *session.Session) { name.Set(s, "secret"); s.Renew() }).succeeded().issued()
	slow.finish().succeeded()
	slow.untouched()
	if n := w.countOf(t, fresh); n != 2 {
		t.Errorf("count = %d, want 2: the change in flight was lost", n)
	}
	if !w.saw(session.ReasonFollowed) {
		t.Error("following a renewal was not reported")
	}
}

func TestWhoFollowsARenewalLearnsNothingOfIt(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Update(slow.Session, addOne)
	fresh := w.read(t, old, func(s *session.Session) { name.Set(s, "for the new token only"); s.Renew() }).succeeded().issued()
	for range 2 {
		if err := slow.Save(); err != nil {
			t.Fatal(err)
		}
		if name.Get(slow.Session) != "" {
			t.Fatalf("the holder of the old token read %q", name.Get(slow.Session))
		}
		if n := count.Get(slow.Session); n < 2 {
			t.Errorf("count = %d in its own view, want its own result", n)
		}
		count.Update(slow.Session, addOne)
	}
	slow.finish().succeeded()
	slow.untouched()
	if n := w.countOf(t, fresh); n != 4 {
		t.Errorf("count = %d, want 4: each of three saves counts once", n)
	}
}

func TestAWriteThatLandsDuringALoginIsCarriedOver(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	login := begin(t, w.Manager, old)
	count.Update(login.Session, addOne)
	login.Login("user:1")
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "Create" { // the new record is written, the old one is not an alias yet
			w.store.After(nil)
			w.read(t, old, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		}
		return err
	})
	fresh := login.finish().succeeded().issued()
	if n := w.countOf(t, fresh); n != 3 {
		t.Errorf("count = %d, want 3: the login lost a change that was answered as saved", n)
	}
}

func TestTwoLoginsAtOnceMakeTwoSessions(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	a, b := begin(t, w.Manager, old), begin(t, w.Manager, old)
	name.Set(a.Session, "of a")
	a.Login("user:a")
	count.Update(b.Session, addOne)
	b.Login("user:b")
	cookieA := a.finish().succeeded().issued()
	cookieB := b.finish().succeeded().issued()
	w.read(t, cookieB, func(s *session.Session) {
		if s.Subject() != "user:b" || name.Get(s) != "" || count.Get(s) != 1 { // its own operation, on nothing
			t.Errorf("subject %q name %q count %d: the second login is not a session of its own", s.Subject(), name.Get(s), count.Get(s))
		}
	})
	if w.subjectOf(t, cookieA) != "user:a" || w.countOf(t, cookieA) != 1 {
		t.Error("the second login reached into the first one's session")
	}
	if handleOf(t, w, cookieA) == handleOf(t, w, cookieB) {
		t.Error("two sessions share a handle")
	}
}

func handleOf(t *testing.T, w *world, cookie string) (h string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { h = s.Handle() })
	return h
}

// P7: a renewal that lost the race to another one is dropped, so that a logout ends everything there is.
func TestTwoRenewsAtOnceLeaveOneSession(t *testing.T) {
	for _, subject := range []string{"", "user:1"} {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		if subject != "" {
			w.read(t, old, (*session.Session).Destroy)
			old = w.login(t, subject)
		}
		slow := begin(t, w.Manager, old)
		name.Set(slow.Session, "elevated")
		slow.Renew()
		fresh := w.read(t, old, func(s *session.Session) { s.Renew() }).succeeded().issued()
		slow.finish().succeeded()
		slow.untouched()
		w.read(t, fresh, func(s *session.Session) {
			if name.Get(s) != "elevated" || s.Subject() != subject {
				t.Errorf("name %q subject %q: the change of the second renewal was lost", name.Get(s), s.Subject())
			}
		})
		if list := len(w.listOrNone(t, subject)); subject != "" && list != 1 {
			t.Errorf("%d sessions, want 1", list)
		}
		w.read(t, fresh, (*session.Session).Destroy).succeeded()
		if n := w.alive(t); n != 0 {
			t.Errorf("%d sessions are alive after the logout", n)
		}
	}
}

// P6 goes before P7: whoever has to end up with a session of its own first follows what became of the one it has
// loaded.
func TestNothingThatHasEndedComesBackWhoeverRenewsIt(t *testing.T) {
	requests := map[string]func(*session.Session){
		"renew": (*session.Session).Renew, "renew and set": func(s *session.Session) { s.Renew(); name.Set(s, "x") },
		"set": func(s *session.Session) { name.Set(s, "x") }, "touch": (*session.Session).Touch,
		"read": func(s *session.Session) { count.Get(s) }, "clear": (*session.Session).Clear,
		"login":            func(s *session.Session) { s.Login("user:1") },
		"login as another": func(s *session.Session) { s.Login("user:2") },
	}
	renewals := map[string]func(*session.Session){
		"renewed": (*session.Session).Renew, "logged in again": func(s *session.Session) { s.Login("user:1") },
		"renewed twice": (*session.Session).Renew, "periodically renewed": func(s *session.Session) { count.Get(s) },
	}
	ends := map[string]func(*world, string){
		"revoked": func(w *world, _ string) {
			if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
				t.Errorf("RevokeAll: %d, %v", n, err)
			}
		},
		"destroyed": func(w *world, cookie string) { w.read(t, cookie, (*session.Session).Destroy).succeeded() },
	}
	for request, f := range requests {
		for renewal, renew := range renewals {
			for how, end := range ends {
				o := session.Options{}
				if renewal == "periodically renewed" {
					o.RenewAfter = 30 * time.Minute
				}
				w := newWorld(t, o)
				cookie := w.login(t, "user:1")
				w.read(t, cookie, func(s *session.Session) { count.Set(s, 1) }).succeeded()
				w.now = w.now.Add(30 * time.Minute)
				slow := begin(t, w.Manager, cookie)
				count.Get(slow.Session)
				f(slow.Session)
				fresh := w.read(t, cookie, renew).succeeded().issued()
				if renewal == "renewed twice" {
					fresh = w.read(t, fresh, renew).succeeded().issued()
				}
				end(w, fresh)
				slow.finish()
				own, _ := slow.cookie()
				if own != "" && w.countOf(t, own) != 0 {
					t.Errorf("%s while %s and %s: the ended session's values came back", request, renewal, how)
				}
				if login := strings.HasPrefix(request, "login"); (w.subjectOf(t, own) != "") != login || w.alive(t) > 0 != login {
					t.Errorf("%s while %s and %s: logged in as %q, %d alive", request, renewal, how, w.subjectOf(t, own), w.alive(t))
				}
			}
		}
	}
}

func TestAPeriodicRenewalThatLostTheRaceIsDropped(t *testing.T) {
	for _, changes := range []bool{false, true} {
		w := newWorld(t, session.Options{RenewAfter: time.Minute})
		old := w.start(t)
		w.now = w.now.Add(2 * time.Minute)
		slow := begin(t, w.Manager, old)
		count.Get(slow.Session)
		if changes {
			count.Update(slow.Session, addOne)
		}
		fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
		slow.finish().succeeded()
		if own := slow.issued(); own != fresh {
			t.Errorf("changes=%t: the answer carries another cookie than the one that the renewal gave out", changes)
		}
		want := 1
		if changes {
			want = 2
		}
		if n := w.countOf(t, fresh); n != want {
			t.Errorf("changes=%t: count = %d, want %d", changes, n, want)
		}
	}
}

func TestALoginAsSomebodyElseDropsWhatWasLoaded(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, w.start(t), func(s *session.Session) { name.Set(s, "of a"); s.Login("user:a") }).succeeded().issued()
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	items.Set(v.Session, []string{"before"})
	v.Login("user:b")
	if name.Get(v.Session) != "" || count.Get(v.Session) != 1 {
		t.Errorf("name %q count %d in the request's own view: user:a's values reached user:b", name.Get(v.Session), count.Get(v.Session))
	}
	items.Update(v.Session, add("after"))
	fresh := v.finish().succeeded().issued()
	w.read(t, fresh, func(s *session.Session) {
		if s.Subject() != "user:b" || name.Get(s) != "" || count.Get(s) != 1 || len(items.Get(s)) != 2 {
			t.Errorf("subject %q name %q count %d items %q", s.Subject(), name.Get(s), count.Get(s), items.Get(s))
		}
	})
	if handleOf(t, w, fresh) == "" {
		t.Error("no handle")
	}
}

func TestAWriteInFlightDoesNotFollowIntoAnotherSubjectsSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, w.start(t), func(s *session.Session) { s.Login("user:a") }).succeeded().issued()
	slow := begin(t, w.Manager, cookie)
	name.Set(slow.Session, "of a")
	fresh := w.read(t, cookie, func(s *session.Session) { s.Login("user:b") }).succeeded().issued()
	slow.finish().failedWith(http.StatusConflict)
	w.read(t, fresh, func(s *session.Session) {
		if name.Get(s) != "" {
			t.Errorf("name = %q: user:a wrote into user:b's session", name.Get(s))
		}
	})
}

func TestARenewalWhoseAnswerGotLostSucceeds(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	handle := handleOf(t, w, old)
	resend(w.store, "Update")
	fresh := w.read(t, old, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	if w.subjectOf(t, fresh) != "user:1" || w.countOf(t, fresh) != 1 {
		t.Error("the login did not arrive")
	}
	if handleOf(t, w, fresh) != handle {
		t.Error("the request took its own alias for another's and made a second session")
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

func TestAReaderWhoseSessionReachedItsDeadlineIsNotRenewed(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	w.now = w.now.Add(12 * time.Hour)
	v.finish().succeeded()
	v.untouched()
}
