package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestASessionThatFailedToLoadIsNeverSaved(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	v := begin(t, w.Manager, cookie)
	if count.Get(v.Session) != 0 || v.Exists() || v.Subject() != "" {
		t.Error("a session that failed to load must read as empty")
	}
	if err := v.Err(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDown) {
		t.Errorf("Err = %v, want ErrUnavailable and its cause", err)
	}
	count.Set(v.Session, 100)
	v.Login("user:1")
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrUnavailable", err)
	}
	v.finish().failedWith(http.StatusServiceUnavailable)
	v.untouched()
	if strings.Contains(string(v.instead.Body), "10.0.0.1") {
		t.Error("the answer shows the client what is wrong inside")
	}
	w.store.Before(nil)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: the good session was overwritten", n)
	}
	if n := w.store.Count("Create") + w.store.Count("Update"); n != 1 {
		t.Errorf("%d writes, want only the first", n)
	}
}

func TestAReaderOfAFailedLoadGetsA503Too(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).failedWith(http.StatusServiceUnavailable)
	begin(t, w.Manager, cookie).finish().succeeded() // not used: not concerned
}

func TestTheApplicationMayServeOnAsAnonymous(t *testing.T) {
	w := newWorld(t, session.Options{AnonymousWhenUnavailable: true})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	v.untouched()
	for what, f := range map[string]func(*session.Session){
		"set": func(s *session.Session) { count.Set(s, 5) }, "destroy": (*session.Session).Destroy,
	} {
		v := w.read(t, cookie, f)
		if v.ok {
			t.Errorf("%s: the response claims success for a change that was not saved", what)
		}
	}
}

// P22: a rolling deployment.

func TestARecordOfANewerVersionIsUnavailableAndKept(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	newer := func(c probe.Call) error {
		r, err := w.store.Inner().Load(context.Background(), c.ID)
		if err != nil || r.Data[1] != 1 {
			return nil
		}
		r.Data = append([]byte{}, r.Data...)
		r.Data[1] = 2
		return w.store.Inner().Update(context.Background(), r)
	}
	w.store.Before(newer)
	v := w.read(t, cookie, func(s *session.Session) { count.Set(s, 9) })
	v.failedWith(http.StatusServiceUnavailable)
	v.untouched()
	if w.store.Count("Update") != 0 {
		t.Error("a record that this version does not understand was written over")
	}
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
