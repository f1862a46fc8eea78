package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestABoundMakesNoTimerUntilSomebodyWaits(t *testing.T) {
	b := &bounded{parent: t.Context(), deadline: uptimeAt(time.Now().Add(time.Hour))}
	if n := testing.AllocsPerRun(100, func() { _ = b.Err(); _, _ = b.Deadline(); _ = b.Value("x") }); n != 0 {
		t.Errorf("%v allocations by a store that does not wait, want 0", n)
	}
	if b.armed.Load() != nil {
		t.Fatal("a timer exists before anybody asked for Done")
	}
	b.stop() // nothing to free, and no panic
	if b.Done() != b.Done() || b.armed.Load() == nil {
		t.Error("Done does not keep to one channel")
	}
	b.stop()
}

func TestABoundEndsAtItsDeadline(t *testing.T) {
	for name, wait := range map[string]func(*bounded){
		"when somebody waits": func(b *bounded) { <-b.Done() },
		"when nobody does":    func(b *bounded) { <-time.After(time.Until(b.deadline.time())) },
		"when a derived context does": func(b *bounded) {
			ctx, cancel := context.WithCancel(b)
			defer cancel()
			<-ctx.Done()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			b := &bounded{parent: t.Context(), deadline: uptimeAt(start.Add(5 * time.Second))}
			defer b.stop()
			if b.Err() != nil {
				t.Errorf("%s: err = %v before the deadline", name, b.Err())
			}
			wait(b)
			if d := time.Since(start); d != 5*time.Second || !errors.Is(b.Err(), context.DeadlineExceeded) {
				t.Errorf("%s: err = %v after %v, want DeadlineExceeded after 5s", name, b.Err(), d)
			}
		})
	}
}

func TestStopFreesTheTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bounded{parent: t.Context(), deadline: uptimeAt(time.Now().Add(time.Hour))}
		start, done := time.Now(), b.Done()
		b.stop()
		<-done
		if d := time.Since(start); d != 0 || !errors.Is(b.Err(), context.Canceled) {
			t.Errorf("err = %v, %v after stop; want Canceled at once", b.Err(), d)
		}
	})
}

func TestAHangUpDoesNotEndABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, hangUp := context.WithCancel(context.WithValue(t.Context(), wire.Handle{}, "kept"))
		b := &bounded{parent: parent, deadline: uptimeAt(time.Now().Add(time.Minute))}
		defer b.stop()
		done := b.Done()
		hangUp()
		synctest.Wait()
		select {
		case <-done:
			t.Error("the client hung up, and what its handler did is not saved")
		default:
		}
		if b.Err() != nil || b.Value(wire.Handle{}) != "kept" {
			t.Errorf("Err %v, value %v", b.Err(), b.Value(wire.Handle{}))
		}
	})
}
