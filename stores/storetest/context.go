package storetest

import (
	"context"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// promptly is long for a store and short for a visitor.
const promptly = 2 * time.Second

const boundedCalls = "the core bounds every store call with a context: a store that goes on regardless holds up the " +
	"visitor, and what it does then nobody learns"

var contextCases = []testCase{
	{name: "CancelledContext", why: boundedCalls, run: cancelledContext},
	{name: "CancelledTouch", why: boundedCalls, run: cancelledTouch},
	{name: "CancelledFind", why: boundedCalls, run: cancelledFind},
	{name: "CancelledLoadAll", why: boundedCalls, run: cancelledLoadAll},
	{name: "CancelledWalk", why: boundedCalls, run: cancelledWalk},
	{name: "CancelledSweep", why: boundedCalls, run: cancelledSweep},
}

// cancelled runs an operation under a context that has already ended.
func (t *trial) cancelled(operation string, run func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.ctx)
	cancel()
	answer := make(chan error, 1)
	go func() { answer <- run(ctx) }()
	select {
	case err := <-answer:
		t.want(operation+" under a cancelled context", err, context.Canceled)
	case <-time.After(promptly):
		t.Fatalf("%s under a cancelled context: no answer within %s", operation, promptly)
	}
}

func cancelledContext(t *trial) {
	r, added := newRecord("values"), newRecord("added")
	t.create(r)
	for _, id := range []session.RecordID{r.ID, added.ID} {
		t.cancelled("Load", func(ctx context.Context) error { _, err := t.store.Load(ctx, id); return err })
	}
	t.cancelled("Create", func(ctx context.Context) error { return t.store.Create(ctx, added) })
	t.absent(added.ID)
	changed := r
	changed.Data = []byte("changed")
	t.cancelled("Update", func(ctx context.Context) error { return t.store.Update(ctx, changed) })
	t.holds(r)
	t.cancelled("Delete", func(ctx context.Context) error { return t.store.Delete(ctx, r.ID) })
	t.holds(r)
}

func cancelledTouch(t *trial) {
	s := t.toucher()
	r := newRecord("values")
	t.create(r)
	t.cancelled("Touch", func(ctx context.Context) error {
		return s.Touch(ctx, r.ID, r.Seen.Add(time.Minute), r.Expires.Add(time.Minute))
	})
	t.holds(r)
}

func cancelledFind(t *trial) {
	s := t.indexer()
	r := newRecordOf(newSubject(), "values")
	t.create(r)
	for _, subject := range []string{r.Subject, newSubject()} {
		t.cancelled("Find", func(ctx context.Context) error { _, err := s.Find(ctx, subject); return err })
	}
}

func cancelledLoadAll(t *trial) {
	s, r := t.batchLoader(), newRecord("values")
	t.create(r)
	for _, ids := range [][]session.RecordID{{r.ID}, {newID()}} {
		t.cancelled("LoadAll", func(ctx context.Context) error { _, err := s.LoadAll(ctx, ids); return err })
	}
}

func cancelledWalk(t *trial) {
	s := t.walker()
	for range 2 { // of a store that may be empty, and of one that is not
		t.cancelled("Walk", func(ctx context.Context) error { _, _, err := s.Walk(ctx, "", 500); return err })
		t.create(newRecord("values"))
	}
}

func cancelledSweep(t *trial) {
	s := t.sweeper()
	r := newRecord("expired")
	r.Expires = now().Add(-time.Hour)
	t.create(r)
	kept := t.keepsExpired(r)
	t.cancelled("Sweep", func(ctx context.Context) error { _, err := s.Sweep(ctx, now(), 10); return err })
	if kept {
		t.holds(r)
	}
}
