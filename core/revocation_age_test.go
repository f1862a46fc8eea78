package session_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P27: what another server has revoked ends here at most RevocationAge later, and what this one has at once.
func TestP27RevocationAge(t *testing.T) {
	w := newRevocable(t, session.Options{RevocationAge: time.Minute})
	elsewhere := w.anotherServer(t, 0, session.Options{})
	cookie, other := w.login(t, "user:1"), w.login(t, "user:1")
	w.in(t, "the first time", cookie, "user:1")
	w.store.Reset()
	w.now = w.now.Add(time.Minute - time.Millisecond)
	w.in(t, "within the age", cookie, "user:1")
	if n := w.store.Count(""); n != 0 {
		t.Errorf("%d calls of the store within the age, want 0", n)
	}
	if _, err := elsewhere.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	w.in(t, "within the age, revoked", cookie, "user:1")
	w.now = w.now.Add(time.Millisecond)
	w.out(t, "after the age", cookie)
	w.out(t, "another session of the subject, not seen before", other)

	mine := w.login(t, "user:1")
	copied := w.read(t, mine, func(s *session.Session) { count.Set(s, 1) }).issued()
	w.read(t, mine, (*session.Session).Destroy).succeeded()
	w.out(t, "ended here", copied)
	mine = w.login(t, "user:1")
	w.in(t, "a login", mine, "user:1")
	w.revokeAll(t, "user:1")
	w.out(t, "revoked here", mine)
}

// An answer that was on its way while this process revoked something is no answer afterwards.
func TestP27AnAnswerFromBeforeARevocationIsNotRemembered(t *testing.T) {
	w := newRevocable(t, session.Options{RevocationAge: time.Minute})
	cookie := w.login(t, "user:1")
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" {
			w.store.After(nil)
			w.revokeAll(t, "user:1")
		}
		return err
	})
	w.in(t, "the request before", cookie, "user:1")
	w.out(t, "the next one", cookie)
}

// The risky switch: the store is down, and everybody passes.
func TestP27AcceptUnchecked(t *testing.T) {
	w := newRevocable(t, session.Options{AcceptUnchecked: true})
	revoked, alive := w.login(t, "user:1"), w.login(t, "user:2")
	w.revokeAll(t, "user:1")
	w.out(t, "while the store is up", revoked)
	w.store.Before(func(probe.Call) error { return errDown })
	w.in(t, "unchecked", revoked, "user:1")
	if e := w.events[len(w.events)-1]; e.Reason != session.ReasonUnchecked || e.Err == nil || e.Subject != "user:1" {
		t.Errorf("event %+v, want unchecked of user:1", e)
	}
	loggedIn, again := w.login(t, "user:2"), w.loginAt(t, alive, "user:2")
	hurried := w.login(t, "user:1")
	v := w.read(t, alive, (*session.Session).Destroy)
	v.failedWith(503) // a logout that could not be written is not one
	w.store.Before(nil)
	w.in(t, "a login meanwhile", loggedIn, "user:2")
	w.in(t, "another login meanwhile", again, "user:2")
	w.out(t, "a login that cannot have seen the revocation", hurried)
	w.out(t, "afterwards", revoked)
}

// What could be read beside an error counts.
func TestP27WhatIsKnownToBeRevokedIsSo(t *testing.T) {
	w := newRevocable(t, session.Options{AcceptUnchecked: true})
	cookie := w.login(t, "user:1")
	w.revokeAll(t, "user:1")
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" {
			return errDown
		}
		return err
	})
	w.out(t, "beside an error", cookie)
}

// Whatever else the store returns is no revocation, and nothing to let a session pass for.
func TestP27ARevocationThatCannotBeRead(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie := w.login(t, "user:1")
	w.revokeAll(t, "user:1")
	r, err := w.records.Load(t.Context(), w.ids[0])
	if err != nil {
		t.Fatal(err)
	}
	stored := newWorld(t, session.Options{})
	stored.login(t, "user:1")
	of := recordsOf(t, stored, "user:1")
	for what, data := range map[string][]byte{
		"a session": of[0].Data,
		"garbage":   []byte("garbage"), "a newer version's": append([]byte{'C', 99}, r.Data[2:]...), "empty": nil,
	} {
		r.Data = data
		if err := w.records.Delete(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.records.Create(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		t.Log(what)
		w.read(t, cookie, func(s *session.Session) { count.Get(s) }).failedWith(503)
		_, err := w.RevokeAll(t.Context(), "user:1")
		if newer := strings.HasPrefix(what, "a newer"); newer != (err != nil) {
			t.Errorf("to revoke again: %v", err)
		} else if !newer {
			w.out(t, "revoked again", cookie)
			w.in(t, "a login afterwards", w.login(t, "user:1"), "user:1")
		}
	}
}

// A wrapper that cannot load many at once finds out when it is asked. It holds no revocation that anybody could see.
func TestP27AcceptUncheckedIsForOutages(t *testing.T) {
	w := newRevocable(t, session.Options{AcceptUnchecked: true})
	cookie := w.login(t, "user:1")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "LoadAll" {
			return errors.ErrUnsupported
		}
		return nil
	})
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).failedWith(503)
	w.read(t, "", func(s *session.Session) { s.Login("user:1") }).failedWith(503)
}

// A server that has not been updated yet gives shorter lifetimes than the one whose sessions it revokes.
func TestP27ARaisedMaxLifetimeBringsNothingBack(t *testing.T) {
	w := newRevocable(t, session.Options{})
	before := w.anotherServer(t, 0, session.Options{MaxLifetime: 12 * time.Hour})
	long := session.Lifetime{Idle: 2400 * time.Hour, Absolute: 2400 * time.Hour}
	cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(long) }).issued()
	if _, err := before.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(13 * time.Hour)
	w.sweepNothing(t)
	w.out(t, "the session", cookie)
}
