package memstore

import session "github.com/coatcheck/coatcheck/core"

// Spoil ruins a record, so that looking at it panics.
func (s *Store) Spoil(id session.RecordID) { s.shard(id).records[id] = nil }

// Notes is the number of notes that all sweeps together have yet to read.
func (s *Store) Notes() (n int) {
	for i := range s.shards {
		n += len(s.shards[i].due)
	}
	return n
}

// Hold takes all locks of records until release is called.
func (s *Store) Hold() (release func()) {
	for i := range s.shards {
		s.shards[i].mu.Lock()
	}
	return func() {
		for i := range s.shards {
			s.shards[i].mu.Unlock()
		}
	}
}

// BetweenHolds installs what happens whenever a walk has let a lock go halfway.
func BetweenHolds(f func()) (remove func()) {
	betweenHolds = f
	return func() { betweenHolds = func() {} }
}
