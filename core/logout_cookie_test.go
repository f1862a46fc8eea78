package session_test

import (
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestADeadTokensCookieIsDeletedOnceNoNewerOneCanBeOnItsWay(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(w *world, cookie string)
		wait time.Duration
	}{
		"logged out": {func(w *world, c string) { w.read(t, c, (*session.Session).Destroy) }, time.Minute},
		"renewed":    {func(w *world, c string) { w.read(t, c, (*session.Session).Renew) }, time.Minute},
		"revoked":    {func(w *world, _ string) { _, _ = w.RevokeAll(t.Context(), "user:1") }, 0},
	} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		c.end(w, cookie)
		w.now = w.now.Add(c.wait)
		if write := w.read(t, cookie, func(s *session.Session) { count.Set(s, 1) }); c.wait > 0 {
			write.succeeded().issued()
		}
		w = newWorld(t, session.Options{})
		cookie = w.login(t, "user:1")
		c.end(w, cookie)
		w.now = w.now.Add(c.wait)
		v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
		if _, deleted := v.cookie(); !deleted {
			t.Errorf("%s: the visitor keeps a cookie that opens nothing", what)
		}
		v = w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded() // sent before that answer came
		v.untouched()
	}
}

// The deletion must not undo a login that a parallel request has just answered.
func TestADeadTokensCookieIsNotDeletedAfterALoginWithIt(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "write": func(s *session.Session) { count.Set(s, 1) },
	} {
		for _, inFlight := range []bool{false, true} { // the login loaded the session before or after its end
			w := newWorld(t, session.Options{})
			cookie := w.login(t, "user:1")
			login := begin(t, w.Manager, cookie)
			if inFlight {
				login.Login("user:1")
			}
			_, _ = w.RevokeAll(t.Context(), "user:1")
			slow := begin(t, w.Manager, cookie)
			f(slow.Session)
			login.Login("user:1")
			fresh := login.finish().succeeded().issued()
			slow.finish()
			if slow.untouched(); w.subjectOf(t, fresh) != "user:1" {
				t.Errorf("%s, in flight %t: not logged in", what, inFlight)
			}
			if what == "write" {
				slow.failedWith(http.StatusConflict)
			}
		}
	}
}

// P8: servers whose clocks are Leeway apart do not delete a newer login's cookie.
func TestP8ADeadTokensCookieIsNotDeletedByAServerWhoseClockIsAhead(t *testing.T) {
	o := session.Options{Leeway: time.Minute}
	w := newWorld(t, o)
	ahead := w.second(t, time.Minute, o)
	old := w.start(t)
	slow := begin(t, ahead, old)
	w.loginAt(t, old, "user:1")
	count.Get(slow.Session)
	slow.finish().succeeded().untouched()
}

// P8: a revoked session's marker that a login has claimed no longer allows the next response to delete the cookie.
func TestP8ARevokedTokensLateReadDoesNotDeleteANewerLoginsCookie(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.loginAt(t, "", "user:1")
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	slow := begin(t, w.Manager, old) // sent beside the login, looks at its session a moment later
	w.loginAt(t, old, "user:1")
	count.Get(slow.Session)
	slow.finish().succeeded().untouched()
}

// P8, the same with a write: two writes at once with a revoked token make two sessions and two cookies.
func TestP8ARevokedTokensLateWriteDoesNotOverwriteANewerCookie(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.loginAt(t, "", "user:1")
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	slow := begin(t, w.Manager, old)
	w.loginAt(t, old, "user:1")
	count.Set(slow.Session, 7)
	slow.finish().untouched()
}

// P7, P11: dead tokens.

func TestALateWriteWithADeadTokenSetsNoCookie(t *testing.T) {
	for what, end := range map[string]func(*session.Session){
		"logged out": (*session.Session).Destroy, "renewed": (*session.Session).Renew,
		"logged in": func(s *session.Session) { s.Login("user:2") },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.read(t, cookie, end).succeeded()
		newer := w.login(t, "user:1")
		late := w.read(t, cookie, func(s *session.Session) { count.Set(s, 1) })
		late.failedWith(http.StatusConflict)
		late.untouched()
		w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
		if w.subjectOf(t, newer) != "user:1" {
			t.Errorf("%s: the newer login is gone", what)
		}
	}
}

// A marker is what tells requests of each other that start a session in place of a dead token. Those that come after
// its time know nothing of it, so a slow request from before must leave the cookie alone.
func TestADeadTokenWhoseMarkerIsGoneDecidesNothing(t *testing.T) {
	for what, use := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "write": func(s *session.Session) { count.Set(s, 2) },
	} {
		for _, swept := range []bool{false, true} {
			w := newWorld(t, session.Options{})
			old := w.start(t)
			w.read(t, old, (*session.Session).Renew).succeeded() // the answer is lost
			w.now = w.now.Add(2 * time.Minute)
			slow := begin(t, w.Manager, old)
			use(slow.Session)
			w.now = w.now.Add(4 * time.Minute)
			w.read(t, old, func(s *session.Session) { count.Set(s, 1) }).succeeded().issued()
			if swept {
				w.now = w.now.Add(10 * time.Minute)
				w.sweep(t)
			}
			if slow.finish(); slow.x.response["Set-Cookie"] != nil {
				t.Errorf("%s, swept %t: a slow answer replaces the cookie of a newer session", what, swept)
			}
		}
	}
}

func TestAWriteWithAJustReplacedTokenLeavesTheNewCookieAlone(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	fresh := w.read(t, old, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	straggler := w.read(t, old, func(s *session.Session) { count.Update(s, addOne) })
	straggler.failedWith(http.StatusConflict)
	straggler.untouched()
	w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	second := w.read(t, old, func(s *session.Session) { s.Login("user:2") }).succeeded().issued()
	if w.subjectOf(t, fresh) != "user:1" || w.subjectOf(t, second) != "user:2" {
		t.Error("a login with the old token is a session of its own")
	}
	w.now = w.now.Add(6 * time.Minute)
	w.read(t, old, func(s *session.Session) { count.Update(s, addOne) }).succeeded().issued()
}
