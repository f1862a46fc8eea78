package tieredstore_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// TestKnown: what is forgotten too early lets a process read less than it has written; what is never forgotten keeps
// the fast store from being used, and grows.
func TestKnown(t *testing.T) {
	const keep = 10 * time.Second
	first, second := session.RecordID{1}, session.RecordID{2}
	epoch := time.UnixMilli(1_700_000_000_000)
	at := func(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }
	k := tieredstore.NewKnown(keep)
	least := func(id session.RecordID, seconds int, want uint64) {
		t.Helper()
		if got := k.Least(id, at(seconds)); got != want {
			t.Errorf("after %d seconds: version %d, want %d", seconds, got, want)
		}
	}
	k.Note(first, 5, at(0))
	k.Note(first, 3, at(1)) // an earlier write may be noted later
	least(first, 1, 5)
	k.Note(second, 7, at(9))
	least(second, 18, 7)
	least(second, 19, 7)
	least(second, 20, 0)
	k.Note(first, 6, at(18))
	least(second, 18, 7)
	least(first, 27, 6)
	least(second, 28, 0)

	k.Note(second, 8, at(-100)) // the clock was set back
	least(second, -91, 8)
	least(second, -80, 0)
}
