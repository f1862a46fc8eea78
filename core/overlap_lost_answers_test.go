package session_test

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestAWriteWhoseAnswerGotLostIsNotAppliedTwice(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	resend(w.store, "Update")
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2: the change was applied again after a lost answer", n)
	}
}

func TestACreateWhoseAnswerGotLostSucceeds(t *testing.T) {
	w := newWorld(t, session.Options{})
	resend(w.store, "Create")
	cookie := w.start(t)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestALostAnswerIsRecognisedBehindOtherWriters(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	var once atomic.Bool
	w.store.After(func(c probe.Call, err error) error {
		if c.Method != "Update" || err != nil || once.Swap(true) {
			return err
		}
		for range 3 { // three more writers get in before the lost write is sent again
			w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		}
		return session.ErrConflict
	})
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if n := w.countOf(t, cookie); n != 5 {
		t.Errorf("count = %d, want 5", n)
	}
}

func TestAnUnknownOutcomeIsNotRetried(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "Update" {
			return errors.New("connection reset")
		}
		return err
	})
	w.store.Reset()
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).failedWith(http.StatusServiceUnavailable)
	if n := w.store.Count("Update"); n != 1 {
		t.Errorf("%d updates, want 1: a write of unknown outcome must not be sent again", n)
	}
	w.store.After(nil)
}

func TestASecondCommitDoesNotReplayTheFirst(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	w.read(t, cookie, func(s *session.Session) { name.Set(s, "in between") }).succeeded()
	count.Update(v.Session, addOne)
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 3 {
		t.Errorf("count = %d, want 3: an operation of an earlier Save was applied again", n)
	}
}

// P5: an answer lost between store and application never applies a change twice, also across a renewal.
func TestP5ALostAnswerAcrossARenewalAppliesOnce(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 400 * time.Millisecond})
	cookie := w.start(t)
	writer := begin(t, w.Manager, cookie)
	count.Update(writer.Session, addOne)
	renewer := begin(t, w.Manager, cookie)
	renewer.Renew()
	applied, renewed := make(chan struct{}), make(chan struct{})
	done := make(chan struct{})
	var once, lose sync.Once
	w.store.After(func(c probe.Call, err error) error {
		switch {
		case c.Method == "Create":
			once.Do(func() {
				go func() { writer.finish(); close(done) }()
				<-applied
			})
		case c.Method == "Update" && err == nil && c.ID == w.ids[0]:
			lost := false
			lose.Do(func() { lost = true })
			if lost {
				close(applied)
				<-renewed
				return session.ErrConflict // the store's client has sent it again
			}
		}
		return err
	})
	next := renewer.finish().succeeded().issued()
	close(renewed)
	<-done
	w.store.After(nil)
	writer.succeeded()
	if got := w.countOf(t, next); got != 2 {
		t.Errorf("count %d, want 2: one update over 1", got)
	}
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

// P8, issue of one lost answer: a login whose alias was written though the store said otherwise.
func TestALoginWhoseOutcomeIsUnknownLooksOnceMore(t *testing.T) {
	for what, f := range map[string]func(*session.Session){"login": func(s *session.Session) { s.Login("user:1") },
		"renew": (*session.Session).Renew} {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		w.store.After(func(c probe.Call, err error) error {
			if c.Method == "Update" {
				w.store.After(nil)
				return errors.New("connection reset")
			}
			return err
		})
		fresh := w.read(t, old, f).succeeded().issued()
		if n := w.countOf(t, fresh); n != 1 {
			t.Errorf("%s: count = %d: one lost answer cost the session", what, n)
		}
	}
}

func TestALoginWhoseOutcomeStaysUnknownIsA503(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			return errors.New("connection refused")
		}
		return nil
	})
	v := w.read(t, old, func(s *session.Session) { s.Login("user:1") })
	v.failedWith(http.StatusServiceUnavailable)
	v.untouched()
	w.store.Before(nil)
	if n := w.countOf(t, old); n != 1 {
		t.Errorf("count = %d under the old token", n)
	}
}
