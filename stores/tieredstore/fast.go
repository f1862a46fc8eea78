package tieredstore

import (
	"context"
	"errors"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// maxSwaps bounds how often a copy is swapped against others that do the same.
const maxSwaps = 4

// lookup is what the fast store had: a copy, or ErrNotFound, or another error, after which it is left alone.
type lookup struct {
	copy copied
	err  error
}

var errResting = errors.New("the fast store is being left alone")

// use lets f use the fast store, if it may be used, for a bounded time.
func (s *Store) use(ctx context.Context, operation string, f func(ctx context.Context) error) error {
	if !s.breaker.allows(s.now()) {
		return errResting
	}
	limited := &bounded{Context: ctx, deadline: time.Now().Add(s.fastTimeout)}
	defer limited.stop()
	err := f(limited)
	switch {
	case err == nil, refusal(err):
		s.breaker.succeeded()
	case ctx.Err() == nil: // otherwise the caller gave up, which says nothing about the store
		s.breaker.failed(failed("fast store: "+operation, err), s.now())
	}
	return err
}

// refusal tells an answer from a failure.
func refusal(err error) bool {
	return contested(err) || errors.Is(err, session.ErrTooLarge) || errors.Is(err, errors.ErrUnsupported)
}

// contested reports whether another write came first.
func contested(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrExists) || errors.Is(err, session.ErrConflict)
}

func (s *Store) look(ctx context.Context, id session.RecordID) (found lookup) {
	found.err = s.use(ctx, "load", func(ctx context.Context) (err error) {
		found.copy, err = s.load(ctx, id)
		return err
	})
	return found
}

func (s *Store) load(ctx context.Context, id session.RecordID) (copied, error) {
	r, err := s.fast.Load(ctx, id)
	if err != nil {
		return copied{}, err
	}
	r.ID = id
	return copied(r), copied(r).check()
}

// fill leaves a copy for the next reader, in place of what was found, and reports whether it did. If there is another
// one by now, it may be newer and stays.
func (s *Store) fill(ctx context.Context, found lookup, c copied) bool {
	present := found.err == nil
	if !present && !errors.Is(found.err, session.ErrNotFound) || !c.Seen.Before(c.expires()) {
		return false
	}
	return s.use(ctx, "fill", func(ctx context.Context) error { return s.write(ctx, found.copy, present, c) }) == nil
}

// put leaves a copy of what was written, unless there is one of the same or a later version.
func (s *Store) put(ctx context.Context, c copied) {
	_ = s.change(ctx, c.ID, "put", func(old copied, present bool) (copied, bool) {
		return c, !present || old.version() < c.version()
	})
}

// extend touches the copy, if there is one. Without success it is not to be used here: its version is still right.
func (s *Store) extend(ctx context.Context, id session.RecordID, seen, expires time.Time) {
	err := s.change(ctx, id, "touch", func(old copied, present bool) (copied, bool) {
		if !present || !old.readable() {
			return old, false
		}
		return old.extended(seen, expires), true
	})
	if err != nil {
		s.known.note(id, gone, s.now())
	}
}

// change replaces a copy by what edit makes of it. What was written should reach other servers although its request
// may be over, so only FastTimeout ends it.
func (s *Store) change(ctx context.Context, id session.RecordID, operation string,
	edit func(old copied, present bool) (next copied, ok bool)) error {
	return s.use(context.WithoutCancel(ctx), operation, func(ctx context.Context) error {
		for range maxSwaps {
			old, err := s.load(ctx, id)
			if err != nil && !errors.Is(err, session.ErrNotFound) {
				return err
			}
			next, ok := edit(old, err == nil)
			if !ok {
				return nil
			}
			if err = s.write(ctx, old, err == nil, next); !contested(err) {
				return err
			}
		}
		return s.fast.Delete(ctx, id) // so many others are at it that none is sure to have the latest
	})
}

// write replaces the copy old, or creates one if there was none. Where the new one does not fit, none is left.
func (s *Store) write(ctx context.Context, old copied, present bool, c copied) error {
	if !present {
		return s.fast.Create(ctx, session.Record(c))
	}
	c.Version = old.Version
	err := s.fast.Update(ctx, session.Record(c))
	if errors.Is(err, session.ErrTooLarge) {
		return s.fast.Delete(ctx, c.ID)
	}
	return err
}

// drop removes the copy.
func (s *Store) drop(ctx context.Context, id session.RecordID) {
	_ = s.use(context.WithoutCancel(ctx), "delete", func(ctx context.Context) error { return s.fast.Delete(ctx, id) })
}

// sweepCopies removes the copies that were past their use by the given time. They are not the sessions that the limit
// is about, so it goes on until none is left.
func (s *Store) sweepCopies(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	fast, ok := s.fast.(session.Sweeper)
	if !ok {
		return 0, unsupported("sweep", s.durable)
	}
	for more := true; more; {
		err = s.use(ctx, "sweep", func(ctx context.Context) error {
			n, err := fast.Sweep(ctx, before, limit)
			removed, more = removed+n, n > 0 && n >= limit
			return err
		})
		if err != nil {
			return removed, failed("sweep", err)
		}
	}
	return removed, nil
}
