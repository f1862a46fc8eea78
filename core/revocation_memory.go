package session

import (
	"sync"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// revocationMemory remembers for a while what the store has said of revocations, above all that there is none. Nil
// remembers nothing.
type revocationMemory struct {
	age   wire.Millis
	limit int // of each of the two parts

	mu      sync.Mutex
	edits   uint64 // how many revocations this process has made
	recent  map[RecordID]remembered
	earlier map[RecordID]remembered // what was recent until that had reached the limit
}

// remembered is what the store said, and when it was asked.
type remembered struct {
	revocation
	at wire.Millis
}

// maxRemembered bounds each of the two parts of the memory, together about 15 MB.
const maxRemembered = 1 << 16

func newRevocationMemory(age wire.Millis) *revocationMemory {
	if age == 0 {
		return nil
	}
	return &revocationMemory{age: age, limit: maxRemembered, recent: map[RecordID]remembered{}}
}

// get returns what is remembered of id and not too old at now. After a clock has been set back nothing is.
func (m *revocationMemory) get(id RecordID, now wire.Millis) (r revocation, ok bool) {
	if m == nil {
		return r, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.recent[id]
	if !ok {
		known, ok = m.earlier[id]
	}
	return known.revocation, ok && now >= known.at && now < known.at+m.age
}

// edition is to be taken before the store is asked, and given to put with its answer.
func (m *revocationMemory) edition() uint64 {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.edits
}

// put remembers what the store, asked at a time, holds of ids, unless this process has revoked something since: then
// the answer may be from before.
func (m *revocationMemory) put(ids []RecordID, found map[RecordID]revocation, at wire.Millis, since uint64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.edits != since {
		return
	}
	for _, id := range ids {
		if len(m.recent) >= m.limit {
			m.recent, m.earlier = map[RecordID]remembered{}, m.recent
		}
		m.recent[id] = remembered{found[id], at}
	}
}

// forget is called once a revocation has been written, or may have been.
func (m *revocationMemory) forget(id RecordID) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.edits++
	delete(m.recent, id)
	delete(m.earlier, id)
}
