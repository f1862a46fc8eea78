package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// The budget of the design: 100 concurrent updates of one session take at most 1.2 attempts each in one process, also
// when two managers share the store; none is lost and none fails.
func TestConcurrentUpdatesOfOneSessionTakeTurns(t *testing.T) {
	for _, servers := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
			managers := []*session.Manager{w.Manager}
			if servers == 2 {
				second, err := session.New(w.store, session.Options{OnEvent: func(context.Context, session.Event) {}})
				if err != nil {
					t.Fatal(err)
				}
				managers = append(managers, second)
			}
			cookie := w.start(t)
			w.store.Reset()
			w.store.Before(func(probe.Call) error { time.Sleep(2 * time.Millisecond); return nil })
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					v := begin(t, managers[i%servers], cookie)
					count.Update(v.Session, addOne)
					if v.finish(); !v.ok {
						t.Errorf("an update failed with %d", v.instead.Status)
					}
				})
			}
			wg.Wait()
			w.store.Before(nil)
			if n := w.store.Count("Update"); n > 120 {
				t.Errorf("%d servers: %d attempts for 100 updates, at most 120 are allowed", servers, n)
			}
			if n := w.countOf(t, cookie); n != 101 {
				t.Errorf("count = %d, want 101", n)
			}
		})
	}
}

// One visitor's hot session must not make strangers wait.
func TestStrangersDoNotWaitForAHotSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
		hot := w.start(t)
		var strangers []string
		for range 300 {
			strangers = append(strangers, w.start(t))
		}
		w.store.Before(func(probe.Call) error { time.Sleep(2 * time.Millisecond); return nil })
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				v := begin(t, w.Manager, hot)
				count.Update(v.Session, addOne)
				v.finish()
			})
		}
		for _, c := range strangers {
			wg.Go(func() {
				begun := time.Now()
				v := begin(t, w.Manager, c)
				count.Update(v.Session, addOne)
				v.finish()
				if took := time.Since(begun); !v.ok || took > 4*time.Millisecond {
					t.Errorf("a stranger's update took %v, answered %d; want a load and an update of 2ms each", took, v.instead.Status)
				}
			})
		}
		wg.Wait()
	})
}

// Whoever has the turn and gets nowhere does not hold up a first attempt.
func TestNobodyWaitsForARequestThatGetsNowhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		stuck := begin(t, w.Manager, cookie)
		count.Update(stuck.Session, addOne)
		release := make(chan struct{})
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Update" {
				w.store.Before(nil)
				<-release
			}
			return nil
		})
		done := make(chan struct{})
		go func() { stuck.finish(); close(done) }()
		synctest.Wait()
		begun := time.Now()
		w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the other request waited %v", took)
		}
		close(release)
		<-done
		stuck.succeeded()
		if n := w.countOf(t, cookie); n != 3 {
			t.Errorf("count = %d, want 3", n)
		}
	})
}

func TestATurnIsPassedOnWhateverPanics(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
	cookie := w.start(t)
	for _, method := range []string{"Update", "Load"} {
		v := begin(t, w.Manager, cookie)
		count.Update(v.Session, addOne)
		w.read(t, cookie, func(s *session.Session) { name.Set(s, method) }).succeeded() // so that v has to look again
		w.store.Before(func(c probe.Call) error {
			if c.Method == method {
				w.store.Before(nil)
				panic("on purpose")
			}
			return nil
		})
		func() {
			defer func() { _ = recover() }()
			v.commit()
		}()
		w.store.Before(nil)
		v.request.End()
		begun := time.Now()
		w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		if time.Since(begun) > 200*time.Millisecond { // patience is a quarter of a second
			t.Errorf("%s: the turn was not passed on", method)
		}
	}
}

// A flooded account: however many sessions there are, they end.
func TestManySessionsOfOneSubjectEnd(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 150 * time.Millisecond, OnEvent: func(context.Context, session.Event) {}})
	const many = 1500
	for range many {
		w.login(t, "user:1")
	}
	if n := len(w.list(t, "user:1")); n != many {
		t.Errorf("%d listed, want %d", n, many)
	}
	failing := 0
	w.store.Before(func(c probe.Call) error {
		if (c.Method == "Update" || c.Method == "Delete") && failing < 3 {
			failing++
			return errDown
		}
		return nil
	})
	n, err := w.RevokeAll(t.Context(), "user:1")
	if n != many-1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want all but the one that failed, and its error", n, err)
	}
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Errorf("the second time: %d, %v", n, err)
	}
}

func TestAWalkGivesUpOnAStoreThatIsDown(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
	for range 50 {
		w.login(t, "user:1")
	}
	w.store.Reset()
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			return errDown
		}
		if c.Method == "Delete" || c.Method == "Load" {
			return errDown
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v", n, err)
	}
	if n := w.store.Count("Update"); n > 5 {
		t.Errorf("%d attempts on a store that is down", n)
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
						t.Errorf("%s %d times, before %t %s: %d ended (%v), subject %q, %d alive", name, steps, before, at, n, err, w.subjectOf(t, jar), w.alive(t))
					}
				}
			}
		}
	}
}

func TestMaxPerSubject(t *testing.T) {
	for policy, name := range map[session.LimitPolicy]string{session.EvictOldest: "evict", session.RefuseLogin: "refuse"} {
		for _, servers := range []int{1, 3} {
			w := newWorld(t, session.Options{MaxPerSubject: 3, AtLimit: policy, OnEvent: func(context.Context, session.Event) {}})
			managers := []*session.Manager{w.Manager}
			for len(managers) < servers {
				m, err := session.New(w.store, session.Options{ // of another name, so that its logins do not take turns with the others', like another server's
					Name: fmt.Sprint("server", len(managers)), MaxPerSubject: 3, AtLimit: policy, OnEvent: func(context.Context, session.Event) {},
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

func TestWiringMistakesSayHowToMendThem(t *testing.T) {
	w := newWorld(t, session.Options{})
	twin, err := session.New(w.store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var typedNil *probe.Store
	if _, err := session.New(typedNil, session.Options{}); err == nil {
		t.Error("a nil store in an interface was taken")
	}
	v := begin(t, w.Manager, "")
	defer v.finish()
	defer func() {
		if text := fmt.Sprint(recover()); text == "<nil>" || !strings.Contains(text, "Options.Name") {
			t.Errorf("two managers with one cookie name on one route: %q", text)
		}
	}()
	var r session.Request
	twin.Begin(v.ctx, &r, &v.x)
}
