package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	trialLifetime  = 10 * time.Minute // in case it cannot be removed
	cleanUpTimeout = 10 * time.Second // at most
)

// errMisbehaves says that the store answered, but not as the contract of session.Store has it.
var errMisbehaves = errors.New("the store does not keep its contract")

func misbehaves(how string) error { return fmt.Errorf("%w: %s", errMisbehaves, how) }

// trial is a record of its own in a store.
type trial struct {
	store  session.Store
	record session.Record
	data   []byte // what the store is to have now
	made   bool   // perhaps
}

func newTrial(store session.Store, now time.Time) *trial {
	t := &trial{store: store, data: []byte("coatcheck check, first version")}
	t.record = session.Record{
		Version: 1, Data: t.data, Seen: now, Expires: now.Add(trialLifetime),
		Subject: "coatcheck check " + rand.Text(), Handle: rand.Text(),
	}
	_, _ = rand.Read(t.record.ID[:]) // never fails: crypto/rand ends the program instead
	return t
}

// step is a thing that applications do to records.
type step struct {
	name  string
	needs string // the step without which it means nothing
	do    func(context.Context) error
}

func (t *trial) steps() []step {
	return []step{
		{"create", "", t.create},
		{"load", "create", t.load},
		{"update", "create", t.update},
		{"refuse a stale update", "update", t.updateStale},
		{"touch", "create", t.touch},
		{"list by subject", "create", t.list},
		{"delete", "create", t.remove},
		{"sweep", "", t.sweep},
	}
}

func (t *trial) create(ctx context.Context) error {
	t.made = true
	return t.store.Create(ctx, t.record)
}

func (t *trial) load(ctx context.Context) error {
	r, err := t.store.Load(ctx, t.record.ID)
	switch {
	case err != nil:
		return err
	case r.Version != t.record.Version || !bytes.Equal(r.Data, t.data):
		return misbehaves("it returns something else than was written")
	}
	return nil
}

func (t *trial) update(ctx context.Context) error {
	next := t.record
	next.Data = []byte("coatcheck check, second version")
	if err := t.store.Update(ctx, next); err != nil {
		return err
	}
	t.data = next.Data
	t.record.Version++
	return t.load(ctx)
}

func (t *trial) updateStale(ctx context.Context) error {
	stale := t.record
	stale.Version--
	switch err := t.store.Update(ctx, stale); {
	case errors.Is(err, session.ErrConflict):
		return t.load(ctx)
	case err != nil:
		return err
	}
	return misbehaves("it lets an old version overwrite a newer one")
}

func (t *trial) touch(ctx context.Context) error {
	toucher, ok := t.store.(session.Toucher)
	if !ok {
		return errors.ErrUnsupported
	}
	later := t.record
	later.Seen, later.Expires = later.Seen.Add(time.Second), later.Expires.Add(time.Second)
	if err := toucher.Touch(ctx, later.ID, later.Seen, later.Expires); err != nil {
		return err
	}
	r, err := t.store.Load(ctx, later.ID)
	if err == nil && r.Expires.UnixMilli() != later.Expires.UnixMilli() {
		err = misbehaves("the time of expiry did not change")
	}
	return err
}

func (t *trial) list(ctx context.Context) error {
	indexer, ok := t.store.(session.Indexer)
	if !ok {
		return errors.ErrUnsupported
	}
	ids, err := indexer.Find(ctx, t.record.Subject)
	if err == nil && !slices.Contains(ids, t.record.ID) {
		err = misbehaves("the record is not among its subject's")
	}
	if err != nil {
		return err
	}
	records, err := indexer.LoadAll(ctx, ids)
	if err == nil && !slices.ContainsFunc(records, func(r session.Record) bool { return r.ID == t.record.ID }) {
		err = misbehaves("the record was found by subject and could not be read")
	}
	return err
}

func (t *trial) remove(ctx context.Context) error {
	if err := t.store.Delete(ctx, t.record.ID); err != nil {
		return err
	}
	switch _, err := t.store.Load(ctx, t.record.ID); {
	case errors.Is(err, session.ErrNotFound):
		t.made = false
		return nil
	case err != nil:
		return err
	}
	return misbehaves("the record is still there")
}

// sweep tries the right to remove where there is nothing to remove.
func (t *trial) sweep(ctx context.Context) error {
	sweeper, ok := t.store.(session.Sweeper)
	if !ok {
		return errors.ErrUnsupported
	}
	_, err := sweeper.Sweep(ctx, time.Unix(0, 0), 1)
	return err
}

// cleanUp removes the record whatever has happened, also after an interruption.
func (t *trial) cleanUp(ctx context.Context, timeout time.Duration) error {
	if !t.made {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(timeout, cleanUpTimeout))
	defer cancel()
	if err := t.store.Delete(ctx, t.record.ID); err != nil {
		return fmt.Errorf("the record of this check may still be there; it expires in %v: %w", trialLifetime, err)
	}
	return nil
}
