package main

import (
	"context"
	"errors"
	"time"

	"github.com/schollz/progressbar/v3"

	session "github.com/coatcheck/coatcheck/core"
)

// countTimeout is how long the store may take to count what there is to do.
const countTimeout = 10 * time.Second

// counter is a store that can say how much there is to sweep.
type counter interface {
	Expired(ctx context.Context, before time.Time) (int, error)
}

// newProgress returns what to tell how many sessions are removed, and what to call at the end. People at a terminal
// see a bar, or a spinner where nobody knows how much there is to do.
func newProgress(ctx context.Context, c *console, store session.Store) (progress func(removed int), finish func()) {
	if !c.terminal {
		return nil, func() {}
	}
	return newBar(c, "sweeping", dueSoon(ctx, c, store))
}

// newBar shows a bar, or a spinner if total is -1.
func newBar(c *console, doing string, total int) (progress func(done int), finish func()) {
	bar := progressbar.NewOptions(total,
		progressbar.OptionSetWriter(c.stderr),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionSetItsString("sessions"),
		progressbar.OptionSetWidth(30),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetSpinnerChangeInterval(0), // it turns with each batch
		progressbar.OptionSetRenderBlankState(true),
	)
	progress = func(done int) {
		if total >= 0 {
			done = min(done, total) // there may be more by now
		}
		_ = bar.Set(done) // an ornament may fail
	}
	return progress, func() { _ = bar.Clear() } // as above
}

// sweepBefore is when what a sweep removes had expired at the latest, as Manager.Sweep has it.
func sweepBefore(c *console) time.Time { return c.now().Add(-keptAfter) }

// dueSoon is how many sessions there are to sweep, or -1 where nobody knows that at once.
func dueSoon(ctx context.Context, c *console, store session.Store) int {
	if _, ok := store.(counter); !ok {
		return -1
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	n, err := countExpired(ctx, store, sweepBefore(c))
	if err != nil || n == 0 {
		return -1
	}
	return n
}

// countExpired counts what had expired by a time. Where the store cannot say so, it goes through all records.
func countExpired(ctx context.Context, store session.Store, before time.Time) (n int, err error) {
	if s, ok := store.(counter); ok {
		return s.Expired(ctx, before)
	}
	walker, ok := store.(session.Walker)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := walkPage(ctx, walker, cursor)
		if err != nil {
			return n, err
		}
		for _, r := range page {
			if !r.Expires.After(before) {
				n++
			}
		}
		cursor = next
	}
	return n, nil
}

// countRecords counts what a walk meets. It is -1 where that takes too long.
func countRecords(ctx context.Context, c *console, walker session.Walker) (n int) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := walker.Walk(ctx, cursor, pageSize)
		if err != nil {
			return -1
		}
		n, cursor = n+len(page), next
	}
	if n == 0 {
		return -1
	}
	return n
}
