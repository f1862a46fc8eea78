package session_test

import (
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// P27: one record ends however many there are.
func TestP27LogOutEverywhere(t *testing.T) {
	for kind, sealer := range sealers {
		w := newRevocable(t, session.Options{Sealer: sealer})
		var cookies []string
		for range 50 {
			cookies = append(cookies, w.login(t, "user:1"))
		}
		stranger := w.login(t, "user:2")
		v := begin(t, w.Manager, cookies[0])
		if n, err := w.RevokeOthers(t.Context(), v.Session); n != -1 || err != nil {
			t.Fatalf("%s: %d, %v", kind, n, err)
		}
		v.finish().succeeded()
		for _, c := range cookies[1:] {
			w.out(t, kind, c)
		}
		w.in(t, kind+": the one that asked", cookies[0], "user:1")
		w.in(t, kind+": another subject", stranger, "user:2")
		if len(w.ids) != 1 {
			t.Errorf("%s: %d records, want 1", kind, len(w.ids))
		}
		w.in(t, kind+": a login afterwards", w.login(t, "user:1"), "user:1")
		w.revokeAll(t, "user:1")
		w.out(t, kind+": spared once only", cookies[0])
	}
}

// P27: a copy that somebody kept ends with the browser's.
func TestP27DestroyEndsEveryCopyOfASealedSession(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie := w.login(t, "user:1")
	copied := w.read(t, cookie, func(s *session.Session) { count.Set(s, 1) }).issued()
	other := w.login(t, "user:1")
	v := w.read(t, cookie, (*session.Session).Destroy).succeeded()
	if _, deleted := v.cookie(); !deleted || !w.saw(session.ReasonEnded) {
		t.Error("the cookie was not deleted, or it is no event")
	}
	w.out(t, "the cookie", cookie)
	w.out(t, "its copy", copied)
	w.in(t, "another device", other, "user:1")
	w.now = w.now.Add(11*time.Hour + 59*time.Minute)
	w.sweepNothing(t)
	if len(w.ids) != 1 {
		t.Errorf("%d records for one logout", len(w.ids))
	}
}

func (w *world) sweepNothing(t *testing.T) {
	t.Helper()
	if n, err := w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000); n != 0 || err != nil {
		t.Errorf("%d swept, %v: revocations that are still needed", n, err)
	}
}

func TestP27RevokeEndsOneSealedSession(t *testing.T) {
	w := newRevocable(t, session.Options{})
	mine, other, stranger := w.login(t, "user:1"), w.login(t, "user:1"), w.login(t, "user:2")
	handle := w.handleOf(t, mine)
	for _, wrong := range []string{"", "x", handle + "A", handle[1:], "AAAAAAAAAAAAAAAAAAAAAA", handle[:21] + "_"} {
		if err := w.Revoke(t.Context(), "user:1", wrong); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Revoke(%q): %v, want ErrNotFound", wrong, err)
		}
	}
	if err := w.Revoke(t.Context(), "user:2", handle); err != nil {
		t.Error(err)
	}
	w.in(t, "a visitor who has guessed the handle", mine, "user:1")
	for range 2 {
		if err := w.Revoke(t.Context(), "user:1", handle); err != nil {
			t.Error(err)
		}
	}
	w.out(t, "the session", mine)
	w.in(t, "another one", other, "user:1")
	w.in(t, "another subject's", stranger, "user:2")
	if w.Revoke(t.Context(), "", handle) == nil {
		t.Error("nobody's session was revoked")
	}
	if _, err := w.RevokeAll(t.Context(), ""); err == nil {
		t.Error("nobody's sessions were revoked")
	}
}

// A login as somebody else takes the place of what was there before.
func TestP27ALoginAsSomebodyElseEndsASealedSession(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie := w.login(t, "user:1")
	second := w.loginAt(t, cookie, "user:2")
	w.out(t, "the first", cookie)
	w.in(t, "the second", second, "user:2")
	w.in(t, "as the same subject", w.loginAt(t, second, "user:2"), "user:2")
	w.in(t, "as the same subject, the copy before", second, "user:2")
}

// P2, P27: one call of the store for each request that uses somebody's session, none for nobody's.
func TestP27WhatRevocationsCost(t *testing.T) {
	w := newRevocable(t, session.Options{})
	anonymous, cookie := w.start(t), w.login(t, "user:1")
	w.revokeAll(t, "user:2")
	for _, c := range []struct {
		what, cookie string
		do           func(*session.Session)
		want         map[string]int
	}{
		{"not used", cookie, func(*session.Session) {}, nil},
		{"nobody's", anonymous, func(s *session.Session) { count.Update(s, addOne) }, nil},
		{"nobody's, destroyed", anonymous, (*session.Session).Destroy, nil},
		{"no cookie", "", func(s *session.Session) { count.Set(s, 1) }, nil},
		{"no cookie of ours", flip(cookie), func(s *session.Session) { count.Get(s) }, nil},
		{"read", cookie, func(s *session.Session) { count.Get(s); name.Get(s) }, map[string]int{"LoadAll": 1}},
		{"write", cookie, func(s *session.Session) { count.Update(s, addOne) }, map[string]int{"LoadAll": 1}},
		{"login", "", func(s *session.Session) { s.Login("user:1") }, map[string]int{"LoadAll": 1}},
		{"login once more", cookie, func(s *session.Session) { s.Login("user:1") }, map[string]int{"LoadAll": 2}},
		{"logout", cookie, (*session.Session).Destroy, map[string]int{"LoadAll": 1, "Create": 1}},
	} {
		w.store.Reset()
		w.read(t, c.cookie, c.do).succeeded()
		n := 0
		for method, want := range c.want {
			n += want
			if got := w.store.Count(method); got != want {
				t.Errorf("%s: %d calls of %s, want %d", c.what, got, method, want)
			}
		}
		if got := w.store.Count(""); got != n {
			t.Errorf("%s: %d calls, want %d", c.what, got, n)
		}
	}
}

// loadsOne is a store that cannot load many records at once.
type loadsOne struct{ session.Store }

func TestOptionsForRevocations(t *testing.T) {
	var none *memstore.Store
	for what, o := range map[string]session.Options{
		"a store that loads one at a time": {Revocations: loadsOne{memstore.New()}},
		"no store":                         {Revocations: none},
		"an age of nothing":                {RevocationAge: time.Second},
		"nothing to accept unchecked":      {AcceptUnchecked: true},
		"an age of days":                   {Revocations: memstore.New(), RevocationAge: time.Hour + 1},
		"a negative age":                   {Revocations: memstore.New(), RevocationAge: -1},
	} {
		if _, err := session.NewSealed(session.TemporaryKeys(), o); err == nil {
			t.Errorf("NewSealed takes %s", what)
		}
		if _, err := session.New(memstore.New(), o); err == nil {
			t.Errorf("New takes %s", what)
		}
	}
}

// P17, P18: while the store of revocations is down nobody passes as not revoked, and nothing is said to be ended.
func TestP27TheStoreOfRevocationsIsDown(t *testing.T) {
	w := newRevocable(t, session.Options{})
	anonymous, cookie := w.start(t), w.login(t, "user:1")
	w.store.Before(func(probe.Call) error { return errDown })
	for what, do := range map[string]func(*session.Session){
		"read":   func(s *session.Session) { count.Get(s) },
		"write":  func(s *session.Session) { count.Set(s, 1) },
		"logout": (*session.Session).Destroy,
		"login":  func(s *session.Session) { s.Login("user:1") },
	} {
		v := w.read(t, cookie, do)
		v.failedWith(503)
		v.untouched()
		t.Log(what)
	}
	v := begin(t, w.Manager, "")
	v.Login("user:1")
	v.finish().failedWith(503)
	if n := w.countOf(t, anonymous); n != 1 {
		t.Error("nobody's session was asked for")
	}
	for what, err := range map[string]error{
		"Revoke":    w.Revoke(t.Context(), "user:1", "abcdefghijklmnopqrstuw"),
		"RevokeAll": second(w.RevokeAll(t.Context(), "user:1")),
	} {
		if !errors.Is(err, session.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	w.store.Before(nil)
	w.in(t, "afterwards", cookie, "user:1")
	w.store.Before(fail("Create")) // it is full
	v = w.read(t, cookie, (*session.Session).Destroy)
	v.failedWith(503)
	v.untouched()
	w.in(t, "after a logout that was answered with an error", cookie, "user:1")
}

func second(_ int, err error) error { return err }
