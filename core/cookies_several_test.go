package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P11: a browser sends the cookies of a former Domain or Path along with the present one, in an order that nobody
// defines.

// beginWithAll starts a request that presents several cookies of the session's name.
func (w *world) beginWithAll(t *testing.T, cookies ...string) *visit {
	t.Helper()
	v := begin(t, w.Manager, "")
	for i, c := range cookies {
		cookies[i] = cookieName + "=" + c
	}
	v.x.lines = []string{strings.Join(cookies, "; ")}
	return v
}

func TestOfSeveralCookiesOfOneSubjectTheLatestLoginCounts(t *testing.T) {
	for kind, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}), "sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		older := w.login(t, "user:1")
		w.now = w.now.Add(time.Minute)
		newer := w.read(t, "", func(s *session.Session) { s.Login("user:1"); name.Set(s, "newer") }).succeeded().issued()
		for _, cookies := range [][]string{{older, newer}, {newer, older}, {newer, older, newer}} {
			v := w.beginWithAll(t, cookies...)
			if v.Subject() != "user:1" || name.Get(v.Session) != "newer" {
				t.Errorf("%s: subject %q name %q: the visitor is locked out", kind, v.Subject(), name.Get(v.Session))
			}
			v.finish().succeeded().untouched()
		}
	}
}

func TestSeveralCookiesThatCannotBeToldApartAreRefused(t *testing.T) {
	w := newWorld(t, session.Options{})
	one, two, anonymous, another := w.login(t, "user:1"), w.login(t, "user:2"), w.start(t), w.start(t)
	for _, cookies := range [][]string{{one, two}, {one, anonymous}, {anonymous, one}, {anonymous, another}, {one, two, one}} {
		w.events = nil
		v := w.beginWithAll(t, cookies...)
		if v.Exists() {
			t.Error("the order of the cookies decided who the visitor is")
		}
		if v.finish().succeeded().untouched(); !w.saw(session.ReasonAmbiguous) {
			t.Error("the refusal was not counted")
		}
	}
}

func TestLoginAndDestroyEndEverySessionThatTheCookiesOpened(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("user:1") }, "destroy": (*session.Session).Destroy,
		"destroy and login": func(s *session.Session) { s.Destroy(); s.Login("user:1") },
	} {
		for _, subjects := range [][]string{{"user:1", "user:1"}, {"user:1", "user:2"}, {"user:1", ""}, {"", ""}, {"user:1", "user:1", "user:1"}} {
			w := newWorld(t, session.Options{})
			var cookies []string
			for _, subject := range subjects {
				if subject == "" {
					cookies = append(cookies, w.start(t))
				} else {
					cookies = append(cookies, w.login(t, subject))
				}
			}
			v := w.beginWithAll(t, append([]string{}, cookies...)...)
			f(v.Session)
			v.finish().succeeded()
			value, deleted := v.cookie()
			if what == "destroy" != deleted || what != "destroy" && w.subjectOf(t, value) != "user:1" {
				t.Errorf("%s of %q: cookie %.5q, deleted %t", what, subjects, value, deleted)
			}
			for _, c := range cookies {
				if v := begin(t, w.Manager, c); v.Exists() {
					t.Errorf("%s of %q: one of the sessions lives on, answered with 200", what, subjects)
				}
			}
		}
	}
}

func TestADestroyOfSeveralThatFailedCanBeTriedAgain(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := []string{w.login(t, "user:1"), w.login(t, "user:2")}
	v := w.beginWithAll(t, append([]string{}, cookies...)...)
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

func TestFormerScopesAreDeletedWhenSeen(t *testing.T) {
	o := session.Options{Cookie: session.Cookie{Name: "sid", Domain: "example.com", Former: []session.Scope{{}, {Domain: "www.example.com", Path: "/shop"}}}}
	for kind, w := range map[string]*world{"stored": newWorld(t, o), "sealed": newSealed(t, session.TemporaryKeys(), o)} {
		start := begin(t, w.Manager, "")
		start.Login("user:1")
		start.finish().succeeded()
		line := start.x.response.Get("Set-Cookie")
		token, _, _ := strings.Cut(strings.TrimPrefix(line, "sid="), ";")
		for _, c := range []struct {
			lines string
			want  int
		}{{"sid=" + token, 0}, {"sid=junk; sid=" + token, 3}, {"sid=junk; sid=rubbish", 2}} {
			v := begin(t, w.Manager, "")
			v.x.lines = []string{c.lines}
			subject := v.Subject()
			v.finish().succeeded()
			got := v.x.response.Values("Set-Cookie")
			if len(got) != c.want {
				t.Errorf("%s: %q: Set-Cookie %q, want %d lines", kind, c.lines, got, c.want)
				continue
			}
			deleted := 0
			for _, l := range got {
				if strings.Contains(l, "Max-Age=0") {
					deleted++
				} else if !strings.HasPrefix(l, "sid="+token+"; Path=/; Domain=example.com;") {
					t.Errorf("%s: %q, want the present session's cookie in the present scope", kind, l)
				}
			}
			if c.want > 0 && (deleted != 2 || v.x.response.Get("Cache-Control") != "no-store") || c.want != 2 && subject != "user:1" {
				t.Errorf("%s: %q: subject %q, Set-Cookie %q", kind, c.lines, subject, got)
			}
		}
	}
}

// P7, P11: dead tokens.

func TestALateWriteWithADeadTokenSetsNoCookie(t *testing.T) {
	for what, end := range map[string]func(*session.Session){
		"logged out": (*session.Session).Destroy, "renewed": (*session.Session).Renew, "logged in": func(s *session.Session) { s.Login("user:2") },
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

// P8: a login form that was sent twice because the first answer did not come.
func TestALoginWhoseAnswerGotLostKeepsTheCart(t *testing.T) {
	for _, subject := range []string{"user:1", "user:2"} {
		w := newWorld(t, session.Options{})
		cookie := w.read(t, "", func(s *session.Session) { items.Set(s, []string{"tea"}) }).succeeded().issued()
		first := w.read(t, cookie, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
		second := w.read(t, cookie, func(s *session.Session) {
			if s.Subject() != "" || len(items.Get(s)) > 0 {
				t.Error("the old token still opens the session")
			}
			s.Login(subject)
			count.Update(s, addOne)
		}).succeeded().issued()
		want := map[string]int{"user:1": 1, "user:2": 0}[subject]
		w.read(t, second, func(s *session.Session) {
			if s.Subject() != subject || len(items.Get(s)) != want || count.Get(s) != 1 {
				t.Errorf("as %s: subject %q, %d items, count %d", subject, s.Subject(), len(items.Get(s)), count.Get(s))
			}
		})
		if lives := w.subjectOf(t, first) != ""; lives == (subject == "user:1") {
			t.Errorf("as %s: the first login's session lives: %t", subject, lives)
		}
		if subject == "user:1" && len(w.list(t, subject)) != 1 {
			t.Error("two sessions are left of one login")
		}
	}
}

func TestALoginFormSentTwiceAtOnceKeepsTheCart(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { items.Set(s, []string{"tea"}) }).succeeded().issued()
	a, b := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	a.Login("user:1")
	b.Login("user:1")
	a.finish().succeeded()
	w.read(t, b.finish().succeeded().issued(), func(s *session.Session) {
		if s.Subject() != "user:1" || len(items.Get(s)) != 1 {
			t.Errorf("subject %q, items %q: the cart is lost", s.Subject(), items.Get(s))
		}
	})
}
