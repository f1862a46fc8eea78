package sessionui

import (
	"context"
	"errors"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// patience is how long a page waits for the first count, which is done by then where there are few sessions.
	patience = 200 * time.Millisecond
	// freshFor is how long a count is good for, or, if it took long, pause times as long as it took.
	freshFor, pause = time.Minute, 10
	// retryAfter is how long a count that failed keeps from trying again.
	retryAfter = 5 * time.Second
	// longestCount is when a count is given up.
	longestCount = 10 * time.Minute
)

// census counts the sessions in the background, one count at a time, whoever asks.
type census struct {
	ctx     context.Context // ends the counting
	manager *session.Manager
	now     func() time.Time
	failed  func(error)

	mu      sync.Mutex
	running *count
	last    *count // that has ended
}

// count is one count, which others than its goroutine look at under the census's lock.
type count struct {
	began  time.Time
	done   chan struct{} // closed at the end
	tally  *tally        // nil at the end
	result summary       // at the end
	at     time.Time     // the end, by the sessions' clock
	due    time.Time     // when it will be worth another
	err    error
}

// state is what the census knows.
type state struct {
	summary
	At       time.Time // zero: it is being counted at the moment
	Counting bool
	Elapsed  time.Duration // of the count that goes on
	Err      error         // that ended the count
}

// look begins a count if one is due, waits a moment for the first one, and returns what is known.
func (c *census) look(ctx context.Context) state {
	if first := c.begin(); first != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		select {
		case <-first:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return c.state()
}

// begin begins a count if one is due. It returns what is closed at the end of the first one, as long as that goes on.
func (c *census) begin() (first <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.running == nil && (c.last == nil || !now.Before(c.last.due)) {
		c.running = &count{began: now, done: make(chan struct{}), tally: newTally(c.now())}
		go c.count(c.running)
	}
	if c.last == nil {
		return c.running.done
	}
	return nil
}

func (c *census) count(n *count) {
	ctx, cancel := context.WithTimeout(c.ctx, longestCount)
	defer cancel()
	for info, err := range c.manager.All(ctx) {
		if err != nil {
			n.err = err
			break
		}
		if !c.add(n, info) {
			break
		}
	}
	if n.err != nil && !errors.Is(n.err, errors.ErrUnsupported) && c.ctx.Err() == nil {
		c.failed(n.err)
	}
	c.end(n)
}

// add returns false when enough are counted.
func (c *census) add(n *count, i session.Info) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.tally.add(i)
	return n.tally.total < mostCounted
}

func (c *census) end(n *count) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n.result, n.tally, n.at = n.tally.summary(), nil, c.now()
	now := time.Now()
	n.due = now.Add(max(freshFor, pause*now.Sub(n.began)))
	if n.err != nil {
		n.due = now.Add(retryAfter)
	}
	c.running, c.last = nil, n
	close(n.done)
}

// state returns the last count. While there is none, or it has failed, it is what has been counted so far.
func (c *census) state() (s state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running != nil {
		s.Counting, s.Elapsed = true, time.Since(c.running.began)
	}
	if c.last == nil || c.last.err != nil && c.running != nil && c.running.tally.total > 0 {
		s.summary = c.running.tally.summary()
		return s
	}
	s.summary, s.At, s.Err = c.last.result, c.last.at, c.last.err
	return s
}
