package tieredstore

import (
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// known remembers the least version that this process knows each record to have, for as long as a copy that is older
// can be fresh enough to be shown. It has two generations and forgets the older one as a whole.
type known struct {
	keep time.Duration // at least; twice as long at most, while there is something to note

	mu           sync.RWMutex
	turned       time.Time // when the older generation began to be the older one
	older, newer map[session.RecordID]uint64
}

// note raises the least version of a record.
func (k *known) note(id session.RecordID, version uint64, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch past := now.Sub(k.turned); {
	case k.newer == nil, past >= k.keep:
		k.older, k.newer, k.turned = k.newer, map[session.RecordID]uint64{}, now
	case past < 0: // the clock was set back
		k.turned = now
	}
	k.newer[id] = max(version, k.newer[id])
}

// least returns 0 for records of which nothing is known any more.
func (k *known) least(id session.RecordID, now time.Time) uint64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch past := now.Sub(k.turned); {
	case past < k.keep:
		return max(k.newer[id], k.older[id])
	case past < 2*k.keep:
		return k.newer[id]
	}
	return 0
}
