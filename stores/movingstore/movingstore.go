// Package movingstore moves sessions from one store to another while visitors are at work: it reads the old store and
// writes the new one, and nobody is logged out by it.
//
// # The steps of a move
//
//  1. Deploy with movingstore.New(old, new, movingstore.Options{Hold: true}) in place of the old store. Servers may be
//     replaced one after the other. Until a server of step 2 runs, all sessions stay in the old store.
//  2. When none is left that has the old store alone, deploy with movingstore.New(old, new, movingstore.Options{}). New
//     sessions begin in the new store, and one that is written or extended moves there first.
//  3. When none is left that holds, move the others: coatcheck copy --move --from OLD --to NEW. It may be interrupted
//     and run again, and is done when it finds nothing to move.
//  4. Deploy with the new store alone. When no server has the pair any more, the old store may go.
//
// A single server, or all of them stopped and started together, need no step 1. The way back is the same with the
// stores exchanged, after step 3. The new store must not have the sessions already: what coatcheck copy has left there
// without --move would count in place of what the old one has.
//
// # What holds meanwhile
//
// A session is in one of the two, and whatever the contract of session.Store promises holds for the pair: an update is
// judged by the last one, a record that was ended or deleted comes back on no path, whoever was moving it and however
// long that took, a search by subject finds what is in either, and versions and clocks go on where they were. A process
// may be killed at any point; whoever needs the record next goes on from there. No time is compared.
//
// # How it works
//
// A record moves in four steps: a copy that does not count yet goes into the new store, with a ticket; a mark with that
// ticket replaces the record in the old store, if it has not changed; the copy is made to count; the mark is removed.
// The second step decides. A copy whose ticket the old store has not left never counts and expires with the session. A
// mark is a record whose data is, with numbers big-endian:
//
//	bytes 0-5     "move", the format, 1, and 'a' in the new or 'l' in the old store
//	bytes 6-21    the ticket, random
//	bytes 22-29   the record's version
//	then          in the new store: subject and handle, each with a varint length, and the record's data
//
// # What it costs
//
// Reading a session costs one call of the new store, and two more while it is in the old one; writing one more than
// alone; a move five calls. Walk may show a session twice that moves during the walk, which the core puts up with.
//
// Neither store may be a tieredstore, whose copies would be behind: put the fast store before the pair.
package movingstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Options are what New may be told. The zero value moves.
type Options struct {
	// Hold leaves sessions in the store that they are in and begins new ones in the old store: step 1.
	Hold bool
}

// Store is a session.Store over two. It has all the optional interfaces and answers errors.ErrUnsupported where one of
// the two lacks them; while it holds it has no Touch, so that an extension cannot get lost with a move. It is safe for
// concurrent use. Use New.
type Store struct {
	old, new session.Store
	hold     bool
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
	_ session.Sweeper = (*Store)(nil)
)

// New returns a store whose sessions move from old to new. It panics if one of them is missing or if they are the same.
func New(old, new session.Store, o Options) *Store { //nolint:predeclared // there is no better word beside old
	switch {
	case old == nil || new == nil:
		panic("movingstore: a store is nil: New takes the old and the new one")
	case old == new:
		panic("movingstore: the old store is the new one: use it alone")
	}
	return &Store{old: old, new: new, hold: o.Hold}
}

// Load returns the record, from the store that has it.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := s.settled(ctx, id)
	if !errors.Is(err, session.ErrNotFound) {
		return r, err
	}
	r, err = s.loadOld(ctx, id)
	m, marked := markOf(r.Data)
	switch {
	case err == nil && !marked, err != nil && !errors.Is(err, session.ErrNotFound):
		return r, err
	case err == nil:
		if err := s.complete(ctx, r, m); err != nil && !errors.Is(err, session.ErrNotFound) {
			return session.Record{}, failed("load", err)
		}
	}
	return s.settled(ctx, id) // it has moved
}

// Create stores a new record, or returns session.ErrExists if the store that it goes to has one. The ids that the core
// makes are random and its own.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if s.hold {
		return s.old.Create(ctx, r)
	}
	return s.new.Create(ctx, r)
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if s.hold {
		return s.updateInPlace(ctx, r)
	}
	if err := s.bring(ctx, r.ID); err != nil {
		return failed("update", err)
	}
	return s.new.Update(ctx, r)
}

// updateInPlace replaces a record where it is.
func (s *Store) updateInPlace(ctx context.Context, r session.Record) error {
	for {
		found, err := s.Load(ctx, r.ID) // completes what others have begun
		if err != nil {
			return err
		}
		if found.Version != r.Version {
			return failed("update", session.ErrConflict)
		}
		if _, err = s.settled(ctx, r.ID); err == nil {
			return s.new.Update(ctx, r)
		}
		if !errors.Is(err, session.ErrNotFound) {
			return err
		}
		if err = s.old.Update(ctx, r); !errors.Is(err, session.ErrNotFound) {
			return err
		}
	}
}

// Touch extends a record, or returns session.ErrNotFound, or errors.ErrUnsupported.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	touch, ok := s.new.(session.Toucher)
	if !ok || s.hold {
		return failed("touch", errors.ErrUnsupported)
	}
	if err := s.bring(ctx, id); err != nil {
		return failed("touch", err)
	}
	return touch.Touch(ctx, id, seen, expires)
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	if err := s.old.Delete(ctx, id); err != nil { // first, so that no copy can count any more
		return err
	}
	return s.new.Delete(ctx, id)
}

// Sweep removes up to limit expired records from the two and reports how many.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	unsupported := 0
	for _, store := range []session.Store{s.old, s.new} {
		n, failure := sweep(ctx, store, before, limit-removed)
		if removed += n; errors.Is(failure, errors.ErrUnsupported) {
			unsupported++
		} else if failure != nil {
			err = errors.Join(err, failure)
		}
		if removed >= limit {
			return removed, err
		}
	}
	if unsupported == 2 {
		err = failed("sweep", errors.ErrUnsupported)
	}
	return removed, err
}

func sweep(ctx context.Context, store session.Store, before time.Time, limit int) (int, error) {
	sweeper, ok := store.(session.Sweeper)
	if !ok {
		return 0, errors.ErrUnsupported
	}
	return sweeper.Sweep(ctx, before, limit)
}

func failed(operation string, err error) error {
	return fmt.Errorf("movingstore: %s: %w", operation, err)
}

func unsupported(operation string, store session.Store) error {
	return failed(operation, fmt.Errorf("a %T cannot: %w", store, errors.ErrUnsupported))
}
