package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestAResponseNeverClaimsSuccessForWhatWasNotSaved(t *testing.T) {
	for _, method := range []string{"Create", "Update"} {
		w := newWorld(t, session.Options{})
		cookie := ""
		if method == "Update" {
			cookie = w.start(t)
		}
		w.store.Before(fail(method))
		v := begin(t, w.Manager, cookie)
		v.x.response.Set("Location", "/next")
		v.x.response.Add("Set-Cookie", "theme=dark")
		count.Set(v.Session, 5)
		v.finish().failedWith(http.StatusServiceUnavailable)
		v.untouched()
		if h := v.x.response; h.Get("Location") != "" || len(h.Values("Set-Cookie")) != 0 ||
			h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v: something of the handler's response is left", method, h)
		}
		if !w.saw(session.ReasonCommitFailed) {
			t.Errorf("%s: the failure was not reported", method)
		}
	}
}

func TestATouchThatFailsDoesNotFailAReader(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.now = w.now.Add(5 * time.Minute)
	w.store.Before(fail("Touch"))
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	if !w.saw(session.ReasonTouchFailed) {
		t.Error("the failure was not reported")
	}
	w.read(t, cookie, func(s *session.Session) { s.Touch() }).failedWith(http.StatusServiceUnavailable)
}

func TestAPanicSavesNothingBeyondAnEarlierSave(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	v.untouched()
	count.Set(v.Session, 2)
	v.request.Discard()
	v.request.End()
	if n := w.countOf(t, v.issued()); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestTheCookieOfAnEarlierSaveSurvivesAFailedCommit(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	v.Login("user:1")
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	w.store.Before(fail("Update"))
	count.Set(v.Session, 1)
	v.finish().failedWith(http.StatusServiceUnavailable)
	w.store.Before(nil)
	if w.subjectOf(t, v.issued()) != "user:1" {
		t.Error("the visitor lost a login that was saved")
	}
}

func TestAFailedSaveLeavesTheResponseToTheHandler(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Update"))
	v := begin(t, w.Manager, cookie)
	count.Set(v.Session, 5)
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(v.Err(), session.ErrUnavailable) {
		t.Fatalf("Save = %v, Err = %v", err, v.Err())
	}
	if n := count.Get(v.Session); n != 1 {
		t.Errorf("count = %d, want 1: dropped changes must not show", n)
	}
	v.finish().succeeded()
}

// A caller that has the error of a failed Save decides what to make of it, so it is no event as well.
func TestAFailedSaveIsReturnedAndNoEvent(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.events = nil
	w.store.Before(fail("Update"))
	v := begin(t, w.Manager, cookie)
	count.Set(v.Session, 2)
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) {
		t.Fatalf("Save = %v, want ErrUnavailable", err)
	}
	if v.finish(); len(w.events) != 0 {
		t.Errorf("events after a failed Save: %v", w.events)
	}
}

func TestAValueThatDoesNotFitItsKeyIsKept(t *testing.T) {
	const wrong session.Key[bool] = "count"
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := w.read(t, cookie, func(s *session.Session) {
		if _, ok := wrong.Lookup(s); ok {
			t.Error("an int was read as a bool")
		}
		if _, ok := wrong.Pop(s); ok {
			t.Error("an int was popped as a bool")
		}
	}).succeeded()
	v.untouched()
	w.read(t, cookie, func(s *session.Session) {
		wrong.Update(s, func(bool) bool { return true })
	}).failedWith(http.StatusInternalServerError)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: bytes that did not fit were overwritten", n)
	}
	if !w.saw(session.ReasonUndecodable) {
		t.Error("nobody was told")
	}
}

func TestAValueThatCannotBeEncodedFailsTheCommit(t *testing.T) {
	const broken session.Key[chan int] = "broken"
	const pointer session.Key[*int] = "pointer"
	const odd session.Key[map[string]any] = "odd"
	for what, f := range map[string]func(*session.Session){
		"channel": func(s *session.Session) { broken.Set(s, make(chan int)) },
		"pointer": func(s *session.Session) { pointer.Get(s) },
		"nested":  func(s *session.Session) { odd.Set(s, map[string]any{"f": func() {}}) },
	} {
		w := newWorld(t, session.Options{})
		w.read(t, w.start(t), f).failedWith(http.StatusInternalServerError)
		if !w.saw(session.ReasonUnencodable) {
			t.Errorf("%s: nobody was told", what)
		}
	}
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

func TestAStoredSessionHasItsOwnLimit(t *testing.T) {
	w := newWorld(t, session.Options{MaxSize: 10_000})
	cookie := w.start(t)
	w.read(t, cookie, func(s *session.Session) { name.Set(s, strings.Repeat("x", 9000)) }).succeeded()
	w.read(t, cookie, func(s *session.Session) {
		name.Set(s,
			strings.Repeat("x", 11_000))
	}).failedWith(http.StatusInternalServerError)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestAStoresOwnLimitIsNoOutage(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.store.Before(func(c probe.Call) error {
		if c.Method != "Load" {
			return fmt.Errorf("store: %w", session.ErrTooLarge)
		}
		return nil
	})
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	if err := v.Save(); !errors.Is(err, session.ErrTooLarge) || errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrTooLarge and not ErrUnavailable", err)
	}
}

func TestSaveOnDecidesByStatus(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return status < 500 }})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	if _, ok := v.request.Commit(http.StatusInternalServerError); !ok {
		t.Error("the handler's own error response was replaced")
	}
	v.request.End()
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: a refused response's changes were saved", n)
	}
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2", n)
	}
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
