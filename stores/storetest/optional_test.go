package storetest

import (
	"context"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var indexDefects = []defect{
	indexed("the index has everybody", index{same: func(_, _ string) bool { return true }}, "FindBySubject", "FindNobody"),
	indexed("the index is as created", index{ignoresUpdate: true}, "FindFollowsUpdate", "FindAfterConcurrentUpdates"),
	indexed("the index keeps the swept", index{}, "SweepLeavesIndex"),
	indexed("the index has what was refused", index{writesFirst: true}, "FindAfterRefusedWrites"),
	indexed("the index is written later", index{}, "FindAfterConcurrentUpdates"),
	indexed("the index is cleaned later", index{cleansLater: true}, "CreateRacesDelete"),
	indexed("nobody is a subject", index{}, "FindNobody"),
	indexed("subjects ignore case", index{same: strings.EqualFold}, "FindHostileSubjects"),
	indexed("subjects are trimmed",
		index{same: func(a, b string) bool { return strings.TrimSpace(a) == strings.TrimSpace(b) }}, "FindHostileSubjects"),
	indexed("subjects are cut",
		index{same: func(a, b string) bool { return a[:min(255, len(a))] == b[:min(255, len(b))] }}, "FindHostileSubjects"),
	indexed("subjects are patterns", index{same: func(a, b string) bool { ok, _ := path.Match(b, a); return ok }},
		"FindHostileSubjects"),
	fault("the index is one page", func(f *faulty) {
		f.find = func(ctx context.Context, subject string) ([]session.RecordID, error) {
			ids, err := f.Store.Find(ctx, subject)
			return ids[:min(len(ids), 100)], err
		}
	}, "FindMany"),
}

var momentDefects = []defect{
	fault("records are read only while they are the subject's", func(f *faulty) {
		var subjects ledger[string]
		f.noteSubjects(&subjects)
		f.all = func(ctx context.Context, ids []session.RecordID) (owned []session.Record, err error) {
			records, err := f.Store.LoadAll(ctx, ids)
			for _, r := range records {
				if subjects.get(r.ID) != "" {
					owned = append(owned, r)
				}
			}
			return owned, err
		}
	}, "FindThenRenewal", "LoadAllWhosesoever"),
	fault("the index is read in pages", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			latency() // so that renewals take as long as searches
			return f.Store.Update(ctx, r)
		}
		f.find = func(ctx context.Context, subject string) (found []session.RecordID, _ error) {
			for part := range 4 {
				ids, err := f.Store.Find(ctx, subject)
				if err != nil {
					return nil, err
				}
				found = slices.AppendSeq(found, partOf(ids, part))
				latency()
			}
			return found, nil
		}
	}, "FindDuringRenewals"),
	fault("the record of a renewal is not indexed", func(f *faulty) {
		var handles ledger[string]
		f.create = func(ctx context.Context, r session.Record) error {
			for _, handle := range handles.all() {
				if handle == r.Handle {
					r.Subject = ""
				}
			}
			handles.set(r.ID, r.Handle)
			return f.Store.Create(ctx, r)
		}
	}, "FindAfterRenewal"),
}

// partOf is a quarter of ids, always the same one for an id.
func partOf(ids []session.RecordID, part int) iter.Seq[session.RecordID] {
	return func(yield func(session.RecordID) bool) {
		for _, id := range ids {
			if int(id[0])%4 == part && !yield(id) {
				return
			}
		}
	}
}

func (f *faulty) noteSubjects(subjects *ledger[string]) {
	i := index{}
	f.create = func(ctx context.Context, r session.Record) error { return i.write(subjects, r, f.Store.Create(ctx, r)) }
	f.update = func(ctx context.Context, r session.Record) error { return i.write(subjects, r, f.Store.Update(ctx, r)) }
}

// index says what is wrong with an index that is kept beside the records.
type index struct {
	same          func(stored, asked string) bool
	ignoresUpdate bool
	writesFirst   bool
	cleansLater   bool
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
			if !i.cleansLater {
				subjects.remove(id)
				return f.Store.Delete(ctx, id)
			}
			defer subjects.remove(id)
			defer latency()
			return f.Store.Delete(ctx, id)
		}
		f.find = func(ctx context.Context, subject string) ([]session.RecordID, error) {
			return i.read(subjects.all(), subject), ctx.Err()
		}
	}, fails...)
}

func (i index) read(subjects map[session.RecordID]string, subject string) (found []session.RecordID) {
	for id, s := range subjects {
		if s == subject || i.same != nil && i.same(s, subject) {
			found = append(found, id)
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
	sweeping("sweep spares those that expire at the time",
		func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
			return f.Store.Sweep(ctx, before.Add(-time.Millisecond), limit)
		}, "SweepExpiredOnly"),
	sweeping("sweep does not count", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		_, err := f.Store.Sweep(ctx, before, limit)
		return 0, err
	}, "SweepExpiredOnly", "SweepLimit", "SweepShortened"),
	sweeping("sweep ignores the limit", func(f *faulty, ctx context.Context, before time.Time, _ int) (int, error) {
		return f.Store.Sweep(ctx, before, 1<<30)
	}, "SweepLimit"),
	sweeping("sweep ignores the limit and hides it",
		func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
			n, err := f.Store.Sweep(ctx, before, 1<<30)
			return min(n, limit), err
		}, "SweepLimit"),
	sweeping("batches come back short", func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error) {
		return f.Store.Sweep(ctx, before, min(limit, 3))
	}, "SweepLimit"),
	fault("sweep knows the first end only", func(f *faulty) { f.rememberExpiry(false, func() {}) }, "SweepShortened",
		"SweepExtended"),
	fault("sweep looks, then deletes", func(f *faulty) { f.rememberExpiry(true, latency) }, "SweepRacesWrites"),
}

func sweeping(name string, sweep func(f *faulty, ctx context.Context, before time.Time, limit int) (int, error),
	fails ...string) defect {
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

func (f *faulty) sweepBy(ctx context.Context, ends *ledger[time.Time], before time.Time, limit int,
	pause func()) (removed int, _ error) {
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
