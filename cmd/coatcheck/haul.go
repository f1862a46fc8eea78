package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/movingstore"
)

const (
	// pageSize is how many records are in memory at a time.
	pageSize = 500
	// carriers is how many records are on their way at a time.
	carriers = 32
	// callTimeout is how long a record may take.
	callTimeout = 30 * time.Second
	// keptAfter is how long a record counts after its end: others may have other clocks.
	keptAfter = 5 * time.Minute
	// maxWalkFailures is how often in a row a page may fail to be read.
	maxWalkFailures = 3
)

// haul takes records from one store to another.
type haul struct {
	console  *console
	from     session.Store
	carry    func(ctx context.Context, r session.Record) (what, error)
	again    bool // walk until nothing is carried
	carriers int
	progress func(done int)

	mu     sync.Mutex
	result copied
	err    error // the first
}

// what became of a record.
type what int

const (
	wasCopied what = iota
	wasNewer
	wasKept
	wasUnreadable
	wasTooLarge
	wasExpired
)

func newHaul(c *console, from, to *storeurl.Opened, move bool, progress func(int)) *haul {
	h := &haul{console: c, from: from.Store, again: move, carriers: carriers, progress: progress}
	if from.Kind == "sqlite" || to.Kind == "sqlite" { // one writes at a time anyway
		h.carriers = 1
	}
	if move {
		pair := movingstore.New(from.Store, to.Store, movingstore.Options{})
		h.carry = func(ctx context.Context, r session.Record) (what, error) { return moveOver(ctx, pair, r) }
	} else {
		d := destination{to.Store}
		h.carry = d.put
	}
	return h
}

func moveOver(ctx context.Context, pair *movingstore.Store, r session.Record) (what, error) {
	moved, err := pair.Move(ctx, r)
	if moved {
		return wasCopied, err
	}
	return wasKept, err
}

// run walks through the source, and again as long as that carries something over.
func (h *haul) run(ctx context.Context) (copied, error) {
	for {
		before := h.result.Copied
		h.result.Passes++
		if err := h.pass(ctx); err != nil {
			return h.result, err
		}
		if !h.again || h.result.Copied == before {
			return h.result, nil
		}
	}
}

// pass walks through the source once.
func (h *haul) pass(ctx context.Context) error {
	walker := h.from.(session.Walker) //nolint:errcheck // it was asked before
	for cursor, failures := "", 0; ; {
		if h.console.ctx.Err() != nil {
			return h.console.ctx.Err()
		}
		page, next, err := walkPage(ctx, walker, cursor)
		if err := h.carryAll(ctx, page); err != nil {
			return err
		}
		if err != nil {
			if failures++; failures == maxWalkFailures || ctx.Err() != nil || errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			continue
		}
		if cursor, failures = next, 0; cursor == "" {
			return nil
		}
	}
}

func walkPage(ctx context.Context, walker session.Walker, cursor string) ([]session.Record, string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return walker.Walk(ctx, cursor, pageSize)
}

// carryAll carries the records of a page, several at a time, until one fails.
func (h *haul) carryAll(ctx context.Context, page []session.Record) error {
	queue := make(chan session.Record)
	var working sync.WaitGroup
	for range min(h.carriers, len(page)) {
		working.Go(func() {
			for r := range queue {
				h.carryOne(ctx, r)
			}
		})
	}
	for _, r := range page {
		if h.failure() != nil {
			break
		}
		queue <- r
	}
	close(queue)
	working.Wait()
	if h.progress != nil {
		h.progress(h.result.done())
	}
	return h.err
}

func (h *haul) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

func (h *haul) carryOne(ctx context.Context, r session.Record) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	became, err := wasExpired, error(nil)
	if h.console.now().Before(r.Expires.Add(keptAfter)) {
		became, err = h.carry(ctx, r)
	}
	if errors.Is(err, session.ErrTooLarge) {
		became, err = wasTooLarge, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if h.err == nil {
			h.err = err
		}
		return
	}
	if n := h.result.counter(became); n != nil {
		*n++
	}
}

func (k *copied) counter(w what) *int {
	return map[what]*int{wasCopied: &k.Copied, wasNewer: &k.Newer, wasKept: &k.Kept, wasUnreadable: &k.Unreadable,
		wasTooLarge: &k.Failed}[w]
}

// destination is a store that copies go to.
type destination struct{ session.Store }

// put brings a record to the destination, unless that has it as new, or has ended the session.
func (d destination) put(ctx context.Context, r session.Record) (what, error) {
	_, unreadable := r.Describe()
	if errors.Is(unreadable, session.ErrUnavailable) {
		return wasKept, fmt.Errorf("%w: use a command of that version", unreadable)
	}
	if unreadable != nil {
		return wasUnreadable, nil //nolint:nilerr // it is counted
	}
	for {
		if err := d.Create(ctx, r); !errors.Is(err, session.ErrExists) {
			return wasCopied, err
		}
		found, err := d.Load(ctx, r.ID)
		if errors.Is(err, session.ErrNotFound) { // it has expired just now
			continue
		}
		if err != nil {
			return wasKept, err
		}
		return d.bringUpToDate(ctx, found, r)
	}
}

// bringUpToDate replaces what the destination has, step by step, so that the version becomes the source's. A write of
// somebody else stays.
func (d destination) bringUpToDate(ctx context.Context, found, r session.Record) (what, error) {
	live, unreadable := found.Describe()
	switch {
	case unreadable != nil || !live || found.Version > r.Version:
		return wasKept, nil //nolint:nilerr // what is not of this library is none of its business
	case found.Version == r.Version:
		return d.extend(ctx, found, r)
	}
	for to := r.Version; found.Version < to; found.Version++ {
		r.Version = found.Version
		err := d.Update(ctx, r)
		if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
			return wasKept, nil
		}
		if err != nil {
			return wasKept, err
		}
	}
	return wasNewer, nil
}

// extend takes over the clocks of a session that has only been read since.
func (d destination) extend(ctx context.Context, found, r session.Record) (what, error) {
	toucher, ok := d.Store.(session.Toucher)
	if !ok || !r.Seen.After(found.Seen) && !r.Expires.After(found.Expires) {
		return wasKept, nil
	}
	err := toucher.Touch(ctx, r.ID, r.Seen, r.Expires)
	if errors.Is(err, session.ErrNotFound) || errors.Is(err, errors.ErrUnsupported) {
		return wasKept, nil
	}
	return wasNewer, err
}
