package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
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
	other  session.Store // the same one, by another connection
	record session.Record
	data   []byte             // what the store is to have now
	there  []session.RecordID // records that have been made, or perhaps
	made   bool               // one has been, for certain
}

func newTrial(store, other session.Store, now time.Time) *trial {
	t := &trial{store: store, other: other, data: []byte("coatcheck check, first version")}
	t.record = session.Record{
		Version: 1, Data: t.data, Seen: now, Expires: now.Add(trialLifetime),
		Subject: trialSubject(), Handle: rand.Text(),
	}
	_, _ = rand.Read(t.record.ID[:]) // never fails: crypto/rand ends the program instead
	return t
}

func trialSubject() string { return "coatcheck check " + rand.Text() }

// step is a thing that applications do to records.
type step struct {
	name  string
	needs string // the step without which it means nothing
	do    func(context.Context) error
}

func (t *trial) steps() []step {
	return []step{
		{"create", storeurl.KnowTables, t.create},
		{"load", "create", t.load},
		{"update", "create", t.update},
		{"refuse a stale update", "update", t.updateStale},
		{"touch", "create", t.touch},
		{"use two connections", "update", t.alternate},
		{"list by subject", "create", t.list},
		{"delete", "create", t.remove},
		{"sweep", "", t.sweep},
	}
}

func (t *trial) create(ctx context.Context) error {
	t.there = append(t.there, t.record.ID)
	err := t.store.Create(ctx, t.record)
	t.made = err == nil
	return err
}

func (t *trial) load(ctx context.Context) error { return t.loadFrom(ctx, t.store) }

func (t *trial) loadFrom(ctx context.Context, store session.Store) error {
	r, err := store.Load(ctx, t.record.ID)
	switch {
	case err != nil:
		return err
	case r.Version != t.record.Version || !bytes.Equal(r.Data, t.data):
		return misbehaves("it returns something else than was written")
	}
	return nil
}

func (t *trial) update(ctx context.Context) error {
	return t.updateBy(ctx, t.store, "coatcheck check, second version")
}

func (t *trial) updateBy(ctx context.Context, store session.Store, data string) error {
	next := t.record
	next.Data = []byte(data)
	if err := store.Update(ctx, next); err != nil {
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

// alternate uses the two connections one after the other, and then at once: a proxy in between may mix them up.
func (t *trial) alternate(ctx context.Context) error {
	if err := t.loadFrom(ctx, t.other); err != nil {
		return err
	}
	if err := t.updateBy(ctx, t.other, "coatcheck check, third version"); err != nil {
		return err
	}
	const rounds = 20
	ended := make(chan error)
	for _, store := range []session.Store{t.store, t.other} {
		go func() {
			var err error
			for i := 0; i < rounds && err == nil; i++ {
				err = t.loadFrom(ctx, store)
			}
			ended <- err
		}()
	}
	first, second := <-ended, <-ended
	if first != nil {
		return first
	}
	return second
}

func (t *trial) remove(ctx context.Context) error {
	if err := t.store.Delete(ctx, t.record.ID); err != nil {
		return err
	}
	switch _, err := t.store.Load(ctx, t.record.ID); {
	case errors.Is(err, session.ErrNotFound):
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

// cleanUp removes what was made, whatever has happened, also after an interruption. Where there is hardly anything it
// does not say that it cannot be removed either.
func (t *trial) cleanUp(ctx context.Context, end time.Time) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), earlier(end, time.Now().Add(cleanUpTimeout)))
	defer cancel()
	for _, id := range t.there {
		if err := t.store.Delete(ctx, id); err != nil && t.made {
			return fmt.Errorf("the record of this check may still be there; it expires in %v: %w", trialLifetime, err)
		}
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
