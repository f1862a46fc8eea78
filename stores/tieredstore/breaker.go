package tieredstore

import (
	"sync"
	"time"
)

// breaker leaves the fast store alone for a while after a failure, so that a hanging one does not cost each request
// its timeout.
type breaker struct {
	rest   time.Duration
	report func(error)

	mu       sync.Mutex
	open     bool
	until    time.Time
	reported time.Time
}

// allows reports whether the fast store may be used. After a rest it lets one caller try.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return true
	}
	if left := b.until.Sub(now); left > 0 && left <= b.rest { // more than that: the clock was set back
		return false
	}
	b.until = now.Add(b.rest)
	return true
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = false
}

func (b *breaker) failed(err error, now time.Time) {
	b.mu.Lock()
	b.open, b.until = true, now.Add(b.rest)
	past := now.Sub(b.reported)
	due := past < 0 || past >= b.rest
	if due {
		b.reported = now
	}
	b.mu.Unlock()
	if due {
		b.report(err)
	}
}
