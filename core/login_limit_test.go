package session_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestMaxPerSubject(t *testing.T) {
	for policy, name := range map[session.LimitPolicy]string{session.EvictOldest: "evict", session.RefuseLogin: "refuse"} {
		for _, servers := range []int{1, 3} {
			w := newWorld(t, session.Options{MaxPerSubject: 3, AtLimit: policy,
				OnEvent: func(context.Context, session.Event) {}})
			managers := []*session.Manager{w.Manager}
			for len(managers) < servers {
				m, err := session.New(w.store, session.Options{
					// Of another name, so that its logins do not take turns with the others', like another server's.
					Name: fmt.Sprint("server", len(managers)), MaxPerSubject: 3, AtLimit: policy,
					OnEvent: func(context.Context, session.Event) {},
				})
				if err != nil {
					t.Fatal(err)
				}
				managers = append(managers, m)
			}
			var wg sync.WaitGroup
			visits := make([]*visit, 20)
			for i := range visits {
				wg.Go(func() {
					visits[i] = begin(t, managers[i%servers], "")
					visits[i].Login("user:1")
					visits[i].finish()
				})
			}
			wg.Wait()
			answered := 0
			for _, v := range visits {
				if v.ok {
					answered++
				} else if policy == session.EvictOldest || v.instead.Status != 403 {
					t.Errorf("%s: a login failed with %d", name, v.instead.Status)
				}
			}
			if n := len(w.list(t, "user:1")); n != 3 || policy == session.RefuseLogin && servers == 1 && answered != 3 {
				t.Errorf("%s, %d servers: %d sessions live and %d logins were answered; 3 are allowed", name, servers, n, answered)
			}
		}
	}
}

func TestMaxPerSubjectEndsTheOldestLogin(t *testing.T) {
	w := newWorld(t, session.Options{MaxPerSubject: 2})
	var cookies []string
	for range 3 {
		w.now = w.now.Add(time.Minute)
		cookies = append(cookies, w.login(t, "user:1"))
	}
	for i, c := range cookies {
		if lives := w.subjectOf(t, c) != ""; lives != (i > 0) {
			t.Errorf("login %d: alive %t", i+1, lives)
		}
	}
	again := w.read(t, cookies[2], func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	if w.subjectOf(t, again) == "" || w.subjectOf(t, cookies[1]) == "" {
		t.Error("logging in again counted as one more session")
	}
	if !w.saw(session.ReasonEvicted) {
		t.Error("no event says that a session was evicted")
	}
}

func TestARefusedLoginLeavesTheVisitorAsBefore(t *testing.T) {
	w := newWorld(t, session.Options{MaxPerSubject: 1, AtLimit: session.RefuseLogin})
	w.login(t, "user:1")
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	v.Login("user:1")
	if err := v.Save(); !errors.Is(err, session.ErrTooManySessions) {
		t.Errorf("Save = %v, want ErrTooManySessions", err)
	}
	v.finish().succeeded().untouched()
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d: the visitor's cart is gone", n)
	}
}

// MaxPerSubject with RefuseLogin: what the login itself ends does not count.
func TestRefuseLoginDoesNotCountWhatTheLoginEnds(t *testing.T) {
	o := session.Options{MaxPerSubject: 1, AtLimit: session.RefuseLogin}
	t.Run("Destroy and Login in one request", func(t *testing.T) {
		w := newWorld(t, o)
		cookie := w.loginAt(t, "", "user:1")
		v := begin(t, w.Manager, cookie)
		v.Destroy()
		v.Login("user:1")
		v.finish().succeeded()
	})
	t.Run("a login form sent twice, the first answer lost", func(t *testing.T) {
		w := newWorld(t, o)
		cookie := w.start(t)
		w.loginAt(t, cookie, "user:1")
		v := begin(t, w.Manager, cookie)
		v.Login("user:1")
		v.finish().succeeded()
	})
	t.Run("two cookies of one subject", func(t *testing.T) {
		unlimited := newWorld(t, session.Options{})
		a, b := unlimited.loginAt(t, "", "user:1"), unlimited.loginAt(t, "", "user:1")
		m := unlimited.second(t, 0, o)
		v := beginCookies(t, m, a, b)
		v.Login("user:1")
		v.finish().succeeded()
	})
}

// MaxPerSubject: two servers whose logins overlap do not evict each other's: one of them lives.
func TestEvictOldestOnTwoServersLeavesTheLatestLogin(t *testing.T) {
	w := newWorld(t, session.Options{MaxPerSubject: 1, OnEvent: func(context.Context, session.Event) {}})
	o := session.Options{MaxPerSubject: 1, Name: "other", Cookie: session.Cookie{Name: cookieName}} // another turn
	o.OnEvent = func(context.Context, session.Event) {}
	other, err := session.New(w.store, o)
	if err != nil {
		t.Fatal(err)
	}
	first := begin(t, w.Manager, "")
	first.Login("user:1")
	second := begin(t, other, "")
	second.Login("user:1")
	var ready sync.WaitGroup
	ready.Add(2)
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" { // both have made their sessions, and look before either one evicts
			ready.Done()
			ready.Wait()
		}
		return err
	})
	var wg sync.WaitGroup
	// both Creates before both Finds
	var made sync.WaitGroup
	made.Add(2)
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Find" {
			made.Done()
			made.Wait()
		}
		return nil
	})
	wg.Go(func() { first.finish() })
	wg.Go(func() { second.finish() })
	wg.Wait()
	w.store.Before(nil)
	w.store.After(nil)
	first.succeeded()
	second.succeeded()
	if n := w.alive(t); n != 1 {
		t.Errorf("both logins were answered with success and %d sessions live, want 1", n)
	}
}

// MaxPerSubject: once 20 parallel logins have answered no more than the cap live.
func TestTwentyParallelLoginsKeepTheCap(t *testing.T) {
	for _, p := range []session.LimitPolicy{session.EvictOldest, session.RefuseLogin} {
		w := newWorld(t, session.Options{MaxPerSubject: 3, AtLimit: p, OnEvent: func(context.Context, session.Event) {}})
		other, err := session.New(w.store, session.Options{Name: "b", MaxPerSubject: 3, AtLimit: p,
			OnEvent: func(context.Context, session.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var ok [20]bool
		for i := range 20 {
			m := w.Manager
			if i%2 == 1 {
				m = other
			}
			v := begin(t, m, "")
			wg.Go(func() {
				v.Login("user:1")
				ok[i] = v.finish().ok
			})
		}
		wg.Wait()
		n := 0
		for _, o := range ok {
			if o {
				n++
			}
		}
		if alive := w.alive(t); alive > 3 || alive == 0 {
			t.Errorf("policy %d: %d live after 20 logins, %d answered ok", p, alive, n)
		}
	}
}

// P18: a login that is answered with an error has not logged in.
func TestP18ALoginThatFailsAtItsLimitDoesNotLogIn(t *testing.T) {
	w := newWorld(t, session.Options{MaxPerSubject: 1})
	w.loginAt(t, "", "user:1")
	v := begin(t, w.Manager, "")
	v.Login("user:1")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Find" {
			return errDown
		}
		return nil
	})
	v.finish().failedWith(503)
	w.store.Before(nil)
	if value, _ := v.cookie(); value != "" {
		t.Errorf("the error response carries the cookie of a session of %q; %d live",
			w.subjectOf(t, value), len(w.list(t, "user:1")))
	}
}
