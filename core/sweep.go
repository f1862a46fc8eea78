package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 1000
	maxBackOff = time.Hour
	// batchTimeout bounds one call of the store.
	batchTimeout = time.Minute
	// sweepAfter is how long a record is kept after its end: requests that began in time may still be at work, and
	// other servers may have other clocks or leeways.
	sweepAfter = 5 * time.Minute
)

// StartSweeper removes expired records from the store, and from Options.Revocations, about once a minute and in
// batches of a thousand, until ctx ends. Several servers may sweep one store. After a failure, which is an event, it
// waits longer each time, up to an hour. Stores that forget by themselves, and sealed sessions, need no sweeper: for
// them it does nothing.
func (m *Manager) StartSweeper(ctx context.Context) {
	for _, s := range m.sweepers() {
		go m.sweepUntil(ctx, s)
	}
}

// sweepers are the stores that need sweeping.
func (m *Manager) sweepers() (all []Sweeper) {
	if m.sweeper != nil {
		all = append(all, m.sweeper)
	}
	if m.revocations != nil && m.revocations.sweeper != nil {
		all = append(all, m.revocations.sweeper)
	}
	return all
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
		if _, err := m.sweep(ctx, s); err == nil {
			wait = sweepEvery
		} else if errors.Is(err, errors.ErrUnsupported) {
			return
		} else if ctx.Err() == nil {
			wait = min(2*wait, maxBackOff)
			m.emit(ctx, m.appendEvent(nil, Event{Reason: ReasonSweepFailed, Err: err}))
		}
	}
}

// Sweep removes what expired five minutes ago or earlier, in batches of a thousand, between which requests get their
// turn, and returns how many it removed, also when it fails. It is for a program that a scheduler runs, as Django's
// clearsessions is; a server uses StartSweeper. It returns errors.ErrUnsupported where there is nothing to sweep: for
// stores that forget by themselves and for sealed sessions.
func (m *Manager) Sweep(ctx context.Context) (removed int, err error) {
	err = errors.ErrUnsupported
	for _, s := range m.sweepers() {
		n, failed := m.sweep(ctx, s)
		removed += n
		if err == nil || errors.Is(err, errors.ErrUnsupported) && !errors.Is(failed, errors.ErrUnsupported) {
			err = failed
		}
	}
	if err != nil {
		err = fmt.Errorf("session: Sweep: %w", err)
	}
	return removed, err
}

// sweep removes, batch after batch, what expired sweepAfter ago. A batch that fails and is full all the same does not
// stop it.
func (m *Manager) sweep(ctx context.Context, s Sweeper) (removed int, err error) {
	before := (m.now() - wire.FromDuration(sweepAfter)).Time()
	for {
		batch, cancel := context.WithTimeout(ctx, batchTimeout)
		n, failed := s.Sweep(batch, before, sweepBatch)
		cancel()
		removed += n
		if err == nil {
			err = failed
		}
		if n < sweepBatch || ctx.Err() != nil {
			return removed, err
		}
	}
}
