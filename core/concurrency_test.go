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

// P9: several goroutines of one request.

func TestASessionIsSafeForSeveralGoroutines(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: func(context.Context, session.Event) {}})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			mine := session.Key[int](fmt.Sprint("k", i))
			for range 20 {
				count.Update(v.Session, addOne)
				mine.Set(v.Session, mine.Get(v.Session)+1)
				items.Pop(v.Session)
				v.Touch()
				_ = v.Subject() + v.Handle() + fmt.Sprint(v.Info(), v.Err(), v.Exists())
			}
			if err := v.Save(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	v.finish().succeeded()
	if n := w.countOf(t, cookie); n != 1+16*20 {
		t.Errorf("count = %d, want %d: an update of another goroutine was lost", n, 1+16*20)
	}
}

func TestAFunctionGivenToUpdateMayReadTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	name.Set(v.Session, "x")
	items.Update(v.Session, func(in []string) []string { return append(in, name.Get(v.Session)) })
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded() // makes the function run again
	v.finish().succeeded()
}

func TestAFunctionThatWritesToItsSessionDuringACommitIsReportedAndNotADeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		again := false
		items.Update(v.Session, func(in []string) []string {
			if again {
				name.Set(v.Session, "forbidden")
			}
			return append(in, "x")
		})
		again = true
		w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		v.finish()
		if !w.saw(session.ReasonCommitFailed) {
			t.Error("nobody was told")
		}
	})
}

func TestAFunctionThatPanicsDuringACommitLeavesNothingBehind(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	again := false
	count.Update(v.Session, func(n int) int {
		if again {
			panic("on purpose")
		}
		return n + 1
	})
	again = true
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	func() {
		defer func() { _ = recover() }()
		v.commit()
	}()
	v.request.Discard()
	v.request.End()
	v.untouched()
	other := begin(t, w.Manager, cookie) // the record's queue must be free, and so must the session
	count.Update(other.Session, addOne)
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	other.finish().succeeded()
	if n := w.countOf(t, cookie); n != 4 {
		t.Errorf("count = %d, want 4", n)
	}
}

func TestACommitIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{StoreTimeout: 2 * time.Second})
		cookie := w.start(t)
		stuck, err := session.New(hanging{w.store}, session.Options{StoreTimeout: 2 * time.Second,
			OnEvent: func(context.Context, session.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]func(*session.Session){
			"load":   func(s *session.Session) { count.Get(s) },
			"commit": func(s *session.Session) { count.Set(s, 5) },
		} {
			presented := cookie
			if what == "commit" {
				presented = ""
			}
			start := time.Now()
			v := begin(t, stuck, presented)
			f(v.Session)
			v.finish().failedWith(503)
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("%s took %v, want 2s", what, took)
			}
		}
	})
}

// hanging is a store that answers only when its context ends.
type hanging struct{ *probe.Store }

func (hanging) Load(ctx context.Context, _ session.RecordID) (session.Record, error) {
	<-ctx.Done()
	return session.Record{}, ctx.Err()
}

func (hanging) Create(ctx context.Context, _ session.Record) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestQueuedRequestsDoNotOutwaitTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{StoreTimeout: 2 * time.Second, OnEvent: func(context.Context, session.Event) {}})
		cookie := w.start(t)
		visits := make([]*visit, 4)
		for i := range visits {
			visits[i] = begin(t, w.Manager, cookie)
			count.Update(visits[i].Session, addOne)
		}
		w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		w.store.Before(func(c probe.Call) error { // after the first conflict the store hangs
			if c.Method == "Load" {
				time.Sleep(time.Hour)
			}
			return nil
		})
		start := time.Now()
		done := make(chan *visit)
		for _, v := range visits {
			go func() { v.finish(); done <- v }()
		}
		for range len(visits) - 1 { // one of them is in the store's hands
			(<-done).failedWith(503)
		}
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("waiting for a turn took %v, want 2s", took)
		}
		w.store.Before(nil)
		<-done
	})
}
