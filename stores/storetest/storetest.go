// Package storetest checks that a store keeps the promises that session.Store makes to the core. It is one suite
// for every store, those of this project and yours alike.
//
// A store's author calls it from a test of the store's package:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) session.Store { return mystore.New(connect(t)) })
//	}
//
// The function is called once for each case. It may return a new store or the same one again: every case works
// on records of its own, under random ids and subjects, so a server need not be emptied first. The cases run one
// after the other; meanwhile nobody else may sweep that server or leave expired records on it. What they leave
// behind expires within days. What the store needs to be closed with belongs in t.Cleanup.
//
// The optional interfaces session.Toucher, session.BatchLoader, session.Indexer, session.Walker and session.Sweeper are
// found by type assertion. The cases of one that is missing, or that answers errors.ErrUnsupported, are skipped. A
// store may refuse data of more than 64 KiB with session.ErrTooLarge. It may drop a record on its own five minutes
// after that has expired, and it may keep it.
//
// Whether a store heeds its context while its back end hangs is checked if the store under test is a Blocker.
//
// A case that fails says why its rule exists. Run the suite with the race detector too.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// patience bounds a case, so that a store which never answers fails with a sentence instead of a stack dump.
const patience = time.Minute

// testCase is one rule. Why is one sentence that says what would go wrong in an application without it.
type testCase struct {
	name string
	why  string
	run  func(t *trial)
}

// Run checks a store. It calls newStore once for each case.
func Run(t *testing.T, newStore func(t *testing.T) session.Store) {
	t.Helper()
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) { c.check(t, newStore(t)) })
	}
}

func allCases() []testCase {
	return slices.Concat(recordCases, dataCases, idCases, expiryCases, contextCases, blockedCases, concurrencyCases,
		interruptedCases,
		touchCases, batchCases, indexCases, momentCases, walkCases, sweepCases)
}

func (c testCase) check(t *testing.T, store session.Store) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("why %s matters: %s", c.name, c.why)
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.run(&trial{T: t, ctx: ctx, store: store})
}
