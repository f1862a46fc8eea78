package session_test

import (
	"context"
	"fmt"
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

// §8: 100 updates of one session at once take at most 1.2 store Updates each.
func TestHotSessionBudget(t *testing.T) {
	for _, managers := range []int{1, 2} {
		t.Run(fmt.Sprint(managers), func(t *testing.T) {
			w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
			ms := []*session.Manager{w.Manager, w.Manager}
			if managers == 2 {
				m, err := session.New(w.store, session.Options{OnEvent: func(context.Context, session.Event) {}})
				if err != nil {
					t.Fatal(err)
				}
				ms[1] = m
			}
			cookie := w.start(t)
			w.store.Reset()
			w.store.Before(func(c probe.Call) error {
				time.Sleep(time.Millisecond)
				return nil
			})
			var wg sync.WaitGroup
			visits := make([]*visit, 100)
			for i := range visits {
				visits[i] = begin(t, ms[i%2], cookie)
				wg.Go(func() {
					count.Update(visits[i].Session, addOne)
					visits[i].finish()
				})
			}
			wg.Wait()
			w.store.Before(nil)
			for _, v := range visits {
				v.succeeded()
			}
			n := w.store.Count("Update")
			t.Logf("%d Updates, %d Loads", n, w.store.Count("Load"))
			if got := w.countOf(t, cookie); n > 120 || got != 101 {
				t.Errorf("%d Updates for 100 successes, count %d", n, got)
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

// §8: one record's stuck writer does not hold up others for longer because strangers' records are busy.
func TestTurnsPatienceIsNotFedByStrangersInTheSamePart(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 2 * time.Second, OnEvent: func(context.Context, session.Event) {}})
	m := w.Manager
	stuckCookie := w.start(t)
	part := w.ids[0][0] % 64
	var hot string
	for hot == "" {
		c := w.start(t)
		if id := w.ids[len(w.ids)-1]; id[0]%64 == part {
			hot = c
		}
	}
	stuckID := w.ids[0]
	release := make(chan struct{})
	held := make(chan struct{})
	var once sync.Once
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" && c.ID == stuckID {
			first := false
			once.Do(func() { first = true })
			if first {
				close(held)
				<-release
			}
		}
		return nil
	})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	a := begin(t, m, stuckCookie)
	count.Update(a.Session, addOne)
	wg.Go(func() { a.finish() })
	<-held
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				v := begin(t, m, hot)
				count.Update(v.Session, addOne)
				v.finish()
			}
		})
	}
	b := begin(t, m, stuckCookie)
	name.Set(b.Session, "b")
	started := time.Now()
	b.finish()
	took := time.Since(started)
	close(stop)
	close(release)
	wg.Wait()
	if !b.ok || took > time.Second {
		t.Errorf("a request waited %v for a holder that gets nowhere (ok=%t), patience is 100ms", took, b.ok)
	}
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

// P9: a panic in a store or an Update passes the turn on.
func TestP9APanicPassesTheTurnOn(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			panic("store")
		}
		return nil
	})
	func() {
		defer func() { _ = recover() }()
		v.commit()
	}()
	v.request.Discard()
	v.request.End()
	w.store.Before(nil)
	start := time.Now()
	u := begin(t, w.Manager, cookie)
	count.Update(u.Session, addOne)
	u.finish().succeeded()
	if time.Since(start) > 100*time.Millisecond {
		t.Error("the turn was not passed on")
	}
	if got := w.countOf(t, cookie); got != 2 {
		t.Errorf("count %d", got)
	}
}
