package storetest

import (
	"context"
	"path"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var indexDefects = []defect{
	fault("the list has ids only", func(f *faulty) {
		f.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := f.Store.List(ctx, subject)
			for i := range records {
				records[i] = session.Record{ID: records[i].ID}
			}
			return records, err
		}
	}, "ListBySubject"),
	indexed("the list has everybody", index{same: func(_, _ string) bool { return true }}, "ListBySubject", "ListOfNobody"),
	indexed("the list is as created", index{ignoresUpdate: true}, "ListFollowsUpdate", "ListAfterConcurrentUpdates", "ListAfterRenewal", "MarkerRacesWrites"),
	indexed("the list keeps the deleted", index{ignoresDelete: true}, "ListForgetsDeleted"),
	indexed("the list keeps the swept", index{}, "SweepLeavesIndex"),
	indexed("the list has what was refused", index{writesFirst: true}, "ListIgnoresRefusedWrites"),
	indexed("the list is written later", index{}, "ListAfterConcurrentUpdates", "CreateRacesDelete"),
	indexed("nobody is a subject", index{}, "ListOfNobody"),
	indexed("subjects ignore case", index{same: strings.EqualFold}, "ListHostileSubjects"),
	indexed("subjects are trimmed", index{same: func(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }}, "ListHostileSubjects"),
	indexed("subjects are cut", index{same: func(a, b string) bool { return a[:min(255, len(a))] == b[:min(255, len(b))] }}, "ListHostileSubjects"),
	indexed("subjects are patterns", index{same: func(a, b string) bool { ok, _ := path.Match(b, a); return ok }}, "ListHostileSubjects"),
	fault("the list is one page", func(f *faulty) {
		f.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			records, err := f.Store.List(ctx, subject)
			return records[:min(len(records), 100)], err
		}
	}, "ListMany"),
}

// index says what is wrong with an index that is kept beside the records.
type index struct {
	same          func(stored, asked string) bool
	ignoresUpdate bool
	ignoresDelete bool
	writesFirst   bool
}

func indexed(name string, i index, fails ...string) defect {
	return fault(name, func(f *faulty) {
		var subjects ledger[string]
		f.create = func(ctx context.Context, r session.Record) error {
			return i.write(&subjects, r, f.Store.Create(ctx, r))
		}
		f.update = func(ctx context.Context, r session.Record) error {
			err := f.Store.Update(ctx, r)
			if i.ignoresUpdate {
				return err
			}
			return i.write(&subjects, r, err)
		}
		f.delete = func(ctx context.Context, id session.RecordID) error {
			if !i.ignoresDelete {
				subjects.remove(id)
			}
			return f.Store.Delete(ctx, id)
		}
		f.list = func(ctx context.Context, subject string) ([]session.Record, error) {
			return i.read(ctx, f, subjects.all(), subject), ctx.Err()
		}
	}, fails...)
}

func (i index) read(ctx context.Context, f *faulty, subjects map[session.RecordID]string, subject string) (found []session.Record) {
	for id, s := range subjects {
		if s == subject || i.same != nil && i.same(s, subject) {
			r, _ := f.Store.Load(ctx, id)
			r.ID = id
			found = append(found, r)
		}
	}
	return found
}

func (i index) write(subjects *ledger[string], r session.Record, err error) error {
	if err == nil {
		latency()
	}
	if err == nil || i.writesFirst {
		subjects.set(r.ID, r.Subject)
	}
	return err
}

var sweepDefects = []defect{
	sweeping("sweep takes the living", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		return f.Store.Sweep(ctx, before.Add(24*time.Hour), limit)
	}, "SweepExpiredOnly", "SweepExtended", "SweepRacesWrites"),
	sweeping("sweep goes by its own clock", func(f *faulty, ctx context.Context, _ time.Time, limit int) (int, error) {
		return f.Store.Sweep(ctx, time.Now(), limit)
	}, "SweepExpiredOnly"),
	sweeping("sweep spares those that expire at the time", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		return f.Store.Sweep(ctx, before.Add(-time.Millisecond), limit)
	}, "SweepExpiredOnly"),
	sweeping("sweep does not count", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		_, err := f.Store.Sweep(ctx, before, limit)
		return 0, err
	}, "SweepExpiredOnly", "SweepLimit", "SweepShortened"),
	sweeping("sweep ignores the limit", func(f *faulty, ctx context.Context, before time.Time, _ int) (int, error) {
		return f.Store.Sweep(ctx, before, 1<<30)
	}, "SweepLimit"),
	sweeping("sweep ignores the limit and hides it", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		n, err := f.Store.Sweep(ctx, before, 1<<30)
		return min(n, limit), err
	}, "SweepLimit"),
	sweeping("batches come back short", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		return f.Store.Sweep(ctx, before, min(limit, 3))
	}, "SweepLimit"),
	fault("sweep knows the first end only", func(f *faulty) { f.rememberExpiry(false, func() {}) }, "SweepShortened", "SweepExtended"),
	fault("sweep looks, then deletes", func(f *faulty) { f.rememberExpiry(true, latency) }, "SweepRacesWrites"),
}

func sweeping(name string, sweep func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error), fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.sweep = func(ctx context.Context, before time.Time, limit int) (int, error) {
			return sweep(f, ctx, before, limit)
		}
	}, fails...)
}

// rememberExpiry makes a store sweep by what it noted when records were written.
func (f *faulty) rememberExpiry(follows bool, pause func()) {
	var ends ledger[time.Time]
	f.create = func(ctx context.Context, r session.Record) error {
		ends.set(r.ID, r.Expires)
		return f.Store.Create(ctx, r)
	}
	f.update = func(ctx context.Context, r session.Record) error {
		err := f.Store.Update(ctx, r)
		if err == nil && follows {
			ends.set(r.ID, r.Expires)
		}
		return err
	}
	f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
		err := f.Store.Touch(ctx, id, seen, expires)
		if err == nil && follows {
			ends.set(id, expires)
		}
		return err
	}
	f.sweep = func(ctx context.Context, before time.Time, limit int) (int, error) {
		return f.sweepBy(ctx, &ends, before, limit, pause)
	}
}

func (f *faulty) sweepBy(ctx context.Context, ends *ledger[time.Time], before time.Time, limit int, pause func()) (removed int, _ error) {
	for id, expires := range ends.all() {
		if removed == limit || expires.After(before) {
			continue
		}
		pause()
		ends.remove(id)
		removed++
		if err := f.Store.Delete(ctx, id); err != nil {
			return removed, err
		}
	}
	return removed, nil
}
