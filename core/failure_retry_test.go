package session_test

import (
	"errors"
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

func TestARequestDoesNotConflictWithItsOwnFailedSave(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	failOnce(w, "Update")
	count.Set(v.Session, count.Get(v.Session)+1)
	if err := v.Save(); err == nil {
		t.Fatal("the store failed and Save did not")
	}
	count.Set(v.Session, 3)
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 3 {
		t.Errorf("count = %d, want 3", n)
	}
}

func TestALoginInConflictShowsWhatIsStoredAndCanBeTriedAgain(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"renew": (*session.Session).Renew, "login": func(s *session.Session) { s.Login("user:1") },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		n := count.Get(v.Session)
		w.read(t, cookie, func(s *session.Session) { count.Set(s, 41) }).succeeded()
		count.Set(v.Session, n+1)
		f(v.Session)
		if err := v.Save(); !errors.Is(err, session.ErrConflict) {
			t.Fatalf("%s: Save = %v, want ErrConflict", what, err)
		}
		count.Set(v.Session, count.Get(v.Session)+1)
		f(v.Session)
		if fresh := v.finish().succeeded().issued(); w.countOf(t, fresh) != 42 {
			t.Errorf("%s: count = %d, want 42", what, w.countOf(t, fresh))
		}
	}
}

func TestAWriteThatChangedNothingIsStillThisRequestsOwn(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { name.Set(s, "dark"); s.Login("user:a") }).succeeded().issued()
	switched := w.read(t, cookie, func(s *session.Session) { name.Set(s, "dark"); s.Login("user:b") }).succeeded().issued()
	w.read(t, switched, func(s *session.Session) {
		if name.Get(s) != "dark" {
			t.Error("a login as somebody else dropped what this request had set")
		}
	})
	v := begin(t, w.Manager, switched)
	name.Set(v.Session, "dark")
	v.Login("user:b")
	w.read(t, switched, func(s *session.Session) { s.Destroy() }).succeeded()
	w.read(t, v.finish().succeeded().issued(), func(s *session.Session) {
		if name.Get(s) != "dark" {
			t.Error("a login over an ended session dropped what this request had set")
		}
	})
}

func TestAWriteThatChangedNothingGivesWayToAChange(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Set(v.Session, 1)
	name.Set(v.Session, "x")
	w.read(t, cookie, func(s *session.Session) { count.Set(s, 5) }).succeeded()
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 5 {
		t.Errorf("count = %d, want 5", n)
	}
}

func TestALoginAsSomebodyElseSavesNothingOfTheFirstWhateverPanics(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) {
		items.Set(s,
			[]string{"secret"})
		s.Login("user:a")
	}).succeeded().issued()
	v := begin(t, w.Manager, cookie)
	items.Update(v.Session, func(in []string) []string { return append(in, in[0]) }) // panics on nothing
	func() {
		defer func() { _ = recover() }()
		v.Login("user:b")
	}()
	v.finish().failedWith(http.StatusInternalServerError)
	v.untouched()
}
