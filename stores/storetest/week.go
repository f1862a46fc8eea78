package storetest

import (
	"fmt"
	"slices"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/soak"
	"github.com/coatcheck/coatcheck/internal/week"
)

// Week plays weeks of one visitor on a store: pages of parallel requests, slow ones, lost answers, nights, restarts
// of the browser. In each the visitor is never anonymous before time and never logged in after it, and no change that
// was answered is lost. It takes newStore as Run does. Its clock runs up to nine days ahead and its sweeper goes by
// that clock, so the store must hold nothing of anybody else's. With -short it plays only what happens at the same
// time, which is all that the race detector can judge.
func Week(t *testing.T, newStore func(t *testing.T) session.Store) {
	t.Helper()
	seeds := []uint64{5} // core plays all in memory; this one calls a store for all that there is, renewals too
	if soak.Wanted() {
		seeds = slices.Collect(week.Seeds())
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			if testing.Short() {
				t.Skip("a short run leaves out the week, in which one step follows the other")
			}
			store := newStore(t)
			week.Stored(t, seed, func(o session.Options) (*session.Manager, error) { return session.New(store, o) })
		})
	}
	t.Run("ParallelRenewal", func(t *testing.T) {
		store := newStore(t)
		week.StoredRenewal(t, func(o session.Options) (*session.Manager, error) { return session.New(store, o) })
	})
}
