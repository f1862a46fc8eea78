package storetest

import (
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var recordCases = []testCase{
	{
		name: "LoadAbsent",
		why: "the core takes ErrNotFound for \"no session\" and any other error for an outage, which the visitor sees as " +
			"a 503",
		run: func(t *trial) { t.absent(newID()) },
	},
	{
		name: "CreateThenLoad",
		why: "the next request has to find what this one saved, with the version it must present to change it and the " +
			"times that end it",
		run: func(t *trial) {
			anonymous, known := newRecord("values"), newRecordOf(newSubject(), "values of a known user")
			t.create(anonymous, known)
			t.holds(anonymous, known)
		},
	},
	{
		name: "CreateTwice",
		why:  "an id that is taken belongs to somebody else's session, which must neither be overwritten nor shared",
		run:  createTwice,
	},
	{
		name: "UpdateReplaces",
		why: "what a request saves is the whole session: an old value, or a clock that cannot be set back, would outlive " +
			"its change",
		run: updateReplaces,
	},
	{
		name: "UpdateCountsVersions",
		why: "after a write the core goes on with the version it sent plus one, without asking; any other number makes " +
			"its next write fail",
		run: func(t *trial) {
			r := newRecord("1")
			t.create(r)
			for range 12 { // into two digits, where a version kept as text would sort wrongly
				r.Data = append([]byte("more "), r.Data...)
				r = t.update(r)
				t.holds(r)
			}
		},
	},
	{
		name: "UpdateNeverCreates",
		why:  "a request in flight while its session is ended must not bring it back to life",
		run: func(t *trial) {
			for version := range uint64(3) {
				r := newRecord("revived")
				r.Version = version
				t.want("Update of an absent record", t.store.Update(t.ctx, r), session.ErrNotFound)
				t.absent(r.ID)
			}
		},
	},
	{
		name: "UpdateWrongVersion",
		why:  "a request that has not seen the latest write must be told, or it silently undoes what another request saved",
		run:  updateWrongVersion,
	},
	{
		name: "UpdateAfterDelete",
		why:  "a deleted session stays deleted, also for a request that loaded it before",
		run: func(t *trial) {
			r := newRecord("values")
			t.create(r)
			loaded := t.load(r.ID)
			t.delete(r.ID)
			t.want("Update of a deleted record", t.store.Update(t.ctx, loaded), session.ErrNotFound)
			t.absent(r.ID)
		},
	},
	{
		name: "DeleteRemoves",
		why:  "a deleted session opens no more doors, and deleting one visitor's session leaves everybody else's alone",
		run: func(t *trial) {
			gone, stays := newRecord("gone"), newRecord("stays")
			t.create(gone, stays)
			t.delete(gone.ID)
			t.absent(gone.ID)
			t.holds(stays)
		},
	},
	{
		name: "DeleteAbsent",
		why:  "two requests that clean up the same session both reach their goal, so neither is to fail",
		run: func(t *trial) {
			r := newRecord("values")
			t.delete(r.ID)
			t.create(r)
			t.delete(r.ID)
			t.delete(r.ID)
		},
	},
}

func createTwice(t *trial) {
	first := newRecord("first")
	t.create(first)
	second := newRecord("second")
	second.ID, second.Expires = first.ID, first.Expires.Add(time.Hour)
	t.want("Create of an existing record", t.store.Create(t.ctx, second), session.ErrExists)
	t.holds(first)
	first = t.update(first)
	t.want("Create of an updated record", t.store.Create(t.ctx, second), session.ErrExists)
	t.holds(first)
}

// updateReplaces moves the clocks in both directions: an ended marker lives shorter than the session it replaces.
func updateReplaces(t *trial) {
	r := newRecord("a rather long value")
	t.create(r)
	for _, by := range []time.Duration{1500 * time.Millisecond, -30 * time.Minute, 48*time.Hour + time.Millisecond} {
		r.Data = []byte(by.String())
		r.Seen, r.Expires = r.Seen.Add(by/2), r.Expires.Add(by)
		r = t.update(r)
		t.holds(r)
	}
}

func updateWrongVersion(t *trial) {
	r := newRecord("first")
	t.create(r)
	r.Data = []byte("second")
	r = t.update(r)
	for _, version := range []uint64{0, r.Version - 1, r.Version + 1, r.Version + 1<<32} {
		wrong := r
		wrong.Version, wrong.Data = version, []byte("wrong")
		wrong.Seen, wrong.Expires = r.Seen.Add(time.Hour), r.Expires.Add(time.Hour)
		if err := t.store.Update(t.ctx, wrong); err == nil {
			t.Fatalf("Update of version %d with version %d succeeded", r.Version, version)
		} else {
			t.want("Update with another version", err, session.ErrConflict)
		}
		t.holds(r)
	}
}
