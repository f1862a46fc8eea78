// Package tieredstore puts a fast store in front of a durable one, such as Memcached or the process's own memory in
// front of a database. Most reads are answered by the fast store. The durable one decides everything else, so the
// fast one may fail, hang, forget or be behind: it may cost time, and never a session.
//
// # How it works
//
// Create, Update, Touch and Delete go to the durable store first, and its answer is the answer. Then the fast store
// gets a copy of what was written. Load returns the copy if there is one to trust; otherwise it asks the durable
// store and leaves a copy. Find, LoadAll, Walk and Sweep are the durable store's.
//
// The fast store must be for this alone: with servers shared, under a prefix of its own. A copy is a record under the
// same id whose Version counts its changes, whose Seen says when the durable store was asked, and whose Expires is
// the end of its use. Its data is, with numbers big-endian and times in milliseconds since 1970:
//
//	bytes 0-4     "copy" and the format, 1
//	bytes 5-28    the record's version, last seen, expires (8 bytes each)
//	then          the record's data
//
// Copies are compared and swapped, and one of a later version is not replaced by an earlier one, so a slow reader
// does not put an old record over a new one.
//
// # Bounded staleness
//
// This is the one promise that weakens: a read may show a session as it was up to Options.MaxStale ago. It happens
// where a copy does not learn of a write: on other servers when each has a fast store of its own, as with memory; and
// with a shared one when it failed, evicted the copy or was raced at the wrong moment. A session that was ended can
// then be read for that long. It cannot be written: the durable store judges each write, so nothing stale is ever
// saved and no ended session comes back. What comes from a copy is marked as Cached, so that the core takes no change
// for one that has been made already. A process does not go back: it never reads a version older than one that it has
// written, nor a record that it has deleted or found to be gone, whether the fast store has heard of it or not; and
// after a conflict it reads the durable store before it believes a copy again. Times are compared between servers, so
// how far their clocks differ adds to MaxStale.
//
// # A failing fast store
//
// Each use of the fast store is bounded by Options.FastTimeout. After a failure it is left alone for Options.BackOff,
// then one call tries it again. Writes made meanwhile do not reach it, which MaxStale bounds like the rest.
package tieredstore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Store is a session.Store in two tiers. It has all the optional interfaces and answers errors.ErrUnsupported where
// the durable store lacks them. It is safe for concurrent use. Errors are the durable store's; those of the fast store
// go to Options.OnError. Use New.
type Store struct {
	fast, durable session.Store
	maxStale      time.Duration
	fastTimeout   time.Duration
	now           func() time.Time
	known         known
	breaker       breaker
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
	_ session.Sweeper = (*Store)(nil)
)

// gone is a version that no copy has.
const gone = math.MaxUint64

// New returns a store that keeps sessions in durable and copies of them in fast. It panics if one of them is missing
// or if they are the same.
func New(fast, durable session.Store, o Options) *Store {
	switch {
	case fast == nil || durable == nil:
		panic("tieredstore: a store is nil: New takes the fast and the durable one")
	case fast == durable:
		panic("tieredstore: the fast store is the durable one: use it alone")
	}
	o.complete()
	return &Store{
		fast: fast, durable: durable, maxStale: o.MaxStale, fastTimeout: o.FastTimeout, now: o.Now,
		known: known{keep: o.MaxStale}, breaker: breaker{rest: o.BackOff, report: o.OnError},
	}
}

// Load returns the record, possibly as it was up to MaxStale ago: then it is marked as Cached. Its Subject and Handle
// may be empty. An absent record is session.ErrNotFound.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, failed("load", err)
	}
	asked := s.now() // before the durable store is asked: a copy is at least as new as it says
	known, found := s.known.about(id, asked), s.look(ctx, id)
	if found.err == nil && known.conflict == 0 && s.trusted(found.copy, known.least, asked) {
		return found.copy.record(), nil
	}
	r, err := s.durable.Load(ctx, id)
	switch {
	case err == nil:
		filled := s.fill(ctx, found, newCopy(r, asked, s.maxStale))
		if !filled || known.conflict != 0 { // an older copy may be there, or come
			s.known.read(id, r.Version, known.conflict, s.now())
		}
	case errors.Is(err, session.ErrNotFound) && found.err == nil:
		s.forget(ctx, id)
	}
	return r, err
}

// trusted reports whether a copy may be shown. One whose session seems to have expired may not: another server may have
// extended it.
func (s *Store) trusted(c copied, least uint64, now time.Time) bool {
	age := now.Sub(c.asked())
	return age >= 0 && age < s.maxStale && now.Before(c.expires()) && c.version() >= least
}

// Create stores a new record, or returns session.ErrExists.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return failed("create", err)
	}
	asked := s.now()
	err := s.durable.Create(ctx, r)
	switch {
	case err == nil:
		s.fill(context.WithoutCancel(ctx), lookup{err: session.ErrNotFound}, newCopy(r, asked, s.maxStale))
	case errors.Is(err, session.ErrExists):
		s.known.conflicted(r.ID, s.now())
	}
	return err
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return failed("update", err)
	}
	asked := s.now()
	err := s.durable.Update(ctx, r)
	switch {
	case err == nil:
		r.Version++
		s.known.note(r.ID, r.Version, s.now())
		s.put(ctx, newCopy(r, asked, s.maxStale))
	case errors.Is(err, session.ErrConflict):
		s.known.conflicted(r.ID, s.now())
	case !errors.Is(err, session.ErrTooLarge):
		s.forget(ctx, r.ID)
	}
	return err
}

// Touch extends a record, or returns session.ErrNotFound, or errors.ErrUnsupported if the durable store cannot touch.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	t, ok := s.durable.(session.Toucher)
	if !ok {
		return unsupported("touch", s.durable)
	}
	if err := ctx.Err(); err != nil {
		return failed("touch", err)
	}
	err := t.Touch(ctx, id, seen, expires)
	switch {
	case err == nil:
		s.extend(ctx, id, seen, expires)
	case !errors.Is(err, errors.ErrUnsupported):
		s.forget(ctx, id)
	}
	return err
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	if err := ctx.Err(); err != nil {
		return failed("delete", err)
	}
	err := s.durable.Delete(ctx, id)
	s.forget(ctx, id)
	return err
}

// forget sees to it that a record which is gone, or in an unknown state, is looked for in the durable store.
func (s *Store) forget(ctx context.Context, id session.RecordID) {
	s.known.note(id, gone, s.now())
	s.drop(ctx, id)
}

// Find returns the ids of a subject's records, from the durable store.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	index, ok := s.durable.(session.Indexer)
	if !ok {
		return nil, unsupported("find", s.durable)
	}
	return index.Find(ctx, subject)
}

// LoadAll returns those of the records that are there, from the durable store.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	batch, ok := s.durable.(session.BatchLoader)
	if !ok {
		return nil, unsupported("load all", s.durable)
	}
	return batch.LoadAll(ctx, ids)
}

// Walk returns a page of all records, from the durable store, whose cursors they are.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	walker, ok := s.durable.(session.Walker)
	if !ok {
		return nil, "", unsupported("walk", s.durable)
	}
	return walker.Walk(ctx, cursor, limit)
}

// Sweep removes up to limit expired records from the durable store, and all copies that are past their use from a
// fast store that does not see to that itself. It reports how many records it removed, or copies if only those need
// sweeping.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	copies, copiesErr := s.sweepCopies(ctx, before, limit)
	durable, ok := s.durable.(session.Sweeper)
	if !ok {
		return copies, copiesErr
	}
	removed, err = durable.Sweep(ctx, before, limit)
	if errors.Is(err, errors.ErrUnsupported) {
		return copies, copiesErr
	}
	return removed, err
}

func failed(operation string, err error) error {
	return fmt.Errorf("tieredstore: %s: %w", operation, err)
}

func unsupported(operation string, store session.Store) error {
	return failed(operation, fmt.Errorf("the durable store, a %T, cannot: %w", store, errors.ErrUnsupported))
}
