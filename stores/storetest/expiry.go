package storetest

import (
	"errors"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var expiryCases = []testCase{
	{
		name: "ExpiresFarAway",
		why: "a session may live for months; counters of 32 bits and Memcached's rule of 30 days make such a one vanish " +
			"at once",
		run: expiresFarAway,
	},
	{
		name: "ExpiresSoon",
		why:  "a lifetime below one second is not zero, which many servers refuse or take for \"at once\"",
		run:  expiresSoon,
	},
	{
		name: "TimesFinerThanMilliseconds",
		why: "times are kept to the millisecond; what is finer may be lost but must not make the write fail or move the " +
			"clock",
		run: timesFinerThanMilliseconds,
	},
	{
		name: "ExpiredRecord",
		why: "the core judges expiry, on the application's clock: for the store an expired record is there or absent, " +
			"never an error",
		run: func(t *trial) {
			for _, expires := range []time.Time{now(), now().Add(-time.Millisecond), now().Add(-time.Hour), time.UnixMilli(0)} {
				t.expiredRecord(expires)
			}
		},
	},
	{
		name: "LifetimeChanges",
		why: "a remembered visitor becomes an ordinary one and is remembered again: the end moves across months, in both " +
			"directions, and the session is found and listed all the while",
		run: lifetimeChanges,
	},
	{
		name: "UpdateIntoThePast",
		why:  "a write that leaves a record expired has still replaced it: the old values must not be what is found",
		run: func(t *trial) {
			for _, expires := range []time.Time{now(), now().Add(-time.Hour), time.UnixMilli(0)} {
				r := newRecord("old")
				t.create(r)
				r.Data, r.Expires = []byte("new"), expires
				t.holdsOrDropped(t.update(r))
			}
		},
	},
}

func expiresFarAway(t *trial) {
	for _, expires := range []time.Time{
		now().AddDate(0, 0, 29), now().AddDate(0, 0, 31), now().AddDate(0, 0, 400),
		time.Date(2039, 1, 1, 0, 0, 0, 5e6, time.UTC), time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		created, updated := newRecord("created"), newRecord("updated")
		created.Expires = expires
		t.create(created, updated)
		updated.Expires = expires
		t.holds(created, t.update(updated))
		t.delete(created.ID)
		t.delete(updated.ID)
	}
}

func lifetimeChanges(t *trial) {
	r := newRecordOf(newSubject(), "remembered")
	r.Expires = r.Seen.AddDate(0, 0, 90)
	t.create(r)
	for _, lifetime := range []time.Duration{
		30 * time.Minute, 90 * 24 * time.Hour, 30 * 24 * time.Hour, 30*24*time.Hour + time.Second, time.Second, 0,
		400 * 24 * time.Hour,
	} {
		r.Seen = r.Seen.Add(time.Second)
		r.Expires = r.Seen.Add(lifetime)
		r = t.update(r)
		t.holds(r)
		if s, ok := t.findToucher(); ok {
			r.Seen, r.Expires = r.Seen.Add(time.Second), r.Expires.Add(time.Second)
			t.want("Touch", s.Touch(t.ctx, r.ID, r.Seen, r.Expires), nil)
			t.holds(r)
		}
		if s, ok := t.findIndexer(); ok {
			t.finds(s, r.Subject, r)
		}
	}
	t.delete(r.ID)
}

func expiresSoon(t *trial) {
	for _, lifetime := range []time.Duration{900 * time.Millisecond, 1900 * time.Millisecond} {
		r := newRecord("soon")
		r.Expires = now().Add(lifetime)
		t.create(r)
		t.holdsUntilExpired(r)
		r.Expires = now().Add(lifetime)
		t.want("Update", t.store.Update(t.ctx, r), nil)
		r.Version++
		t.holdsUntilExpired(r)
	}
}

// holdsUntilExpired forgives a store that dropped the record because the test was too slow.
func (t *trial) holdsUntilExpired(want session.Record) {
	t.Helper()
	got, err := t.store.Load(t.ctx, want.ID)
	if errors.Is(err, session.ErrNotFound) && !time.Now().Before(want.Expires) {
		t.Skip("the machine is too slow for records that live a second")
	}
	t.want("Load", err, nil)
	if diff := difference(got, want); diff != "" {
		t.Fatalf("Load: %s", diff)
	}
}

func timesFinerThanMilliseconds(t *trial) {
	r := newRecord("values")
	r.Seen, r.Expires = r.Seen.Add(123456789), r.Expires.Add(987654321)
	t.create(r)
	got := t.load(r.ID)
	near := func(what string, got, want time.Time) {
		if got.Sub(want).Abs() >= time.Millisecond {
			t.Errorf("%s is %s, want %s", what, got.UTC(), want.UTC())
		}
	}
	near("seen", got.Seen, r.Seen)
	near("expires", got.Expires, r.Expires)
}

func (t *trial) expiredRecord(expires time.Time) {
	t.Helper()
	r := newRecord("expired")
	r.Expires = expires
	t.create(r)
	t.holdsOrDropped(r)
	r.Data = []byte("expired and updated")
	if t.succeededOrDropped("Update", t.store.Update(t.ctx, r)) {
		r.Version++
		t.holdsOrDropped(r)
	}
	if s, ok := t.findToucher(); ok && t.succeededOrDropped("Touch", s.Touch(t.ctx, r.ID, r.Seen, r.Expires)) {
		t.holdsOrDropped(r)
	}
	t.delete(r.ID)
	t.absent(r.ID)
}
