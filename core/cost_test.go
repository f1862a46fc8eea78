package session_test

import (
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P1 to P4: what a request costs.

func TestAnUnusedSessionCostsNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	v := begin(t, w.Manager, cookie).finish().succeeded()
	if n := w.store.Count(""); n != 0 || len(v.x.response) != 0 {
		t.Errorf("%d store calls and headers %v, want none", n, v.x.response)
	}
}

// Middleware that saves for every request, to answer in its own form, must not make sessions cost what they need not.
func TestSavingAnUnusedSessionCostsNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	v := begin(t, w.Manager, cookie)
	if err := v.Session.Save(); err != nil {
		t.Error(err)
	}
	if v.finish().succeeded(); w.store.Count("") != 0 || len(v.x.response) != 0 {
		t.Errorf("%d store calls and headers %v, want none", w.store.Count(""), v.x.response)
	}
}

func TestAReadCostsOneLoadAndSetsNoCookie(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	for presented, calls := range map[string]int{cookie: 1, "": 0, "malformed": 0, cookie[:42] + "!": 0} {
		w.store.Reset()
		v := w.read(t, presented, func(s *session.Session) { count.Get(s); name.Get(s); s.Subject() }).succeeded()
		v.untouched()
		if n := w.store.Count(""); n != calls {
			t.Errorf("cookie %.9q…: %d store calls, want %d", presented, n, calls)
		}
		if v.x.response.Get("Vary") != "Cookie" || v.x.response.Get("Cache-Control") != "private" {
			t.Errorf("headers %v: a response that depends on the session must say so to caches", v.x.response)
		}
	}
}

func TestAWriteCostsOneMoreCall(t *testing.T) {
	for what, c := range map[string]struct {
		f     func(*session.Session)
		calls int
	}{
		"update":     {func(s *session.Session) { count.Update(s, addOne) }, 2},
		"same value": {func(s *session.Session) { count.Set(s, 1) }, 1},
		"there and back": {func(s *session.Session) {
			count.Set(s, 5)
			count.Set(s, 1)
		}, 1},
		"delete absent": {func(s *session.Session) { name.Delete(s) }, 1},
		"many keys":     {func(s *session.Session) { count.Set(s, 2); name.Set(s, "x"); items.Set(s, nil) }, 2},
		"clear":         {func(s *session.Session) { s.Clear() }, 2},
		"renew":         {func(s *session.Session) { s.Renew() }, 3},
		"login":         {func(s *session.Session) { count.Update(s, addOne); s.Login("user:1") }, 3},
		"destroy":       {func(s *session.Session) { s.Destroy() }, 2},
		"refused": {func(s *session.Session) {
			_ = items.Try(s, func([]string) ([]string, error) { return nil, http.ErrNoCookie })
		}, 1},
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		w.store.Reset()
		w.read(t, cookie, c.f).succeeded()
		if n := w.store.Count(""); n != c.calls {
			t.Errorf("%s: %d store calls, want %d", what, n, c.calls)
		}
	}
}

func TestNothingIsStoredForAVisitorWhoStoresNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := w.read(t, "", func(s *session.Session) {
		count.Set(s, 1)
		count.Delete(s)
		s.Touch()
		s.Renew()
		s.Clear()
		s.Destroy()
	}).succeeded()
	v.untouched()
	if n := w.store.Count(""); n != 0 {
		t.Errorf("%d store calls, want none", n)
	}
}

// P8: RenewAfter is one load per candidate (P2), also for the oldest token of a long chain.
func TestP2AnOldTokenDoesNotCostALoadForEachRenewalSince(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	first := w.start(t)
	cookie := first
	for range 60 {
		w.now = w.now.Add(2 * time.Minute)
		cookie = w.read(t, cookie, func(s *session.Session) { count.Get(s) }).issued()
		w.read(t, cookie, func(s *session.Session) { count.Get(s) })
	}
	w.store.Reset()
	w.read(t, first, func(s *session.Session) { count.Get(s) })
	if n := w.store.Count("Load"); n > 5 {
		t.Errorf("a request with a replayed token costs %d loads", n)
	}
}

func TestTheIdleClockIsExtendedAtMostOncePerInterval(t *testing.T) {
	w := newWorld(t, session.Options{}) // 30 minutes idle, so every 3 minutes
	cookie := w.start(t)
	w.store.Reset()
	for range 60 {
		w.now = w.now.Add(time.Minute)
		if n := w.countOf(t, cookie); n != 1 {
			t.Fatal("an active session expired")
		}
	}
	if n := w.store.Count("Touch"); n != 20 {
		t.Errorf("%d touches in an hour of one request a minute, want 20", n)
	}
	if n := w.store.Count("Update"); n != 0 {
		t.Errorf("%d updates: a touch must not rewrite data", n)
	}
}

func TestAnUpdateRunsOnceWhenNobodyInterferes(t *testing.T) {
	w := newWorld(t, session.Options{})
	for _, cookie := range []string{"", w.start(t)} {
		runs := 0
		w.read(t, cookie, func(s *session.Session) {
			count.Update(s, func(n int) int { runs++; return n + 1 })
		}).succeeded()
		if runs != 1 {
			t.Errorf("cookie %.5q: the function ran %d times, want once", cookie, runs)
		}
	}
}
