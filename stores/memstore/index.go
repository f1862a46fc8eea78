package memstore

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"

	session "github.com/coatcheck/coatcheck/core"
)

// subjects is one shard of the index by subject. Its lock is taken inside a record shard's, never the other way
// round. A record knows its place in its subject's list, so that leaving a long one takes no longer than a short one.
type subjects struct {
	mu    sync.Mutex
	lists map[string][]entry
}

type entry struct {
	id   session.RecordID
	kept *record
}

func (s *Store) subjectsOf(subject string) *subjects {
	return &s.subjects[maphash.String(s.seed, subject)%shardCount]
}

// index moves a record from one subject's list to that of its present one; "" is nobody.
func (s *Store) index(id session.RecordID, kept *record, from string) {
	if from == kept.subject {
		return
	}
	if from != "" {
		s.subjectsOf(from).remove(from, kept)
	}
	if kept.subject != "" {
		s.subjectsOf(kept.subject).add(id, kept)
	}
}

func (sub *subjects) add(id session.RecordID, kept *record) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	list := sub.lists[kept.subject]
	kept.place = len(list)
	sub.lists[kept.subject] = append(list, entry{id, kept})
}

// remove puts the last one of the list in the record's place.
func (sub *subjects) remove(subject string, kept *record) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	list := sub.lists[subject]
	last := len(list) - 1
	list[kept.place] = list[last]
	list[kept.place].kept.place = kept.place
	list[last] = entry{}
	if last == 0 {
		delete(sub.lists, subject)
		return
	}
	sub.lists[subject] = list[:last]
}

func (sub *subjects) find(subject string) []session.RecordID {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	list := sub.lists[subject]
	ids := make([]session.RecordID, len(list))
	for i := range list {
		ids[i] = list[i].id
	}
	return ids
}

// Find returns the ids of a subject's records, in no particular order.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.subjectsOf(subject).find(subject), nil
}

// LoadAll returns those of the records that are there. Subject and Handle are left empty.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) (records []session.Record, err error) {
	for _, id := range ids {
		switch r, err := s.Load(ctx, id); {
		case err == nil:
			records = append(records, r)
		case !errors.Is(err, session.ErrNotFound):
			return records, err
		}
	}
	return records, ctx.Err()
}
