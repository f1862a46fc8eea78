package session_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P6: a request in flight seals its session again, and what it seals is over all the same.
func TestP27RequestsInFlightBringNothingBack(t *testing.T) {
	for what, do := range map[string]func(*session.Session){
		"write": func(s *session.Session) { count.Set(s, 2) },
		"renew": (*session.Session).Renew,
		"touch": (*session.Session).Touch,
		"life":  func(s *session.Session) { s.SetLifetime(remembered) },
	} {
		for how, end := range revokers {
			w := newRevocable(t, session.Options{})
			cookie := w.login(t, "user:1")
			v := begin(t, w.Manager, cookie)
			count.Get(v.Session)
			w.now = w.now.Add(10 * time.Minute)
			end(t, w, cookie)
			do(v.Session)
			w.out(t, what+", "+how, v.finish().succeeded().issued())
		}
	}
}

// revokers end the session behind a cookie of user:1.
var revokers = map[string]func(*testing.T, *world, string){
	"RevokeAll": func(t *testing.T, w *world, _ string) { w.revokeAll(t, "user:1") },
	"Revoke": func(t *testing.T, w *world, cookie string) {
		if err := w.Revoke(t.Context(), "user:1", w.handleOf(t, cookie)); err != nil {
			t.Fatal(err)
		}
	},
	"Destroy": func(t *testing.T, w *world, cookie string) {
		w.read(t, cookie, (*session.Session).Destroy).succeeded()
	},
}

// P6, P7: whoever logs in with a session that has been revoked meanwhile is in, with nothing of what was revoked.
func TestP27ALoginInFlightStartsASessionOfItsOwn(t *testing.T) {
	for how, end := range revokers {
		w := newRevocable(t, session.Options{})
		cookie := w.login(t, "user:1")
		cookie = w.read(t, cookie, func(s *session.Session) { count.Set(s, 7) }).issued()
		v := begin(t, w.Manager, cookie)
		count.Get(v.Session)
		end(t, w, cookie)
		v.Login("user:1")
		name.Set(v.Session, "Ada")
		fresh := v.finish().succeeded().issued()
		w.read(t, fresh, func(s *session.Session) {
			if s.Subject() != "user:1" || count.Get(s) != 0 || name.Get(s) != "Ada" {
				t.Errorf("%s: %q, count %d, name %q; want user:1 with its own name only", how, s.Subject(), count.Get(s),
					name.Get(s))
			}
		})
		w.out(t, how, cookie)
	}
}

// P6: a logout that races a login ends the session that the login made, on whichever side of it the login has looked.
func TestP27ALogoutRacesALogin(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie := w.login(t, "user:1")
	v := begin(t, w.Manager, cookie)
	v.Login("user:1")
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" { // the login has looked
			w.store.After(nil)
			w.read(t, cookie, (*session.Session).Destroy).succeeded()
		}
		return err
	})
	w.out(t, "the login's session", v.finish().succeeded().issued())

	anonymous := w.start(t)
	first := w.loginAt(t, anonymous, "user:1")
	w.read(t, first, (*session.Session).Destroy).succeeded()
	second := w.loginAt(t, anonymous, "user:1") // as with the back button: not into what has ended
	w.in(t, "a login with the cookie from before", second, "user:1")
	w.out(t, "the first login", first)
}

// P6: what RevokeOthers has ended cannot be spared by a later one.
func TestP27RevokeOthersRevivesNothing(t *testing.T) {
	w := newRevocable(t, session.Options{})
	anonymous := w.start(t)
	a, b := w.loginAt(t, anonymous, "user:1"), w.login(t, "user:1")
	inFlight := begin(t, w.Manager, b)
	count.Get(inFlight.Session)
	w.revokeOthers(t, a)
	if _, err := w.RevokeOthers(t.Context(), inFlight.Session); err != nil {
		t.Fatal(err)
	}
	inFlight.finish()
	w.out(t, "b", b)
	w.out(t, "a", a)
	again := w.loginAt(t, anonymous, "user:1") // has a's handle
	w.revokeOthers(t, again)
	w.in(t, "the login after that", again, "user:1")
	w.out(t, "the copy with the same handle from before", a)
}

func (w *world) revokeOthers(t *testing.T, cookie string) {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	if n, err := w.RevokeOthers(t.Context(), v.Session); n != -1 || err != nil {
		t.Fatal(n, err)
	}
	v.finish().succeeded()
}

// A login that is still to be saved counts as the one that asks.
func TestP27RevokeOthersInTheRequestOfALogin(t *testing.T) {
	for _, saved := range []bool{false, true} {
		w := newRevocable(t, session.Options{})
		other := w.login(t, "user:1")
		v := begin(t, w.Manager, w.start(t))
		v.Login("user:1")
		if saved && v.Save() != nil {
			t.Fatal("not saved")
		}
		if _, err := w.RevokeOthers(t.Context(), v.Session); err != nil {
			t.Fatal(err)
		}
		w.in(t, "the login", v.finish().succeeded().issued(), "user:1")
		w.out(t, "the other", other)
	}
}

// A copy of the session from before a login that is still to be saved is not what asks.
func TestP27APendingLoginSparesNoCopy(t *testing.T) {
	w := newRevocable(t, session.Options{})
	copied := w.login(t, "user:1")
	v := begin(t, w.Manager, copied)
	v.Login("user:1")
	if _, err := w.RevokeOthers(t.Context(), v.Session); err != nil {
		t.Fatal(err)
	}
	w.in(t, "the login", v.finish().succeeded().issued(), "user:1")
	w.out(t, "the copy", copied)
}

// A revocation that meets another one has its own effect: what the other spares it does not.
func TestP27TwoRevocationsAtOnce(t *testing.T) {
	for _, before := range []int{0, 1} {
		w := newRevocable(t, session.Options{})
		for range before {
			w.revokeAll(t, "user:1")
		}
		cookie := w.login(t, "user:1")
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Create" || c.Method == "Update" {
				w.store.Before(nil)
				w.revokeOthers(t, cookie)
			}
			return nil
		})
		w.revokeAll(t, "user:1")
		w.out(t, "the session that the other one spares", cookie)
	}
}

// Two bumps in one millisecond, by servers whose clocks differ by an hour, each end what was there.
func TestP27NoClocksAreCompared(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		w := newRevocable(t, session.Options{})
		elsewhere := w.anotherServer(t, skew, session.Options{})
		for range 3 {
			for _, m := range []*session.Manager{w.Manager, elsewhere} {
				cookie := w.login(t, "user:1")
				w.in(t, "a login after a revocation", cookie, "user:1")
				if _, err := m.RevokeAll(t.Context(), "user:1"); err != nil {
					t.Fatal(err)
				}
				w.out(t, "a session before it", cookie)
				labelled := w.read(t, "", func(s *session.Session) { s.Login("user:1", session.Label("L")) }).issued()
				if _, err := elsewhere.RevokeLabel(t.Context(), "other"); err != nil {
					t.Fatal(err)
				}
				if _, err := m.RevokeLabel(t.Context(), "L"); err != nil {
					t.Fatal(err)
				}
				w.out(t, "by a label", labelled)
			}
		}
	}
}

// A number that a server with another clock has given to everybody is none to compare a subject's with.
func TestP27EverybodysRevocation(t *testing.T) {
	w := newRevocable(t, session.Options{})
	ahead := w.anotherServer(t, time.Hour, session.Options{})
	anonymous, a, b := w.start(t), w.login(t, "user:1"), w.login(t, "user:2")
	if _, err := ahead.RevokeEverybody(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.out(t, "a", a)
	w.out(t, "b", b)
	if w.countOf(t, anonymous) != 1 {
		t.Error("nobody's session has ended")
	}
	a = w.login(t, "user:1")
	w.in(t, "a login afterwards", a, "user:1")
	w.revokeAll(t, "user:1")
	w.out(t, "revoked by a server whose clock is behind", a)
	before, err := w.records.Load(t.Context(), w.ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.RevokeEverybody(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after, err := w.records.Load(t.Context(), w.ids[0]); err != nil || after.Expires.Before(before.Expires) {
		t.Errorf("%v: it is kept until %v, and was until %v", err, after.Expires, before.Expires)
	}
}

// Managers that share a store have revocations of their own, as they have tokens of their own.
func TestP27ManagersHaveRevocationsOfTheirOwn(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie := w.login(t, "user:1")
	admins := w.anotherServer(t, 0, session.Options{Name: "admins"})
	if _, err := admins.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	w.in(t, "of another manager", cookie, "user:1")
}

// What a login has seen stays with the session.
func TestP27ASessionKeepsWhatItsLoginHasSeen(t *testing.T) {
	w := newRevocable(t, session.Options{RenewAfter: 10 * time.Minute, AbsoluteTimeout: 5 * time.Hour})
	w.revokeAll(t, "user:1")
	cookie := w.login(t, "user:1")
	for _, do := range []func(*session.Session){
		(*session.Session).Renew, (*session.Session).Touch, func(s *session.Session) { count.Update(s, addOne) },
		func(s *session.Session) { s.SetLifetime(remembered) }, (*session.Session).Clear,
		func(s *session.Session) { s.Subject() },
	} {
		w.now = w.now.Add(11 * time.Minute)
		if issued, _ := w.read(t, cookie, do).succeeded().cookie(); issued != "" {
			cookie = issued
		}
		w.in(t, "kept", cookie, "user:1")
	}
	w.revokeAll(t, "user:1")
	w.out(t, "the next revocation", cookie)
}

// A revocation is kept for as long as any session that it concerns can live, and another one after that ends as well.
func TestP27RevocationsAreKeptAndGo(t *testing.T) {
	w := newRevocable(t, session.Options{MaxLifetime: 48 * time.Hour})
	cookie := w.read(t, "", func(s *session.Session) {
		s.SetLifetime(session.Lifetime{Idle: 48 * time.Hour, Absolute: 48 * time.Hour})
		s.Login("user:1")
	}).issued()
	w.revokeAll(t, "user:1")
	single := w.read(t, "", func(s *session.Session) { s.Login("user:2") }).issued()
	w.read(t, single, (*session.Session).Destroy).succeeded()
	w.now = w.now.Add(48*time.Hour - time.Second)
	w.sweepNothing(t)
	w.out(t, "before its end", cookie)
	w.now = w.now.Add(time.Second + 10*time.Minute)
	if n, err := w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000); n != 1 || err != nil {
		t.Errorf("%d swept, %v; want that of one session", n, err)
	}
	w.now = w.now.Add(400 * 24 * time.Hour)
	if n, err := w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000); n != 1 || err != nil {
		t.Errorf("%d swept, %v; want the subject's", n, err)
	}
	later := w.login(t, "user:1")
	w.in(t, "a login once the revocation has gone", later, "user:1")
	w.revokeAll(t, "user:1")
	w.out(t, "the revocation after that", later)
}

// The store's client sends a write again after a lost answer.
func TestP27LostAnswers(t *testing.T) {
	w := newRevocable(t, session.Options{})
	cookie, other := w.login(t, "user:1"), w.login(t, "user:1")
	resend(w.store, "Create")
	w.read(t, cookie, (*session.Session).Destroy).succeeded()
	w.out(t, "destroyed", cookie)
	resend(w.store, "Create")
	w.revokeAll(t, "user:1")
	w.out(t, "revoked", other)
	other = w.login(t, "user:1")
	resend(w.store, "Update")
	w.revokeAll(t, "user:1")
	w.out(t, "revoked once more", other)
}

// A logout after the first byte needs the browser for nothing but its copy.
func TestP27ALogoutAfterTheHeaders(t *testing.T) {
	w := newRevocable(t, session.Options{})
	anonymous, cookie := w.start(t), w.login(t, "user:1")
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	v.commit().succeeded()
	v.Destroy()
	if err := v.Save(); err != nil {
		t.Errorf("Save: %v", err)
	}
	v.request.End()
	w.out(t, "late", cookie)
	cookie = w.login(t, "user:1")
	v = begin(t, w.Manager, cookie)
	count.Get(v.Session)
	v.commit().succeeded()
	v.Destroy()
	v.Login("user:2")
	if err := v.Save(); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("a login after it: %v, want ErrCommitted", err)
	}
	v.request.End()
	w.out(t, "late, and a login behind it", cookie)
	v = begin(t, w.Manager, anonymous)
	count.Get(v.Session)
	v.commit().succeeded()
	v.Destroy()
	if err := v.Save(); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("nobody's session cannot be ended without its browser: %v, want ErrCommitted", err)
	}
	v.request.End()
}

// Several cookies of one name: Login and Destroy end all that opened, but not the session that goes on.
func TestP27SeveralSealedSessionsInOneRequest(t *testing.T) {
	w := newRevocable(t, session.Options{})
	a, b := w.login(t, "user:1"), w.login(t, "user:1")
	w.now = w.now.Add(time.Minute)
	c := w.loginAt(t, b, "user:1") // a copy of b, and the latest
	v := beginCookies(t, w.Manager, a, b, c)
	v.Login("user:1")
	fresh := v.finish().succeeded().issued()
	w.in(t, "the login's", fresh, "user:1")
	w.out(t, "another session", a)
	a = w.login(t, "user:1")
	v = beginCookies(t, w.Manager, a, fresh)
	v.Destroy()
	v.finish().succeeded()
	w.out(t, "a", a)
	w.out(t, "b", fresh)
}

// P16: what is too large for the cookie ends nothing.
func TestP27WhatIsTooLargeToSealEndsNothing(t *testing.T) {
	for what, first := range map[string]func(*session.Session){
		"login":   func(s *session.Session) { s.Login("user:2") },
		"destroy": (*session.Session).Destroy,
	} {
		w := newRevocable(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.read(t, cookie, func(s *session.Session) { first(s); name.Set(s, strings.Repeat("x", 9000)) }).failedWith(500)
		w.in(t, what, cookie, "user:1")
	}
}
