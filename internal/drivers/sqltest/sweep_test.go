package sqltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// TestSweepInBatches: one call may be asked for more than one statement removes, and reports the sum.
func TestSweepInBatches(t *testing.T) {
	oneByOne(t)
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.migrated(t)
		unhurried(t, d, db)
		fill(t, s, 2300, 10, func(i int, r *session.Record) { r.Expires = epoch.Add(time.Duration(i) * time.Second) })
		until := epoch.Add(2199 * time.Second)
		for _, step := range []struct{ expired, limit, removed int }{{2200, 1200, 1200}, {1000, 0, 0}, {1000, 1000, 1000},
			{0, 10, 0}} {
			if n, err := s.Expired(t.Context(), until); err != nil || n != step.expired {
				t.Errorf("%d have expired, error %v, want %d", n, err, step.expired)
			}
			if n, err := s.Sweep(t.Context(), until, step.limit); err != nil || n != step.removed {
				t.Errorf("Sweep of up to %d removed %d, error %v, want %d", step.limit, n, err, step.removed)
			}
		}
		if n, err := s.Sweep(t.Context(), epoch.Add(time.Hour), 1000); err != nil || n != 100 {
			t.Errorf("the last sweep removed %d, error %v, want the 100 that were not due before", n, err)
		}
	})
}

// TestSweepersAndWriters: several servers sweep one table while visitors write to it, and databases answer the wrong
// order of locks by failing one of the two.
func TestSweepersAndWriters(t *testing.T) {
	records := 3000
	if testing.Short() { // with the race detector SQLite takes ten times as long
		records = 600
	}
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.migrated(t)
		unhurried(t, d, db)
		ids := fill(t, s, records, 100, func(i int, r *session.Record) {
			r.Subject, r.Expires = fmt.Sprintf("user:%d", i%50), epoch.Add(-time.Duration(i)*time.Minute)
		})
		var writers, sweepers sync.WaitGroup
		for w := range 4 {
			writers.Go(func() {
				for i := w; i < len(ids); i += 4 {
					write(t, s, ids[i], i)
				}
			})
		}
		for range 3 {
			sweepers.Go(func() {
				for n := 1; n > 0; {
					var err error
					if n, err = s.Sweep(t.Context(), epoch, 200); err != nil {
						t.Errorf("Sweep while others write and sweep: %v", err)
					}
				}
			})
		}
		writers.Wait()
		sweepers.Wait()
	})
}

func write(t *testing.T, s interface {
	session.Store
	session.Toucher
}, id session.RecordID, i int,
) {
	fresh := newRecord(epoch.Add(-time.Duration(i)*time.Minute), 100)
	r := fresh
	r.ID, r.Subject, r.Expires = id, "user:moved", epoch.Add(time.Duration(i)*time.Minute)
	for operation, err := range map[string]error{
		"Touch":  s.Touch(t.Context(), id, epoch, epoch.Add(time.Duration(i%2)*time.Hour)),
		"Update": s.Update(t.Context(), r),
		"Create": s.Create(t.Context(), fresh),
	} {
		if err != nil && !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s while others sweep: %v", operation, err)
		}
	}
}

// TestSweepPassesLockedRows: a sweep does not queue behind a visitor's write, nor behind another server's sweep.
func TestSweepPassesLockedRows(t *testing.T) {
	s, db := postgresql(t).migrated(t)
	ids := fill(t, s, 10, 10, nil)
	tx, err := db.BeginTx(t.Context(), nil)
	must(t, err)
	defer func() { _ = tx.Rollback() }() // it only holds a lock
	_, err = tx.ExecContext(t.Context(), "UPDATE coatcheck_sessions SET seen = seen + 1 WHERE id = $1", ids[3][:])
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if n, err := s.Sweep(ctx, epoch.Add(time.Hour), 100); err != nil || n != 9 {
		t.Errorf("Sweep beside a write removed %d, error %v, want the 9 that nobody holds", n, err)
	}
}
