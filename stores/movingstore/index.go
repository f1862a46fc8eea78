package movingstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// Find returns the ids of a subject's records, from both stores. It asks the old one first, because that is the way
// records go; and both once more, because servers that hold begin the successor of a renewed session in the old one.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	ids, seen := []session.RecordID{}, map[session.RecordID]bool{}
	for _, store := range []session.Store{s.old, s.new, s.old, s.new} {
		index, ok := store.(session.Indexer)
		if !ok {
			return nil, unsupported("find", store)
		}
		found, err := index.Find(ctx, subject)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			if !seen[id] {
				seen[id], ids = true, append(ids, id)
			}
		}
	}
	return ids, nil
}

// LoadAll returns those of the records that are there, each from the store that has it.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	old, oldErr := loadAll(ctx, s.old, ids) // first: what has left it by then has arrived
	arrived, err := loadAll(ctx, s.new, ids)
	if errors.Is(oldErr, errors.ErrUnsupported) || errors.Is(err, errors.ErrUnsupported) {
		return nil, errors.Join(oldErr, err)
	}
	err = errors.Join(oldErr, err)
	var all []session.Record
	for _, id := range ids {
		r, ok, failure := s.choose(ctx, id, old, arrived)
		if ok {
			all = append(all, r)
		}
		err = errors.Join(err, failure)
	}
	return all, err
}

type records map[session.RecordID]session.Record

func loadAll(ctx context.Context, store session.Store, ids []session.RecordID) (records, error) {
	batch, ok := store.(session.BatchLoader)
	if !ok {
		return nil, unsupported("load all", store)
	}
	loaded, err := batch.LoadAll(ctx, ids)
	found := make(records, len(loaded))
	for _, r := range loaded {
		found[r.ID] = r
	}
	return found, err
}

// choose returns what counts of what the two stores have under an id.
func (s *Store) choose(ctx context.Context, id session.RecordID, old, arrived records) (session.Record, bool, error) {
	before, wasThere := old[id]
	now, isThere := arrived[id]
	_, left := markOf(before.Data)
	_, arriving := markOf(now.Data)
	switch {
	case isThere && !arriving:
		return now, true, nil
	case wasThere && !left:
		return before, true, nil
	case !isThere:
		return session.Record{}, false, nil
	}
	r, err := s.Load(ctx, id) // it is on its way
	r.ID = id
	if errors.Is(err, session.ErrNotFound) {
		return r, false, nil
	}
	return r, err == nil, err
}

// The cursors of the two parts of a walk. It begins with the old store, because that is the way records go.
const (
	inOld = "old-"
	inNew = "new-"
)

// Walk returns a page of the records of one of the stores, and after the last one of the old begins with the new.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	own, ofNew := strings.CutPrefix(cursor, inNew)
	store := s.new
	if !ofNew {
		var ok bool
		if own, ok = strings.CutPrefix(cursor, inOld); !ok && cursor != "" || ok && own == "" {
			return nil, "", failed("walk", fmt.Errorf("%.40q is no cursor of this store", cursor))
		}
		store = s.old
	}
	walker, ok := store.(session.Walker)
	if _, too := s.new.(session.Walker); !ok || !too {
		return nil, "", unsupported("walk", store)
	}
	page, next, err := walker.Walk(ctx, own, limit)
	page, failure := s.counting(ctx, page, ofNew)
	switch err = errors.Join(err, failure); {
	case err != nil:
		return page, "", err
	case next != "" && ofNew:
		next = inNew + next
	case next != "":
		next = inOld + next
	case !ofNew:
		next = inNew
	}
	return page, next, nil
}

// counting leaves out the marks of a page. A copy that has not been made to count is looked at again.
func (s *Store) counting(
	ctx context.Context, page []session.Record, ofNew bool,
) (counting []session.Record, err error) {
	for _, r := range page {
		if _, marked := markOf(r.Data); !marked {
			counting = append(counting, r)
			continue
		}
		if !ofNew {
			continue
		}
		_, failure := s.Load(ctx, r.ID)
		if failure == nil {
			var now session.Record
			if now, failure = s.settled(ctx, r.ID); failure == nil { // otherwise it was met in the old store
				now.ID = r.ID
				counting = append(counting, now)
			}
		}
		if failure != nil && !errors.Is(failure, session.ErrNotFound) {
			err = errors.Join(err, failure)
		}
	}
	return counting, err
}
