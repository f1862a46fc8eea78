package memstore

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"

	session "github.com/coatcheck/coatcheck/core"
)

// subjects is one shard of the index by subject. Its lock is taken inside a record shard's, never the other way
// round.
type subjects struct {
	mu  sync.Mutex
	ids map[string]map[session.RecordID]struct{}
}

func (s *Store) subjectsOf(subject string) *subjects {
	return &s.subjects[maphash.String(s.seed, subject)%shardCount]
}

// index moves a record from one subject's list to another's; "" is nobody.
func (s *Store) index(id session.RecordID, from, to string) {
	if from == to {
		return
	}
	if from != "" {
		s.subjectsOf(from).remove(from, id)
	}
	if to != "" {
		s.subjectsOf(to).add(to, id)
	}
}

func (sub *subjects) add(subject string, id session.RecordID) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.ids[subject] == nil {
		sub.ids[subject] = map[session.RecordID]struct{}{}
	}
	sub.ids[subject][id] = struct{}{}
}

func (sub *subjects) remove(subject string, id session.RecordID) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	delete(sub.ids[subject], id)
	if len(sub.ids[subject]) == 0 {
		delete(sub.ids, subject)
	}
}

func (sub *subjects) list(subject string) []session.RecordID {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	ids := make([]session.RecordID, 0, len(sub.ids[subject]))
	for id := range sub.ids[subject] {
		ids = append(ids, id)
	}
	return ids
}

// Find returns the ids of a subject's records.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.subjectsOf(subject).list(subject), nil
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
