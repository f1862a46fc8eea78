package session

import (
	"context"
	"sync/atomic"
	"time"
)

// bounded is the context of a load or a commit: the request's values with a deadline of its own. A client that hangs up
// does not end it, because that would undo what the handler did. Its timer exists only once somebody waits for it: a
// store in memory never does, and a timer for each request would cost more than the request.
type bounded struct {
	parent   context.Context
	deadline uptimeNanos

	cancelable bool        // it also ends when its parent does: for calls by the application, not for loads and commits
	errCalled  atomic.Bool // from the second call on, Err reads the clock
	armed      atomic.Pointer[armed]
}

// EndsAtDeadline is for stores: see Store.
func (b *bounded) EndsAtDeadline() bool { return !b.cancelable }

// armed is a bounded context that is waited for.
type armed struct {
	context.Context
	cancel context.CancelFunc
}

func (b *bounded) Deadline() (time.Time, bool) { return b.deadline.time(), true }

func (b *bounded) Done() <-chan struct{} {
	if t := b.armed.Load(); t != nil {
		return t.Done()
	}
	parent := b.parent
	if !b.cancelable {
		parent = context.WithoutCancel(parent)
	}
	ctx, cancel := context.WithDeadline(parent, b.deadline.time())
	if !b.armed.CompareAndSwap(nil, &armed{ctx, cancel}) { // another goroutine was faster
		cancel()
	}
	return b.armed.Load().Done()
}

func (b *bounded) Err() error {
	t := b.armed.Load()
	switch {
	case t != nil:
		return t.Err()
	case b.cancelable && b.parent.Err() != nil:
		return b.parent.Err()
	case !b.errCalled.Load(): // nothing has run yet that could have taken so long, so the clock can be spared
		b.errCalled.Store(true)
		return nil
	case b.deadline.passed():
		return context.DeadlineExceeded
	}
	return nil
}

func (b *bounded) Value(key any) any { return b.parent.Value(key) }

// stop frees the timer, if there is one. One that is made later lasts until the deadline.
func (b *bounded) stop() {
	if t := b.armed.Load(); t != nil {
		t.cancel()
	}
}

// deadlineFrom is when a call of the store that begins now has to be done. at is now on m's clock, which saves asking
// another one unless the application has given m a clock of its own.
func (m *Manager) deadlineFrom(at time.Time) uptimeNanos {
	if m.ownClock {
		at = time.Now()
	}
	return uptimeAt(at.Add(m.storeTimeout))
}

// callDeadline bounds a call that the application makes outside of a request's commit.
func (m *Manager) callDeadline(ctx context.Context) uptimeNanos {
	deadline := time.Now().Add(m.storeTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return uptimeAt(deadline)
}
