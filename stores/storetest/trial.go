package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// trial is one case at work on one store.
type trial struct {
	*testing.T
	ctx   context.Context
	store session.Store
}

func newID() (id session.RecordID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// newSubject is a subject that no earlier run has used.
func newSubject() string { return "user:" + rand.Text() }

// now has the precision that records have.
func now() time.Time { return time.Now().Truncate(time.Millisecond) }

// newRecord is a record of nobody that lives for an hour.
func newRecord(data string) session.Record {
	seen := now()
	return session.Record{ID: newID(), Version: 1, Data: []byte(data), Seen: seen, Expires: seen.Add(time.Hour)}
}

func newRecordOf(subject, data string) session.Record {
	r := newRecord(data)
	r.Subject, r.Handle = subject, rand.Text()
	return r
}

// want ends the case unless got is the error that was wanted; nil is success.
func (t *trial) want(operation string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: error is %v, want %v", operation, got, want)
	}
}

func (t *trial) create(records ...session.Record) {
	t.Helper()
	for _, r := range records {
		t.want("Create", t.store.Create(t.ctx, r), nil)
	}
}

// update returns the record as it is to be stored from now on.
func (t *trial) update(r session.Record) session.Record {
	t.Helper()
	t.want("Update", t.store.Update(t.ctx, r), nil)
	r.Version++
	return r
}

func (t *trial) delete(id session.RecordID) {
	t.Helper()
	t.want("Delete", t.store.Delete(t.ctx, id), nil)
}

func (t *trial) load(id session.RecordID) session.Record {
	t.Helper()
	r, err := t.store.Load(t.ctx, id)
	t.want("Load", err, nil)
	return r
}

// holds checks that the store has exactly these records.
func (t *trial) holds(records ...session.Record) {
	t.Helper()
	for _, want := range records {
		if diff := difference(t.load(want.ID), want); diff != "" {
			t.Fatalf("Load: %s", diff)
		}
	}
}

func (t *trial) absent(id session.RecordID) {
	t.Helper()
	_, err := t.store.Load(t.ctx, id)
	t.want("Load of an absent record", err, session.ErrNotFound)
}

// holdsOrDropped checks a record that has expired: the store may have dropped it, but may not have changed it.
func (t *trial) holdsOrDropped(want session.Record) {
	t.Helper()
	got, err := t.store.Load(t.ctx, want.ID)
	if t.succeededOrDropped("Load", err) {
		if diff := difference(got, want); diff != "" {
			t.Fatalf("Load of an expired record: %s", diff)
		}
	}
}

// succeededOrDropped ends the case unless err is nil or ErrNotFound.
func (t *trial) succeededOrDropped(operation string, err error) bool {
	t.Helper()
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("%s of an expired record: error is %v, want none or %v", operation, err, session.ErrNotFound)
	}
	return err == nil
}

// difference describes what is wrong with a record, or is empty. Subject and handle may be left out by a store, but not
// be made up.
func difference(got, want session.Record) string {
	switch {
	case got.ID != want.ID:
		return fmt.Sprintf("id is %s, want %s", got.ID, want.ID)
	case got.Version != want.Version:
		return fmt.Sprintf("version is %d, want %d", got.Version, want.Version)
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Sprintf("data is %.40q (%d bytes), want %.40q (%d bytes)", got.Data, len(got.Data), want.Data,
			len(want.Data))
	case got.Seen.UnixMilli() != want.Seen.UnixMilli():
		return fmt.Sprintf("seen is %s, want %s", clock(got.Seen), clock(want.Seen))
	case got.Expires.UnixMilli() != want.Expires.UnixMilli():
		return fmt.Sprintf("expires is %s, want %s", clock(got.Expires), clock(want.Expires))
	case got.Subject != "" && got.Subject != want.Subject:
		return fmt.Sprintf("subject is %q, want %q or nothing", got.Subject, want.Subject)
	case got.Handle != "" && got.Handle != want.Handle:
		return fmt.Sprintf("handle is %q, want %q or nothing", got.Handle, want.Handle)
	}
	return ""
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }
