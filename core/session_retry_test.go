package session_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// What a handler can rely on after something went wrong, and tries again.

func failOnce(w *world, method string) {
	w.store.Before(func(c probe.Call) error {
		if c.Method != method {
			return nil
		}
		w.store.Before(nil)
		return errDown
	})
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
	cookie := w.read(t, "", func(s *session.Session) { items.Set(s, []string{"secret"}); s.Login("user:a") }).succeeded().issued()
	v := begin(t, w.Manager, cookie)
	items.Update(v.Session, func(in []string) []string { return append(in, in[0]) }) // panics on nothing
	func() {
		defer func() { _ = recover() }()
		v.Login("user:b")
	}()
	v.finish().failedWith(http.StatusInternalServerError)
	v.untouched()
}

func TestUpkeepWaitsWhenTheClientHasHungUp(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	cookie := w.start(t)
	w.now = w.now.Add(2 * time.Minute)
	ctx, hangUp := context.WithCancel(t.Context())
	v := beginWith(ctx, t, w.Manager, cookie)
	count.Get(v.Session)
	hangUp()
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 1 {
		t.Error("a renewal that nobody asked for went to a client that had left, and logged it out")
	}
}

func TestAHangUpBeforeTheFirstUseDoesNotLoseTheChange(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	ctx, hangUp := context.WithCancel(t.Context())
	v := beginWith(ctx, t, w.Manager, cookie)
	hangUp()
	count.Update(v.Session, addOne)
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2", n)
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

func TestAFailedCommitIsTheEndOfSaving(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	failOnce(w, "Update")
	count.Set(v.Session, 5)
	v.commit().failedWith(http.StatusServiceUnavailable)
	name.Set(v.Session, "paid")
	v.request.End()
	w.read(t, cookie, func(s *session.Session) {
		if name.Get(s) != "" || count.Get(s) != 1 {
			t.Error("the client was told that nothing is saved, and half of it is")
		}
	})
}

func TestSaveOnDecidesAboutLateChangesToo(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return status < 500 }})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	_, _ = v.request.Commit(http.StatusInternalServerError)
	count.Set(v.Session, 5)
	v.request.End()
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestAHeaderlessCommitPromisesNoCookie(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	cookie := w.start(t)
	w.now = w.now.Add(2 * time.Minute)
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	if _, ok := v.request.CommitHeaderless(); !ok || len(v.x.response) != 0 {
		t.Errorf("ok %t, headers %v; want the change saved and the headers alone", ok, v.x.response)
	}
	v.request.End()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d under the cookie that the client has, want 2", n)
	}
	login := begin(t, w.Manager, cookie)
	login.Login("user:1")
	if _, ok := login.request.CommitHeaderless(); ok {
		t.Error("a login succeeded whose cookie cannot be sent")
	}
	login.request.End()
}

func TestAPanicInTheStoreHangsNobody(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	w.store.Before(func(probe.Call) error { panic("on purpose") })
	func() {
		defer func() { _ = recover() }()
		count.Get(v.Session)
	}()
	w.store.Before(nil)
	count.Set(v.Session, 100) // must neither hang nor be taken
	v.finish().failedWith(http.StatusServiceUnavailable)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestMisuseIsReportedOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, w.start(t)).finish()
	w.events = nil
	count.Update(v.Session, addOne)
	if len(w.events) != 1 || w.events[0].Reason != session.ReasonRequestOver {
		t.Errorf("events %v, want one request-over", w.events)
	}
}
