package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P19: after the headers.

func TestAChangeAfterTheHeadersIsSavedIfItNeedsNone(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie).commit()
	count.Update(v.Session, addOne)
	v.request.End()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2", n)
	}
	v = begin(t, w.Manager, cookie).commit()
	v.Destroy()
	v.request.End()
	if n := w.countOf(t, cookie); n != 0 {
		t.Error("a logout after the headers did not end the session")
	}
}

func TestAChangeAfterTheHeadersIsReportedIfItNeedsOne(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"first value": func(s *session.Session) { count.Set(s, 1) }, "login": func(s *session.Session) { s.Login("user:1") },
	} {
		w := newWorld(t, session.Options{})
		v := begin(t, w.Manager, "").commit()
		f(v.Session)
		if err := v.Save(); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("%s: Save = %v, want ErrCommitted", what, err)
		}
		f(v.Session)
		v.request.End()
		if !w.saw(session.ReasonTooLate) || w.store.Count("Create") != 0 {
			t.Errorf("%s: a session was made whose cookie could not be set, or nobody was told", what)
		}
	}
}

func TestASessionUsedAfterItsRequestIsReported(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	v.finish().succeeded()
	w.store.Reset()
	count.Update(v.Session, addOne)
	v.Login("user:1")
	v.Destroy()
	if count.Get(v.Session) != 0 || v.Exists() || v.Handle() != "" || v.Subject() != "" {
		t.Error("a session shows values after its request")
	}
	if !errors.Is(v.Err(), session.ErrRequestOver) || !errors.Is(v.Save(), session.ErrRequestOver) {
		t.Errorf("Err = %v, Save = %v, want ErrRequestOver", v.Err(), v.Save())
	}
	if w.store.Count("") != 0 || !w.saw(session.ReasonRequestOver) {
		t.Error("the store was called, or nobody was told")
	}
	if e := w.events[len(w.events)-1]; !errors.Is(e.Err, session.ErrRequestOver) ||
		!strings.Contains(e.Source, "failure_late_test.go:") {
		t.Errorf("event %+v, want ErrRequestOver and the line that did it", e)
	}
}

// P19: the cookie of an early Save that a hijacked response cannot carry is reported.
func TestP19ASavedLoginWhoseCookieCannotBeSentIsReported(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	v.Login("user:1")
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	_, ok := v.request.CommitHeaderless()
	v.request.End()
	if ok && !w.saw(session.ReasonTooLate) && !w.saw(session.ReasonCommitFailed) {
		t.Error("the login's cookie is lost in silence")
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
