package session

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 1000
	maxBackOff = time.Hour
)

// StartSweeper removes expired records from the store, about once a minute and in batches of a thousand, until ctx
// ends. Several servers may sweep one store. After a failure, which is an event, it waits longer each time, up to
// an hour. Stores that forget by themselves, and sealed sessions, need no sweeper: for them it does nothing.
func (m *Manager) StartSweeper(ctx context.Context) {
	if s, ok := m.store.(Sweeper); ok {
		go m.sweepUntil(ctx, s)
	}
}

func (m *Manager) sweepUntil(ctx context.Context, s Sweeper) {
	for wait := sweepEvery; ; {
		// Jitter, so that servers started together do not all sweep at once.
		timer := time.NewTimer(wait + rand.N(wait/2) - wait/4)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := m.sweep(ctx, s); err == nil {
			wait = sweepEvery
		} else if ctx.Err() == nil {
			wait = min(2*wait, maxBackOff)
			m.emit(ctx, m.event(nil, Event{Reason: ReasonSweepFailed, Err: err}))
		}
	}
}

// sweep removes what has expired by now, batch after batch.
func (m *Manager) sweep(ctx context.Context, s Sweeper) error {
	before := (m.now() - m.leeway).time()
	for {
		batch, cancel := context.WithTimeout(ctx, sweepEvery)
		removed, err := s.Sweep(batch, before, sweepBatch)
		cancel()
		if err != nil || removed < sweepBatch {
			return err
		}
	}
}
