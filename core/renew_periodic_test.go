package session_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestAPageOfParallelRequestsAcrossARenewalGetsOneCookie(t *testing.T) {
	for _, lost := range []int{0, 1, 5, 6} { // so many of the answers do not arrive
		w, old := renewing(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
		visits := make([]*visit, 6)
		for i := range visits {
			visits[i] = begin(t, w.Manager, old)
			if i%2 == 0 {
				count.Update(visits[i].Session, addOne)
			} else {
				count.Get(visits[i].Session)
			}
		}
		var wg sync.WaitGroup
		for _, v := range visits {
			wg.Go(func() { v.finish() })
		}
		wg.Wait()
		jar, tokens := old, map[string]bool{}
		for i, v := range visits {
			tokens[v.succeeded().issued()] = true
			if i >= lost {
				jar = v.issued()
			}
		}
		if len(tokens) != 1 {
			t.Errorf("%d different cookies for one page", len(tokens))
		}
		w.now = w.now.Add(20 * time.Minute) // however long the visitor looks at the page
		v := w.read(t, jar, func(s *session.Session) {
			if s.Subject() != "user:1" || count.Get(s) != 4 {
				t.Errorf("%d answers lost: subject %q count %d", lost, s.Subject(), count.Get(s))
			}
		}).succeeded()
		if lost == 6 && !tokens[v.issued()] {
			t.Error("the old token was handed another one than before")
		}
		if n := w.alive(t); n != 1 {
			t.Errorf("%d sessions are alive, want 1", n)
		}
	}
}

func TestTheOldTokenWorksForAWhileAfterTheNewOneWasPresented(t *testing.T) {
	w, old := renewing(t, session.Options{RenewGrace: 30 * time.Second})
	fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	w.store.Reset()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if n := w.store.Count("Update"); n != 1 {
		t.Errorf("%d updates at the first use of the new token, want 1 that notes it", n)
	}
	w.store.Reset()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls at its second use, want 1", n)
	}
	w.now = w.now.Add(30*time.Second - time.Millisecond)
	straggler := w.read(t, old, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if straggler.issued() != fresh || w.countOf(t, fresh) != 2 {
		t.Error("a request that was sent before the new token arrived was not served")
	}
	w.now = w.now.Add(time.Millisecond)
	w.events = nil
	w.read(t, old, func(s *session.Session) {
		if s.Exists() || s.Subject() != "" {
			t.Error("a replaced token opens the session after its grace")
		}
	})
	if !w.saw(session.ReasonReplayed) {
		t.Errorf("events %v: a copy of a token was used and nobody hears of it", w.events)
	}
	if w.subjectOf(t, fresh) != "user:1" {
		t.Error("a replay ended the session though nobody asked for that")
	}
}

func TestAReplayEndsTheSessionIfTheApplicationWantsIt(t *testing.T) {
	w, old := renewing(t, session.Options{OnReplay: session.EndReplayed})
	fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded()
	w.now = w.now.Add(time.Minute)
	thief := w.read(t, old, func(s *session.Session) { count.Set(s, 9) })
	if value, _ := thief.cookie(); value != "" && w.subjectOf(t, value) != "" {
		t.Error("the thief got a session of the visitor's")
	}
	if w.subjectOf(t, fresh) != "" || len(w.list(t, "user:1")) != 0 {
		t.Error("the session that was stolen goes on")
	}
}

func TestOldTokensOfSeveralRenewals(t *testing.T) {
	w, first := renewing(t, session.Options{})
	second := w.read(t, first, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	w.read(t, second, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	w.now = w.now.Add(10 * time.Minute)
	third := w.read(t, second, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	if got := w.read(t, second, func(s *session.Session) { count.Get(s) }).issued(); got != third {
		t.Error("the second token leads elsewhere than to the third")
	}
	w.read(t, first, func(s *session.Session) {
		if s.Exists() {
			t.Error("the first token opens the session ten minutes after the second was presented")
		}
	})
	w.read(t, third, (*session.Session).Destroy).succeeded()
	for i, c := range []string{first, second, third} {
		if w.subjectOf(t, c) != "" {
			t.Errorf("token %d opens the session after the logout", i+1)
		}
	}
}

func TestNothingAtRestOpensARenewedSession(t *testing.T) {
	var kept [][]byte
	w, old := renewing(t, session.Options{})
	w.store.Before(func(c probe.Call) error { kept = append(kept, c.ID[:], c.Record.Data); return nil })
	fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
	w.store.Before(nil)
	for _, b := range kept {
		for i := 0; i+32 <= len(b); i++ {
			if token := session.TokenOf(b[i : i+32]); token == fresh || token == old || w.subjectOf(t, token) != "" {
				t.Fatal("32 bytes of a record open the session")
			}
		}
	}
}

// What nobody asked for costs no response, and never the session.
func TestAFailedPeriodicRenewalCostsNobodyAnything(t *testing.T) {
	for _, method := range []string{"Create", "Update", "Load"} {
		for _, applied := range []bool{false, true} {
			for _, change := range []bool{false, true} {
				w, old := renewing(t, session.Options{})
				v := begin(t, w.Manager, old)
				if count.Get(v.Session); change {
					count.Update(v.Session, addOne)
				}
				failures := 0
				fails := func(c probe.Call) bool {
					if c.Method != method && (method != "Load" || c.Method != "Update") || failures > 1 || failures == 1 &&
						method != "Load" {
						return false
					}
					failures++
					return true
				}
				if applied {
					w.store.After(func(c probe.Call, err error) error {
						if err == nil && fails(c) {
							return errors.New("connection reset")
						}
						return err
					})
				} else {
					w.store.Before(func(c probe.Call) error {
						if fails(c) {
							return errors.New("connection refused")
						}
						return nil
					})
				}
				v.finish()
				w.store.Before(nil)
				w.store.After(nil)
				jar := old
				if value, _ := v.cookie(); value != "" {
					jar = value
				}
				n := w.countOf(t, jar)
				if v.ok && change && n != 2 || !change && n != 1 || n == 0 {
					t.Errorf("%s failed, applied %t, change %t: answered %t, count = %d", method, applied, change, v.ok, n)
				}
				if !v.ok && (!change || method != "Load") {
					t.Errorf("%s failed, applied %t, change %t: the response is a %d", method, applied, change, v.instead.Status)
				}
			}
		}
	}
}

// Sealed sessions are sealed anew when the time has come, and the old cookie stays what it was.
func TestASealedPeriodicRenewalLogsNobodyOut(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{RenewAfter: 10 * time.Minute})
	old := w.login(t, "user:1")
	w.now = w.now.Add(10 * time.Minute)
	jar := old
	for i := range 6 {
		v := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded()
		if fresh := v.issued(); i%2 == 0 {
			jar = fresh
		}
	}
	for _, c := range []string{old, jar} {
		if w.subjectOf(t, c) != "user:1" {
			t.Error("anonymous after a renewal")
		}
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

// P8: the old token of a periodic renewal in a parallel request is no theft for a server whose clock is ahead.
func TestP8NoTheftIsSeenByAServerWhoseClockIsAhead(t *testing.T) {
	o := session.Options{Leeway: time.Minute, RenewAfter: 10 * time.Minute, OnReplay: session.EndReplayed}
	w := newWorld(t, o)
	ahead := w.second(t, time.Minute, o)
	old := w.start(t)
	w.now = w.now.Add(11 * time.Minute)
	renewed := w.read(t, old, func(s *session.Session) { count.Get(s) }).issued()
	w.read(t, renewed, func(s *session.Session) { count.Get(s) })
	w.now = w.now.Add(time.Second)
	v := begin(t, ahead, old)
	if got := count.Get(v.Session); got != 1 {
		t.Errorf("a second after the new token's first use the old one reads %d, want 1", got)
	}
	v.finish()
	if got := w.countOf(t, renewed); got != 1 {
		t.Errorf("the session of the new token reads %d, want 1: it was ended", got)
	}
}

// P8: a browser that presents the old token beside the new one (two scopes) is no thief.
func TestP8OldAndNewTokenOfOneRequestAreNoTheft(t *testing.T) {
	for _, order := range []string{"old first", "new first"} {
		t.Run(order, func(t *testing.T) {
			w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute, OnReplay: session.EndReplayed})
			old := w.start(t)
			w.now = w.now.Add(11 * time.Minute)
			renewed := w.read(t, old, func(s *session.Session) { count.Get(s) }).issued()
			both := []string{old, renewed}
			if order == "new first" {
				both = []string{renewed, old}
			}
			for i := range 3 {
				v := beginCookies(t, w.Manager, both...)
				if got := count.Get(v.Session); got != 1 {
					t.Fatalf("request %d: count %d, want 1", i, got)
				}
				v.finish()
				w.now = w.now.Add(2 * time.Minute)
			}
			if w.saw(session.ReasonReplayed) {
				t.Error("theft reported of a browser that has the new token too")
			}
		})
	}
}
