package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var interruptedCases = []testCase{
	{
		name: "RepeatedWrites",
		why:  "a client library that lost an answer sends the write again: the core must be told, or a change counts twice",
		run: func(t *trial) {
			r := newRecord("first")
			t.create(r)
			t.want("the same Create again", t.store.Create(t.ctx, r), session.ErrExists)
			r.Data = []byte("second")
			next := t.update(r)
			t.want("the same Update again", t.store.Update(t.ctx, r), session.ErrConflict)
			t.holds(next)
		},
	},
	{
		name: "AbandonedUpdates",
		why:  "a request that runs out of time leaves a write behind that may or may not take place, but never a part of it",
		run:  abandonedUpdates,
	},
	{
		name: "AbandonedCreates",
		why:  "a login that runs out of time must not leave a session that works and that nobody can list and revoke",
		run:  abandonedCreates,
	},
	{
		name: "MarkerRacesWrites",
		why:  "a logout turns the record into a marker, and nothing that was in flight may leave anything else behind",
		run:  markerRacesWrites,
	},
	{
		name: "CreateRacesDelete",
		why:  "a session that is removed while it is made is there and found by its subject, or not there",
		run:  createRacesDelete,
	},
}

// abandon runs f with less time than it may need. Its outcome is unknown, as it is to the core.
func (t *trial) abandon(i int, f func(ctx context.Context) error) {
	ctx, cancel := context.WithTimeout(t.ctx, time.Duration(i%12)*60*time.Microsecond)
	defer cancel()
	_ = f(ctx)
}

func abandonedUpdates(t *trial) {
	r := newRecordOf(newSubject(), "")
	r.Data = tally(0)
	t.create(r)
	next := func(now *session.Record) error {
		n, err := countOf(*now)
		now.Subject, now.Handle, now.Data = r.Subject, r.Handle, tally(n+1)
		return err
	}
	for i := range 120 {
		now := t.load(r.ID)
		if err := next(&now); err != nil {
			t.Fatal(err)
		}
		t.abandon(i, func(ctx context.Context) error { return t.store.Update(ctx, now) })
	}
	t.want("Update after abandoned ones", t.change(r.ID, next), nil)
	last := t.load(r.ID)
	if _, err := countOf(last); err != nil {
		t.Fatal(err)
	}
	if s, ok := t.findIndexer(); ok {
		last.Subject = r.Subject
		t.finds(s, r.Subject, last)
	}
}

func abandonedCreates(t *trial) {
	s, subject := t.indexer(), newSubject()
	var made []session.Record
	for i := range 60 {
		r := newRecordOf(subject, fmt.Sprintf("record %d", i))
		t.abandon(i, func(ctx context.Context) error { return t.store.Create(ctx, r) })
		if _, err := t.store.Load(t.ctx, r.ID); err == nil {
			made = append(made, r)
		}
	}
	ids := t.find(s, subject)
	for _, r := range made {
		if !slices.Contains(ids, r.ID) {
			t.Fatalf("%s was created under a context that ended, and is not found by its subject", r.Data)
		}
	}
}

const ended = "ended"

func markerRacesWrites(t *trial) {
	for range 20 {
		r := newRecordOf(newSubject(), "live")
		t.create(r)
		var over atomic.Bool
		tasks := []func() error{
			func() error {
				defer over.Store(true)
				return t.change(r.ID, func(now *session.Record) error {
					now.Subject, now.Handle, now.Data = "", "", []byte(ended)
					now.Expires = now.Seen.Add(5 * time.Minute)
					return nil
				})
			},
			t.until(&over, func() error { return wantAnswer("Create", t.store.Create(t.ctx, r), session.ErrExists) }),
		}
		for range 3 {
			tasks = append(tasks, t.until(&over, func() error { return t.writeUnlessEnded(r) }))
		}
		if s, ok := t.findToucher(); ok {
			tasks = append(tasks, t.until(&over, func() error {
				return wantAnswer("Touch", s.Touch(t.ctx, r.ID, r.Seen.Add(time.Minute), r.Expires.Add(time.Minute)), nil)
			}))
		}
		t.contend(nil, tasks...)
		if last := t.load(r.ID); string(last.Data) != ended {
			t.Fatalf("after the marker was written the record holds %q", last.Data)
		}
	}
}

// until repeats f, and runs it once more when over says that what it races has happened.
func (t *trial) until(over *atomic.Bool, f func() error) func() error {
	return func() error {
		for last := false; !last; {
			last = over.Load()
			if err := f(); err != nil {
				return err
			}
		}
		return nil
	}
}

func wantAnswer(operation string, got, want error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("%s during other writes: error is %w, want %w", operation, got, want)
	}
	return nil
}

// writeUnlessEnded is a request that loads a session and saves it.
func (t *trial) writeUnlessEnded(r session.Record) error {
	now, err := t.store.Load(t.ctx, r.ID)
	if err != nil || string(now.Data) == ended {
		return err
	}
	now.Subject, now.Handle, now.Data = r.Subject, r.Handle, []byte("live "+rand.Text())
	if err := t.store.Update(t.ctx, now); err != nil && !errors.Is(err, session.ErrConflict) {
		return fmt.Errorf("update during other writes: %w", err)
	}
	return nil
}

func createRacesDelete(t *trial) {
	for range 30 {
		r := newRecordOf(newSubject(), "values")
		var over atomic.Bool
		t.contend(nil,
			func() error {
				defer over.Store(true)
				return t.store.Create(t.ctx, r)
			},
			func() (err error) {
				for err == nil && !over.Load() {
					err = t.store.Delete(t.ctx, r.ID)
				}
				return err
			},
		)
		_, err := t.store.Load(t.ctx, r.ID)
		if s, ok := t.findIndexer(); ok && errors.Is(err, session.ErrNotFound) {
			t.finds(s, r.Subject)
		} else if ok {
			t.finds(s, r.Subject, r)
		}
	}
}
