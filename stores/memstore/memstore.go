// Package memstore keeps sessions in the memory of one process. It is the store to start with and the reference for
// others: fast, complete, and empty after a restart. Expired records take room until they are swept, which
// session.Manager.StartSweeper sees to.
//
// Records are spread over 64 shards. A shard has a map of records, whose data is never copied, since neither side
// changes it, and a queue of notes, earliest expiry first, one for each record, so that sweeping looks at nothing
// that is not due. Records with a subject are listed in a second set of shards.
package memstore

import (
	"context"
	"hash/maphash"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const shardCount = 64

// Store is a session.Store in memory, with all the optional interfaces. It is safe for concurrent use, has no limit of
// its own to how much it holds, and fails with nothing but the contract's errors and the context's. Use New.
type Store struct {
	shards   [shardCount]shard
	subjects [shardCount]subjects
	seed     maphash.Seed // spreads subjects over their shards
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
	_ session.Sweeper = (*Store)(nil)
)

type shard struct {
	mu      sync.RWMutex
	records map[session.RecordID]*record
	due     queue
}

// New returns an empty store.
func New() *Store {
	s := &Store{seed: maphash.MakeSeed()}
	for i := range s.shards {
		s.shards[i].records = map[session.RecordID]*record{}
		s.subjects[i].lists = map[string][]entry{}
	}
	return s
}

// shardOf gives each shard the ids between two others, so that a walk takes one after the other.
func shardOf(id session.RecordID) int { return int(id[0]) * shardCount / 256 }

func (s *Store) shard(id session.RecordID) *shard { return &s.shards[shardOf(id)] }

// Load returns the record, or session.ErrNotFound. Its Subject and Handle are left empty.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	sh := s.shard(id)
	if err := sh.rLock(ctx); err != nil {
		return session.Record{}, err
	}
	defer sh.mu.RUnlock()
	kept, ok := sh.records[id]
	if !ok {
		return session.Record{}, session.ErrNotFound
	}
	return kept.record(id), nil
}

// Create stores a new record, or returns session.ErrExists.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	sh := s.shard(r.ID)
	if err := sh.lock(ctx); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	if _, ok := sh.records[r.ID]; ok {
		return session.ErrExists
	}
	kept := &record{version: r.Version}
	kept.set(r)
	sh.records[r.ID] = kept
	sh.due.push(note{r.Expires.UnixMilli(), r.ID})
	s.index(r.ID, kept, "")
	return nil
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	sh := s.shard(r.ID)
	if err := sh.lock(ctx); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	kept, ok := sh.records[r.ID]
	if !ok {
		return session.ErrNotFound
	}
	if kept.version != r.Version {
		return session.ErrConflict
	}
	subject, expires := kept.subject, kept.expires
	kept.version++
	kept.set(r)
	if kept.expires < expires { // the note there is would come up too late
		sh.due.push(note{kept.expires, r.ID})
	}
	s.index(r.ID, kept, subject)
	return nil
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	sh := s.shard(id)
	if err := sh.lock(ctx); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	s.remove(sh, id)
	sh.tidy()
	return nil
}

// Touch extends a record in place, or returns session.ErrNotFound.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	sh := s.shard(id)
	if err := sh.lock(ctx); err != nil {
		return err
	}
	defer sh.mu.Unlock()
	kept, ok := sh.records[id]
	if !ok {
		return session.ErrNotFound
	}
	kept.touch(seen, expires)
	return nil
}
