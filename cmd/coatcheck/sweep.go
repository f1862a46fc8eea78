package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// sweep removes what has expired.
type sweep struct {
	storeFlag
	outputFlag
	DryRun  bool          `help:"Say how many there are to remove, and remove none."`
	Timeout time.Duration `default:"1h" help:"${sweepTimeoutHelp}" placeholder:"DURATION"`
}

// batchTimeout is how long a batch of a thousand sessions may take.
const batchTimeout = 30 * time.Second

// Validate is called by kong.
func (s sweep) Validate() error { return validTimeout(s.Timeout, "24h", 24*time.Hour) }

// Help is what "coatcheck sweep --help" says below the summary.
func (sweep) Help() string {
	return `For a scheduler, where no server of the application runs Manager.StartSweeper. It may run while the
application does, and several times at once: it works in small batches, between which requests get their turn.
Interrupted, it finishes the batch it is at; a second interruption ends it at once. Stores that forget expired
sessions by themselves need no sweeping.`
}

// swept is the result for machines.
type swept struct {
	Removed int `json:"removed"`
	// Due is how many there are to remove, in a dry run.
	Due int `json:"due,omitempty"`
	// Needless is for a store that forgets by itself.
	Needless bool `json:"needless,omitempty"`
}

// Run is called by kong.
func (s sweep) Run(c *console) error {
	o, err := s.open()
	if err != nil {
		return err
	}
	if s.DryRun {
		return errors.Join(s.try(c, o), o.Close())
	}
	return errors.Join(s.on(c, o), o.Close())
}

// try counts what a sweep would remove.
func (s sweep) try(c *console, o *storeurl.Opened) error {
	ctx, cancel := context.WithTimeout(c.ctx, s.Timeout)
	defer cancel()
	if _, ok := o.Store.(session.Sweeper); !ok {
		return s.needless(c, o.Kind)
	}
	n, err := countExpired(ctx, o.Store, sweepBefore(c))
	if err != nil {
		return advise(c, o, walkable(o.Kind, err))
	}
	return s.print(c, swept{Due: n}, fmt.Sprintf("would remove %s\n", expired(n)))
}

func (s sweep) needless(c *console, kind string) error {
	return s.print(c, swept{Needless: true},
		fmt.Sprintf("nothing to sweep: a %s store forgets expired sessions by itself\n", kind))
}

func (s sweep) on(c *console, o *storeurl.Opened) error {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), s.Timeout)
	defer cancel()
	removed, err := sweepStore(ctx, c, o.Store)
	took := time.Since(start)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return s.needless(c, o.Kind)
	case err != nil:
		return s.failed(ctx, c, removed, err, o.Remedy(err))
	}
	return s.print(c, swept{Removed: removed}, fmt.Sprintf("removed %s in %v\n", expired(removed),
		took.Round(time.Millisecond)))
}

// failed says how far it came. Machines get the number where they look for it.
func (s sweep) failed(ctx context.Context, c *console, removed int, err error, remedy string) error {
	var unprinted error
	if s.JSON {
		unprinted = s.print(c, swept{Removed: removed}, "")
	}
	switch {
	case c.ctx.Err() != nil:
		err = fmt.Errorf("interrupted after removing %s; run it again to go on", expired(removed))
	case removed > 0 && ctx.Err() != nil:
		err = fmt.Errorf("out of time after removing %s; run it again to go on, or raise --timeout", expired(removed))
	default:
		err = fmt.Errorf("removed %s, then: %w; %s", expired(removed), err, cmp.Or(remedy, findOut))
	}
	return errors.Join(err, unprinted)
}

func expired(n int) string { return count(n, "expired session") }

func sweepStore(ctx context.Context, c *console, store session.Store) (removed int, err error) {
	sweeper, ok := store.(session.Sweeper)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	p := &patient{Store: store, sweeper: sweeper, interrupted: c.ctx}
	m, err := manage(c, p, "", time.Minute)
	if err != nil {
		return 0, err
	}
	progress, finish := newProgress(ctx, c, store)
	defer finish()
	p.progress = progress
	return m.Sweep(ctx)
}

// patient sweeps until it is interrupted and then between batches, so that it is known what was removed. After each
// batch it tells progress, if there is any to tell, how many that makes.
type patient struct {
	session.Store
	sweeper     session.Sweeper
	interrupted context.Context
	progress    func(removed int)
	removed     int
}

// Sweep is called by the manager for each batch.
func (p *patient) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	if err := p.interrupted.Err(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	n, err := p.sweeper.Sweep(ctx, before, limit)
	if p.removed += n; p.progress != nil {
		p.progress(p.removed)
	}
	return n, err
}
