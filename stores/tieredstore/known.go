package tieredstore

import (
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// known remembers what copies this process may show of each record, for as long as a copy that is older can be fresh
// enough to be shown. It has two generations and forgets the older one as a whole.
type known struct {
	keep time.Duration // at least; twice as long at most, while there is something to note

	mu           sync.RWMutex
	turned       time.Time // when the older generation began to be the older one
	older, newer map[session.RecordID]notes
	conflicts    uint64 // so far
}

// notes are about one record. An entry in the newer generation takes the place of that in the older one.
type notes struct {
	least    uint64 // version
	conflict uint64 // which one said that no copy will do until the durable store has been read once more; 0 is none
}

// note raises the least version of a record.
func (k *known) note(id session.RecordID, version uint64, now time.Time) {
	k.change(id, now, func(n *notes) { n.least = max(version, n.least) })
}

// conflicted notes that the record has changed, nobody knows how often.
func (k *known) conflicted(id session.RecordID, now time.Time) {
	k.change(id, now, func(n *notes) {
		k.conflicts++
		n.conflict = k.conflicts
	})
}

// read notes the version that the durable store had when it was asked after a conflict, unless there was another
// conflict since.
func (k *known) read(id session.RecordID, version, conflict uint64, now time.Time) {
	k.change(id, now, func(n *notes) {
		n.least = max(version, n.least)
		if n.conflict == conflict {
			n.conflict = 0
		}
	})
}

func (k *known) change(id session.RecordID, now time.Time, edit func(*notes)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch past := now.Sub(k.turned); {
	case k.newer == nil, past >= k.keep:
		k.older, k.newer, k.turned = k.newer, map[session.RecordID]notes{}, now
	case past < 0: // the clock was set back
		k.turned = now
	}
	n, ok := k.newer[id]
	if !ok {
		n = k.older[id]
	}
	edit(&n)
	k.newer[id] = n
}

// about returns nothing for records of which nothing is known any more.
func (k *known) about(id session.RecordID, now time.Time) notes {
	k.mu.RLock()
	defer k.mu.RUnlock()
	past := now.Sub(k.turned)
	if past >= 2*k.keep {
		return notes{}
	}
	n, ok := k.newer[id]
	if !ok && past < k.keep {
		n = k.older[id]
	}
	return n
}
