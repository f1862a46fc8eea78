package session_test

import (
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

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
			t.Errorf("subject %q name %q count %d: the second login is not a session of its own",
				s.Subject(), name.Get(s), count.Get(s))
		}
	})
	if w.subjectOf(t, cookieA) != "user:a" || w.countOf(t, cookieA) != 1 {
		t.Error("the second login reached into the first one's session")
	}
	if handleOf(t, w, cookieA) == handleOf(t, w, cookieB) {
		t.Error("two sessions share a handle")
	}
}

func TestALoginAsSomebodyElseDropsWhatWasLoaded(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, w.start(t), func(s *session.Session) {
		name.Set(s,
			"of a")
		s.Login("user:a")
	}).succeeded().issued()
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	items.Set(v.Session, []string{"before"})
	v.Login("user:b")
	if name.Get(v.Session) != "" || count.Get(v.Session) != 1 {
		t.Errorf("name %q count %d in the request's own view: user:a's values reached user:b",
			name.Get(v.Session), count.Get(v.Session))
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
