package session_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P6: what is in flight cannot bring a revoked session back.
func TestAWriteInFlightDuringARevocationDoesNotReviveTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	slow.finish().failedWith(http.StatusConflict)
	slow.untouched()
	if w.subjectOf(t, cookie) != "" || len(w.list(t, "user:1")) != 0 {
		t.Error("the session came back")
	}
}

func TestRevokeEndsWhatARenewalMakesMeanwhile(t *testing.T) {
	for _, at := range []string{"LoadAll", "Update"} { // between search and end, in both orders
		w := newWorld(t, session.Options{})
		cookie, renewed := w.login(t, "user:1"), ""
		handle := w.handleOf(t, cookie)
		w.store.Before(func(c probe.Call) error {
			if c.Method == at && at == "Update" {
				w.store.Before(nil)
				renewed = w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded().issued()
			}
			return nil
		})
		w.store.After(func(c probe.Call, err error) error {
			if c.Method == at && at == "LoadAll" {
				w.store.After(nil)
				renewed = w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded().issued()
			}
			return err
		})
		if err := w.Revoke(t.Context(), "user:1", handle); err != nil {
			t.Fatal(err)
		}
		if renewed == "" || w.subjectOf(t, renewed) != "" || w.subjectOf(t, cookie) != "" {
			t.Errorf("%s: a renewal saved the session from its end", at)
		}
	}
}

// The new record exists and the old one is not its alias yet when the revocation comes.
func TestARenewalInFlightDoesNotSurviveARevocation(t *testing.T) {
	for name, renew := range map[string]func(*session.Session){
		"renew": (*session.Session).Renew,
		"write": func(s *session.Session) { s.Renew(); count.Set(s, 2) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Update" {
				w.store.Before(nil)
				if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
					t.Errorf("%s: %d sessions ended (%v), want 1", name, n, err)
				}
			}
			return nil
		})
		v := begin(t, w.Manager, cookie)
		renew(v.Session)
		v.finish()
		if value, _ := v.cookie(); value != "" && w.subjectOf(t, value) != "" {
			t.Errorf("%s: the renewed session is alive", name)
		}
		if list := w.list(t, "user:1"); len(list) != 0 {
			t.Errorf("%s: still listed: %v", name, handles(list))
		}
	}
}

// Whoever uses the browser now is somebody else.
func TestRevokeDoesNotFollowIntoAnotherSubjectsSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie, other := w.login(t, "user:1"), ""
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" {
			w.store.After(nil)
			other = w.read(t, cookie, func(s *session.Session) { s.Login("user:2") }).succeeded().issued()
		}
		return err
	})
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	if w.subjectOf(t, other) != "user:2" {
		t.Error("another subject's session was ended")
	}
}

func TestRevokeWhileOthersWrite(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	writes := 0
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" && writes < 5 {
			before := writes
			if writes++; before%2 == 0 {
				w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
			}
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if w.subjectOf(t, cookie) != "" {
		t.Error("a write got the session past its end")
	}
}

// P6: a session in the last moment of its time is not alive for the one and is for the other.
func TestRevokeEndsWhatAWriteInFlightIsAboutToExtend(t *testing.T) {
	for _, method := range []string{"Touch", "Update"} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.now = w.now.Add(idleEnd - time.Millisecond)
		w.store.Before(func(c probe.Call) error {
			if c.Method == method {
				w.store.Before(nil)
				w.now = w.now.Add(time.Millisecond)
				if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || err != nil {
					t.Errorf("%s: %d ended (%v), want none that was alive", method, n, err)
				}
			}
			return nil
		})
		w.read(t, cookie, func(s *session.Session) {
			if method == "Update" {
				count.Set(s, 7)
			} else {
				count.Get(s)
			}
		})
		if w.subjectOf(t, cookie) != "" {
			t.Errorf("%s: the session outlived its end", method)
		}
	}
}

// What the search found and a renewal has moved on since is followed, wherever the renewal gets in between.
func TestRevokeFollowsWhatIsRenewedMeanwhile(t *testing.T) {
	for name, renew := range map[string]func(*session.Session){
		"renewed": (*session.Session).Renew, "logged in again": func(s *session.Session) { s.Login("user:1") },
	} {
		for _, at := range []string{"Find", "LoadAll", "Update"} {
			for _, before := range []bool{true, false} {
				for steps := 1; steps <= 3; steps++ {
					w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
					jar := w.login(t, "user:1")
					once := false
					between := func(c probe.Call) {
						if c.Method == at && !once {
							once = true
							for range steps {
								jar = w.read(t, jar, renew).succeeded().issued()
							}
						}
					}
					if before {
						w.store.Before(func(c probe.Call) error { between(c); return nil })
					} else if at != "Update" {
						w.store.After(func(c probe.Call, err error) error { between(c); return err })
					}
					n, err := w.RevokeAll(t.Context(), "user:1")
					w.store.Before(nil)
					w.store.After(nil)
					if err != nil || n != 1 || w.subjectOf(t, jar) != "" || w.alive(t) != 0 {
						t.Errorf("%s %d times, before %t %s: %d ended (%v), subject %q, %d alive",
							name, steps, before, at, n, err, w.subjectOf(t, jar), w.alive(t))
					}
				}
			}
		}
	}
}

// P6: in a store that refuses the marker, a session that is renewed before its record is deleted ends all the same.
func TestP6RevokeInAFullStoreEndsWhatIsBeingRenewed(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 200 * time.Millisecond})
	cookie := w.loginAt(t, "", "user:1")
	fails := true
	next := ""
	w.store.Before(func(c probe.Call) error {
		switch {
		case c.Method == "Update" && fails:
			fails = false
			return errDown
		case c.Method == "Delete" && next == "":
			next = "pending"
			next = w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded().issued()
		}
		return nil
	})
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Skip(err)
	}
	w.store.Before(nil)
	if got := w.subjectOf(t, next); got != "" {
		t.Errorf("RevokeAll returned nil and the renewed session of %q lives on", got)
	}
}
