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

func TestATouchNeverPassesTheAbsoluteDeadline(t *testing.T) {
	w := newWorld(t, session.Options{IdleTimeout: 30 * time.Minute, AbsoluteTimeout: time.Hour})
	cookie := w.start(t)
	for range 5 {
		w.now = w.now.Add(11 * time.Minute)
		w.read(t, cookie, func(s *session.Session) { s.Touch() }).succeeded()
	}
	w.now = w.now.Add(5 * time.Minute)
	if n := w.countOf(t, cookie); n != 0 {
		t.Error("activity carried the session over its absolute deadline")
	}
	if !w.saw(session.ReasonExpiredAbsolute) {
		t.Error("the event does not say which clock ended the session")
	}
}

func TestExpiryIsAnInstant(t *testing.T) {
	for late, lives := range map[time.Duration]bool{-time.Millisecond: true, 0: false} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		w.now = w.now.Add(30*time.Minute + late)
		if got := w.countOf(t, cookie) == 1; got != lives {
			t.Errorf("%v after the idle timeout: alive %t, want %t", late, got, lives)
		}
	}
}

func TestLeewayAllowsForServersWhoseClocksDiffer(t *testing.T) {
	w := newWorld(t, session.Options{Leeway: 10 * time.Second})
	cookie := w.start(t)
	w.now = w.now.Add(30*time.Minute + 9*time.Second)
	if n := w.countOf(t, cookie); n != 1 {
		t.Error("the session expired within the leeway")
	}
}

func TestTheLifetimeIsTheSessionsOwn(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	shorter, err := session.New(w.store, session.Options{IdleTimeout: time.Minute, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(5 * time.Minute)
	v := begin(t, shorter, cookie)
	if count.Get(v.Session) != 1 {
		t.Fatal("a new setting ended a session that was promised 30 minutes")
	}
	v.finish().succeeded()
	w.now = w.now.Add(29 * time.Minute)
	if n := w.countOf(t, cookie); n != 1 {
		t.Error("the touch used the new setting and not the session's own")
	}
}

func TestRenewAfterRenewsOnlyOldTokens(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	cookie := w.start(t)
	w.now = w.now.Add(9 * time.Minute)
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	w.now = w.now.Add(time.Minute)
	fresh := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
}
