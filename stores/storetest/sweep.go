package storetest

import (
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var sweepCases = []testCase{
	{
		name: "SweepExpiredOnly",
		why:  "sweeping is housekeeping: it removes what has expired by the given time, counts it, and logs nobody out",
		run:  sweepExpiredOnly,
	},
	{
		name: "SweepLimit",
		why:  "a sweep works in batches, so that it never stops the requests; the core goes on until one comes back short",
		run:  sweepLimit,
	},
	{
		name: "SweepShortened",
		why: "a write may bring a record's end forward, as logging out does; such records would pile up if the sweep " +
			"only knew the first",
		run: sweepShortened,
	},
	{
		name: "SweepExtended",
		why: "an active visitor's session has a later end than it began with, and a sweep that remembers the first one " +
			"logs the visitor out",
		run: sweepExtended,
	},
	{
		name: "SweepLeavesIndex",
		why:  "a swept session must leave its user's list too, or the lists grow for ever",
		run:  sweepLeavesIndex,
	},
	{
		name: "SweepRacesWrites",
		why:  "a write that was reported as saved stays saved, also when a sweep was about to remove the record",
		run:  sweepRacesWrites,
	},
}

func (t *trial) sweeper() session.Sweeper {
	t.Helper()
	s, ok := t.store.(session.Sweeper)
	if ok {
		_, err := s.Sweep(t.ctx, time.UnixMilli(0), 1)
		ok = !errors.Is(err, errors.ErrUnsupported)
	}
	if !ok {
		t.Skip("the store has no Sweep; it has to get rid of expired records by itself")
	}
	return s
}

// emptied is a sweeper that finds nothing that expired before the given time, until the case creates it. What other
// cases and earlier runs have left may expire meanwhile, but only later than that.
func (t *trial) emptied() (s session.Sweeper, until time.Time) {
	t.Helper()
	s, until = t.sweeper(), now()
	for n := 1000; n >= 1000; {
		n = t.sweep(s, until, 1000)
	}
	return s, until
}

func (t *trial) sweep(s session.Sweeper, before time.Time, limit int) int {
	t.Helper()
	n, err := s.Sweep(t.ctx, before, limit)
	t.want("Sweep", err, nil)
	return n
}

func newExpired(at time.Time, data string) session.Record {
	r := newRecord(data)
	r.Seen, r.Expires = at.Add(-time.Hour), at
	return r
}

// keepsExpired reports whether the store still has these records, although they have expired.
func (t *trial) keepsExpired(records ...session.Record) bool {
	t.Helper()
	kept := 0
	for _, r := range records {
		_, err := t.store.Load(t.ctx, r.ID)
		if t.succeededOrDropped("Load", err) {
			kept++
		}
	}
	return kept == len(records)
}

func (t *trial) needsExpired(records ...session.Record) {
	t.Helper()
	if !t.keepsExpired(records...) {
		t.Skip("the store drops expired records by itself, so there is nothing here to sweep")
	}
}

func sweepExpiredOnly(t *trial) {
	s, until := t.emptied()
	before := until.Add(-time.Hour)
	due := []session.Record{
		newExpired(before.AddDate(0, 0, -40), "long ago"), newExpired(before.Add(-time.Millisecond), "before"),
		newExpired(before, "at"),
	}
	later, live := newExpired(before.Add(time.Millisecond), "later"), newRecord("live")
	t.create(append(due, later, live)...)
	kept := t.keepsExpired(append(due, later)...)
	if n := t.sweep(s, before, 100); kept && n != len(due) {
		t.Errorf("Sweep removed %d by its own count, want %d", n, len(due))
	}
	for _, r := range due {
		t.absent(r.ID)
	}
	t.holds(live)
	t.holdsOrDropped(later)
	if n := t.sweep(s, before, 100); n != 0 {
		t.Errorf("Sweep of nothing removed %d by its own count", n)
	}
	if n := t.sweep(s, until, 100); kept && n != 1 {
		t.Errorf("Sweep until later removed %d by its own count, want the 1 that the earlier time had spared", n)
	}
	t.absent(later.ID)
	t.holds(live)
}

func sweepLimit(t *trial) {
	s, until := t.emptied()
	var due []session.Record
	for i := range 25 {
		due = append(due, newExpired(until.Add(-time.Duration(i)*time.Minute), "due"))
	}
	t.create(due...)
	t.needsExpired(due...)
	for i, want := range []int{10, 10, 5, 0} {
		if n := t.sweep(s, until, 10); n != want {
			t.Fatalf("batch %d of at most 10 removed %d by its own count, want %d", i+1, n, want)
		}
		if left := t.remaining(due); left != max(0, 25-10*(i+1)) {
			t.Fatalf("after batch %d of at most 10, %d of 25 records are left", i+1, left)
		}
	}
}

func (t *trial) remaining(records []session.Record) (n int) {
	t.Helper()
	for _, r := range records {
		if t.keepsExpired(r) {
			n++
		}
	}
	return n
}

func sweepShortened(t *trial) {
	s, until := t.emptied()
	r := newRecord("live")
	t.create(r)
	r.Data, r.Expires = []byte("ended"), until.Add(-time.Hour)
	r = t.update(r)
	t.needsExpired(r)
	if n := t.sweep(s, until, 10); n != 1 {
		t.Errorf("Sweep removed %d by its own count, want 1", n)
	}
	t.absent(r.ID)
}

func sweepExtended(t *trial) {
	s, until := t.emptied()
	updated, touched := newExpired(until, "updated"), newExpired(until, "touched")
	t.create(updated, touched)
	t.needsExpired(updated, touched)
	updated.Expires = now().Add(time.Hour)
	extended := []session.Record{t.update(updated)}
	if toucher, ok := t.findToucher(); ok {
		touched.Seen, touched.Expires = now(), now().Add(time.Hour)
		t.want("Touch", toucher.Touch(t.ctx, touched.ID, touched.Seen, touched.Expires), nil)
		extended = append(extended, touched)
	}
	t.sweep(s, until, 10)
	t.holds(extended...)
}

func sweepLeavesIndex(t *trial) {
	index := t.indexer()
	s, until := t.emptied()
	subject := newSubject()
	live, due := newRecordOf(subject, "live"), newRecordOf(subject, "due")
	due.Expires = until.Add(-time.Hour)
	t.create(live, due)
	t.sweep(s, until, 10)
	t.finds(index, subject, live)
	if ids := t.find(index, subject); len(ids) != 1 {
		t.Fatalf("Find after a sweep has %d records, want the one that is left", len(ids))
	}
}

func sweepRacesWrites(t *trial) {
	s, until := t.emptied()
	for range 3 {
		t.extendDuringSweeps(s, until, func(r session.Record) error { return t.store.Update(t.ctx, r) })
		if toucher, ok := t.findToucher(); ok {
			t.extendDuringSweeps(s, until, func(r session.Record) error { return toucher.Touch(t.ctx, r.ID, r.Seen, r.Expires) })
		}
	}
}

// extendDuringSweeps extends expired records and creates new ones while sweeps go on. In the end there is what was
// reported as saved, and nothing else.
func (t *trial) extendDuringSweeps(s session.Sweeper, until time.Time, extend func(r session.Record) error) {
	t.Helper()
	var tasks []func() error
	due, fresh := make([]session.Record, 32), make([]session.Record, 32)
	extended := make([]bool, len(due))
	for i := range due {
		due[i], fresh[i] = newExpired(until.Add(-time.Duration(i)*time.Minute), "due"), newRecord("fresh")
		t.create(due[i])
		due[i].Seen, due[i].Expires = now(), now().Add(time.Hour)
		tasks = append(tasks, func() error {
			err := extend(due[i])
			if extended[i] = err == nil; !extended[i] && !errors.Is(err, session.ErrNotFound) {
				return fmt.Errorf("extending during sweeps: error is %w, want none or %w", err, session.ErrNotFound)
			}
			return t.store.Create(t.ctx, fresh[i])
		})
	}
	t.contend(func() error { _, err := s.Sweep(t.ctx, until, 5); return err }, tasks...)
	t.holds(fresh...)
	for i, r := range due {
		if _, err := t.store.Load(t.ctx, r.ID); extended[i] {
			t.want("Load of a record that was extended during sweeps", err, nil)
		} else {
			t.want("Load of a record that was gone during sweeps", err, session.ErrNotFound)
		}
	}
}
