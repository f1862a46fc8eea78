package movingstore

import (
	"context"
	"errors"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
)

// errAgain means that another one was faster: the record has to be looked at again.
var errAgain = errors.New("the record is not what it was")

// errKept means that the new store has the record for good.
var errKept = errors.New("the new store has the record already")

// Move moves a record of the old store, as Walk of that one returned it: "coatcheck copy" calls it for each. moved is
// false if somebody else has moved or ended the session first, or if the new store has it in the old one's stead.
func (s *Store) Move(ctx context.Context, r session.Record) (moved bool, err error) {
	id := r.ID
	for {
		err := s.take(ctx, r)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, errKept), errors.Is(err, session.ErrNotFound):
			return false, nil
		case !errors.Is(err, errAgain):
			return false, failed("move", err)
		}
		if r, err = s.loadOld(ctx, id); err != nil {
			return false, absentOr("move", err)
		}
	}
}

func absentOr(operation string, err error) error {
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return failed(operation, err)
}

// bring sees to it that the new store has the record for good. It returns ErrNotFound if neither has it.
func (s *Store) bring(ctx context.Context, id session.RecordID) error {
	for {
		if _, err := s.settled(ctx, id); !errors.Is(err, session.ErrNotFound) {
			return err
		}
		r, err := s.loadOld(ctx, id)
		if errors.Is(err, session.ErrNotFound) {
			_, err = s.settled(ctx, id) // it may have been moved in between
			return err
		}
		if err == nil {
			err = s.take(ctx, r)
		}
		if err != nil && !errors.Is(err, errAgain) && !errors.Is(err, errKept) {
			return err
		}
	}
}

// take moves what the old store has, in four steps, of which the second decides. Any of them may be the last one of
// this process: whoever comes next goes on from there.
func (s *Store) take(ctx context.Context, r session.Record) error {
	if m, marked := markOf(r.Data); marked {
		return s.complete(ctx, r, m)
	}
	if r.Version == 0 {
		return errDamaged
	}
	if _, err := r.Describe(); errors.Is(err, session.ErrUnavailable) { // its subject is not known
		return err
	}
	t, err := s.send(ctx, r)
	if err != nil {
		return err
	}
	switch err := s.old.Update(ctx, leftBehind(r, t)); {
	case errors.Is(err, session.ErrConflict), errors.Is(err, session.ErrNotFound):
		return errAgain
	case err != nil:
		return err
	}
	return s.settle(ctx, r)
}

// send leaves a copy in the new store that does not count yet, and returns its ticket.
func (s *Store) send(ctx context.Context, r session.Record) (ticket, error) {
	t := newTicket()
	if err := s.new.Create(ctx, arrivingCopy(r, t)); !errors.Is(err, session.ErrExists) {
		return t, err
	}
	found, err := s.new.Load(ctx, r.ID)
	if errors.Is(err, session.ErrNotFound) {
		err = errAgain
	}
	if err != nil {
		return t, err
	}
	m, marked := markOf(found.Data)
	switch {
	case !marked:
		return t, errKept
	case m.kind != arriving:
		return t, errBothWays
	case m.version > r.Version:
		return t, errAgain
	case m.version == r.Version && found.Version == r.Version-1:
		return m.ticket, s.prolong(ctx, found, r)
	}
	return t, s.overwrite(ctx, found.Version, arrivingCopy(r, t))
}

var errBothWays = errors.New("the new store has a session that has begun to move from there: " +
	"complete that move before moving back")

// prolong sees to it that a copy which somebody else has left lives as long as the record.
func (s *Store) prolong(ctx context.Context, found, r session.Record) error {
	if !found.Expires.Before(r.Expires) {
		return nil
	}
	touch, ok := s.new.(session.Toucher)
	if !ok {
		return errors.ErrUnsupported
	}
	return again(touch.Touch(ctx, r.ID, r.Seen, r.Expires))
}

// overwrite replaces a copy of an older version, which nothing can make count any more, step by step until its own
// version is the right one.
func (s *Store) overwrite(ctx context.Context, from uint64, c session.Record) error {
	for to := c.Version; from < to; from++ {
		if c.Version = from; ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.new.Update(ctx, c); err != nil {
			return again(err)
		}
	}
	return nil
}

// again takes a refusal for a reason to look again.
func again(err error) error {
	if errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		return errAgain
	}
	return err
}

// complete settles a move that somebody has begun. behind is what is in the old store.
func (s *Store) complete(ctx context.Context, behind session.Record, m mark) error {
	if m.kind != left { // a copy from a move in the other direction, of a session that ended
		return session.ErrNotFound
	}
	found, err := s.new.Load(ctx, behind.ID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		return err
	}
	if c, marked := markOf(found.Data); err == nil && marked && c.kind == arriving && c.ticket == m.ticket {
		r := behind // with its clocks, which a later touch may have moved
		if err := c.unpack(&r); err != nil {
			return err
		}
		r.Version = m.version
		return s.settle(ctx, r)
	}
	return s.old.Delete(ctx, behind.ID)
}

// settle makes the copy count and removes what is left in the old store.
func (s *Store) settle(ctx context.Context, r session.Record) error {
	r.Version--
	err := s.new.Update(ctx, r)
	if err = again(err); err != nil && !errors.Is(err, errAgain) { // which is somebody else's settling, or a Delete
		return err
	}
	return s.old.Delete(ctx, r.ID)
}

// settled returns what the new store has for good, or ErrNotFound.
func (s *Store) settled(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := s.new.Load(ctx, id)
	if err != nil {
		return r, err
	}
	if _, marked := markOf(r.Data); !marked {
		return r, nil
	}
	if r.Cached {
		return session.Record{}, fmt.Errorf("the new store, a %T, answers from a cache: put the cache before the pair", s.new)
	}
	return session.Record{}, session.ErrNotFound
}

// loadOld returns what the old store has, with its ID.
func (s *Store) loadOld(ctx context.Context, id session.RecordID) (session.Record, error) {
	r, err := s.old.Load(ctx, id)
	r.ID = id
	return r, err
}
