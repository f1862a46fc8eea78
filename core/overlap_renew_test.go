package session_test

import (
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestAWriteInFlightDuringARenewalGoesIntoTheRenewedSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Update(slow.Session, addOne)
	fresh := w.read(t, old, func(s *session.Session) { name.Set(s, "secret"); s.Renew() }).succeeded().issued()
	slow.finish().succeeded()
	slow.untouched()
	if n := w.countOf(t, fresh); n != 2 {
		t.Errorf("count = %d, want 2: the change in flight was lost", n)
	}
	if !w.saw(session.ReasonFollowed) {
		t.Error("following a renewal was not reported")
	}
}

func TestWhoFollowsARenewalLearnsNothingOfIt(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	count.Update(slow.Session, addOne)
	fresh := w.read(t, old, func(s *session.Session) {
		name.Set(s,
			"for the new token only")
		s.Renew()
	}).succeeded().issued()
	for range 2 {
		if err := slow.Save(); err != nil {
			t.Fatal(err)
		}
		if name.Get(slow.Session) != "" {
			t.Fatalf("the holder of the old token read %q", name.Get(slow.Session))
		}
		if n := count.Get(slow.Session); n < 2 {
			t.Errorf("count = %d in its own view, want its own result", n)
		}
		count.Update(slow.Session, addOne)
	}
	slow.finish().succeeded()
	slow.untouched()
	if n := w.countOf(t, fresh); n != 4 {
		t.Errorf("count = %d, want 4: each of three saves counts once", n)
	}
}

func handleOf(t *testing.T, w *world, cookie string) (h string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { h = s.Handle() })
	return h
}

// P7: a renewal that lost the race to another one is dropped, so that a logout ends everything there is.
func TestTwoRenewsAtOnceLeaveOneSession(t *testing.T) {
	for _, subject := range []string{"", "user:1"} {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		if subject != "" {
			w.read(t, old, (*session.Session).Destroy)
			old = w.login(t, subject)
		}
		slow := begin(t, w.Manager, old)
		name.Set(slow.Session, "elevated")
		slow.Renew()
		fresh := w.read(t, old, func(s *session.Session) { s.Renew() }).succeeded().issued()
		slow.finish().succeeded()
		slow.untouched()
		w.read(t, fresh, func(s *session.Session) {
			if name.Get(s) != "elevated" || s.Subject() != subject {
				t.Errorf("name %q subject %q: the change of the second renewal was lost", name.Get(s), s.Subject())
			}
		})
		if list := len(w.listOrNone(t, subject)); subject != "" && list != 1 {
			t.Errorf("%d sessions, want 1", list)
		}
		w.read(t, fresh, (*session.Session).Destroy).succeeded()
		if n := w.alive(t); n != 0 {
			t.Errorf("%d sessions are alive after the logout", n)
		}
	}
}

// P6 goes before P7: whoever has to end up with a session of its own first follows what became of the one it has
// loaded.
func TestNothingThatHasEndedComesBackWhoeverRenewsIt(t *testing.T) {
	requests := map[string]func(*session.Session){
		"renew": (*session.Session).Renew, "renew and set": func(s *session.Session) { s.Renew(); name.Set(s, "x") },
		"set": func(s *session.Session) { name.Set(s, "x") }, "touch": (*session.Session).Touch,
		"read": func(s *session.Session) { count.Get(s) }, "clear": (*session.Session).Clear,
		"login":            func(s *session.Session) { s.Login("user:1") },
		"login as another": func(s *session.Session) { s.Login("user:2") },
	}
	renewals := map[string]func(*session.Session){
		"renewed": (*session.Session).Renew, "logged in again": func(s *session.Session) { s.Login("user:1") },
		"renewed twice": (*session.Session).Renew, "periodically renewed": func(s *session.Session) { count.Get(s) },
	}
	ends := map[string]func(*world, string){
		"revoked": func(w *world, _ string) {
			if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
				t.Errorf("RevokeAll: %d, %v", n, err)
			}
		},
		"destroyed": func(w *world, cookie string) { w.read(t, cookie, (*session.Session).Destroy).succeeded() },
	}
	for request, f := range requests {
		for renewal, renew := range renewals {
			for how, end := range ends {
				o := session.Options{}
				if renewal == "periodically renewed" {
					o.RenewAfter = 30 * time.Minute
				}
				w := newWorld(t, o)
				cookie := w.login(t, "user:1")
				w.read(t, cookie, func(s *session.Session) { count.Set(s, 1) }).succeeded()
				w.now = w.now.Add(30 * time.Minute)
				slow := begin(t, w.Manager, cookie)
				count.Get(slow.Session)
				f(slow.Session)
				fresh := w.read(t, cookie, renew).succeeded().issued()
				if renewal == "renewed twice" {
					fresh = w.read(t, fresh, renew).succeeded().issued()
				}
				end(w, fresh)
				slow.finish()
				own, _ := slow.cookie()
				if own != "" && w.countOf(t, own) != 0 {
					t.Errorf("%s while %s and %s: the ended session's values came back", request, renewal, how)
				}
				if login := strings.HasPrefix(request, "login"); (w.subjectOf(t, own) != "") != login || w.alive(t) > 0 != login {
					t.Errorf("%s while %s and %s: logged in as %q, %d alive", request, renewal, how, w.subjectOf(t, own), w.alive(t))
				}
			}
		}
	}
}

func TestAPeriodicRenewalThatLostTheRaceIsDropped(t *testing.T) {
	for _, changes := range []bool{false, true} {
		w := newWorld(t, session.Options{RenewAfter: time.Minute})
		old := w.start(t)
		w.now = w.now.Add(2 * time.Minute)
		slow := begin(t, w.Manager, old)
		count.Get(slow.Session)
		if changes {
			count.Update(slow.Session, addOne)
		}
		fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
		slow.finish().succeeded()
		if own := slow.issued(); own != fresh {
			t.Errorf("changes=%t: the answer carries another cookie than the one that the renewal gave out", changes)
		}
		want := 1
		if changes {
			want = 2
		}
		if n := w.countOf(t, fresh); n != want {
			t.Errorf("changes=%t: count = %d, want %d", changes, n, want)
		}
	}
}

// P8: after an explicit Renew the old token is anonymous, also if a periodic renewal was faster.
func TestP8AnExplicitRenewIsNotDroppedForAPeriodicOne(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	old := w.start(t)
	w.now = w.now.Add(11 * time.Minute)
	asking := begin(t, w.Manager, old)
	asking.Renew()
	w.read(t, old, func(s *session.Session) { count.Get(s) }).issued()
	asking.finish().succeeded()
	if got := w.countOf(t, old); got != 0 {
		t.Errorf("the token from before a Renew that answered with success still reads %d", got)
	}
}

// P8 and issue 27: upkeep that nobody asked for never costs the response.
func TestP8APeriodicRenewalThatIsOvertakenNeverCostsTheResponse(t *testing.T) {
	t.Run("the new record cannot be rebuilt", func(t *testing.T) {
		w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute, StoreTimeout: 200 * time.Millisecond})
		cookie := w.start(t)
		w.now = w.now.Add(11 * time.Minute)
		v := begin(t, w.Manager, cookie)
		count.Get(v.Session)
		var made session.RecordID
		w.store.After(func(c probe.Call, err error) error {
			if c.Method == "Create" {
				made = c.ID
				w.store.After(nil)
				other := w.second(t, -5*time.Minute, session.Options{StoreTimeout: 200 * time.Millisecond})
				o := begin(t, other, cookie)
				count.Set(o.Session, 2)
				o.finish().succeeded()
				w.store.Before(func(c probe.Call) error {
					if c.Method == "Update" && c.ID == made {
						return errDown
					}
					return nil
				})
			}
			return err
		})
		v.finish().succeeded()
	})
	t.Run("the successor cannot be read", func(t *testing.T) {
		w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
		cookie := w.start(t)
		w.now = w.now.Add(11 * time.Minute)
		v := begin(t, w.Manager, cookie)
		count.Get(v.Session)
		w.read(t, cookie, func(s *session.Session) { count.Get(s) })
		own := w.ids[0]
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Load" && c.ID != own {
				return errDown
			}
			return nil
		})
		v.finish().succeeded()
	})
}
