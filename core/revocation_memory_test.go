package session

import (
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Clients choose how many sessions they present, and the server's memory must not follow.
func TestWhatIsRememberedOfRevocationsIsBounded(t *testing.T) {
	m := newRevocationMemory(1000)
	m.limit = 10
	ids := make([]RecordID, 35)
	for i := range ids {
		ids[i] = RecordID{byte(i)}
		m.put(ids[i:i+1], nil, 0, 0)
		if n := len(m.recent) + len(m.earlier); n > 2*m.limit || len(m.recent) > m.limit {
			t.Fatalf("%d are remembered, %d allowed", n, 2*m.limit)
		}
	}
	known := 0
	for _, id := range ids {
		if _, ok := m.get(id, 1); ok {
			known++
		}
	}
	if known < m.limit {
		t.Errorf("%d are still known, want the last %d at least", known, m.limit)
	}
}

// After a clock has been set back, what was remembered in its future would hold too long.
func TestWhatIsRememberedOfRevocationsHasItsTime(t *testing.T) {
	m, id := newRevocationMemory(1000), []RecordID{{1}}
	m.put(id, nil, 5000, 0)
	for now, want := range map[wire.Millis]bool{4999: false, 5000: true, 5999: true, 6000: false} {
		if _, ok := m.get(id[0], now); ok != want {
			t.Errorf("at %d: known %t, want %t", now, ok, want)
		}
	}
}
