package sqltest

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// epoch is when these tests begin. The store has no clock, so theirs need not go.
var epoch = time.UnixMilli(1_700_000_000_000)

func newRecord(expires time.Time, size int) session.Record {
	r := session.Record{Version: 1, Data: make([]byte, size), Seen: epoch, Expires: expires}
	_, _ = rand.Read(r.ID[:]) // never fails
	_, _ = rand.Read(r.Data)  // as above; compressible data would flatter a server
	return r
}

// fill creates n records from eight callers at once.
func fill(t testing.TB, s *sqlstore.Store, n, size int, edit func(i int, r *session.Record)) []session.RecordID {
	t.Helper()
	ids := make([]session.RecordID, n)
	var next atomic.Int64
	failed := make(chan error, 8)
	for range cap(failed) {
		go func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					failed <- nil
					return
				}
				r := newRecord(epoch.Add(30*time.Minute), size)
				if edit != nil {
					edit(i, &r)
				}
				ids[i] = r.ID
				if err := s.Create(t.Context(), r); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for range cap(failed) {
		must(t, <-failed)
	}
	return ids
}

// unhurried makes a server answer before its disk does, which only fills it faster.
func unhurried(t testing.TB, d database, db *sql.DB) {
	t.Helper()
	switch d.dialect {
	case sqlstore.PostgreSQL:
		run(t, db, "ALTER SYSTEM SET synchronous_commit = off")
		run(t, db, "SELECT pg_reload_conf()")
	case sqlstore.MySQL:
		run(t, db, "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
	case sqlstore.SQLite:
	}
}

const loaded = 10_000 // sessions in the table

// BenchmarkOperations measures single calls of one caller, with the servers' default waits for the disk.
func BenchmarkOperations(b *testing.B) {
	for name, start := range databases {
		d := start(b)
		s, db := d.migrated(b)
		for _, size := range []int{300, 4096} {
			run(b, db, "DELETE FROM coatcheck_sessions")
			benchmarkOperations(b, fmt.Sprintf("db=%s/data=%d/op=", name, size), s, fill(b, s, loaded, size, nil), size)
		}
	}
}

func benchmarkOperations(b *testing.B, name string, s *sqlstore.Store, ids []session.RecordID, size int) {
	versions := make([]uint64, len(ids))
	data := make([]byte, size)
	i := 0
	for op, call := range map[string]func(i int) error{
		"load": func(i int) error { _, err := s.Load(b.Context(), ids[i%len(ids)]); return err },
		"touch": func(i int) error {
			return s.Touch(b.Context(), ids[i%len(ids)], epoch.Add(time.Duration(i)*time.Millisecond),
				epoch.Add(30*time.Minute+time.Duration(i)*time.Millisecond))
		},
		"update": func(i int) error {
			n := i % len(ids)
			versions[n]++
			return s.Update(b.Context(), session.Record{ID: ids[n], Version: versions[n], Data: data, Seen: epoch,
				Expires: epoch.Add(time.Hour)})
		},
	} {
		b.Run(name+op, func(b *testing.B) {
			for b.Loop() {
				if err := call(i); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkSize measures what sessions take on disk.
func BenchmarkSize(b *testing.B) {
	for name, start := range databases {
		b.Run("db="+name, func(b *testing.B) {
			storetest.BenchmarkSize(b, 100_000, func(b *testing.B) (session.Store, func() int64) {
				d := start(b)
				s, db := d.migrated(b)
				unhurried(b, d, db)
				return s, func() int64 { return diskSize(b, d, db) }
			})
		})
	}
}

// BenchmarkSweep removes 100 000 of 200 000 sessions while four callers touch the others, as visitors do. Run it with
// -benchtime 1x.
func BenchmarkSweep(b *testing.B) {
	const sessions = 200_000
	for name, start := range databases {
		b.Run("db="+name, func(b *testing.B) {
			d := start(b)
			s, db := d.migrated(b)
			unhurried(b, d, db)
			ids := fill(b, s, sessions, 300, func(i int, r *session.Record) {
				r.Expires = epoch.Add(time.Duration(i%2)*time.Hour - time.Duration(i%1000)*time.Second)
			})
			alone := worstTouch(b, s, ids, func() {
				for range 20_000 { // a few seconds
					_, err := s.Load(b.Context(), ids[0])
					must(b, err)
				}
			})
			for b.Loop() {
				during := worstTouch(b, s, ids, func() { sweepAll(b, s) })
				b.ReportMetric(float64(alone.Microseconds())/1000, "ms/worst-touch-before")
				b.ReportMetric(float64(during.Microseconds())/1000, "ms/worst-touch-during")
			}
		})
	}
}

func sweepAll(t testing.TB, s *sqlstore.Store) {
	for n := 1000; n == 1000; {
		var err error
		n, err = s.Sweep(t.Context(), epoch, 1000) // as the core does
		must(t, err)
	}
	n, err := s.Expired(t.Context(), epoch)
	must(t, err)
	if n != 0 {
		t.Errorf("%d expired sessions are left", n)
	}
}

// worstTouch is the longest that four callers waited for a touch while work went on.
func worstTouch(t testing.TB, s *sqlstore.Store, ids []session.RecordID, work func()) time.Duration {
	var over atomic.Bool
	worst := make(chan time.Duration)
	for caller := range 4 {
		go func() {
			var longest time.Duration
			for i := 1 + 2*caller; !over.Load(); i = (i + 8) % len(ids) {
				begin := time.Now()
				if err := s.Touch(t.Context(), ids[i], epoch, epoch.Add(time.Hour)); err != nil {
					t.Error(err)
				}
				longest = max(longest, time.Since(begin))
			}
			worst <- longest
		}()
	}
	work()
	over.Store(true)
	return max(<-worst, <-worst, <-worst, <-worst)
}

func diskSize(t testing.TB, d database, db *sql.DB) (n int64) {
	t.Helper()
	query := map[sqlstore.Dialect]string{
		sqlstore.SQLite:     "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
		sqlstore.PostgreSQL: "SELECT pg_total_relation_size('coatcheck_sessions')",
		sqlstore.MySQL: "SELECT data_length + index_length FROM information_schema.tables WHERE table_name = " +
			"'coatcheck_sessions'",
	}[d.dialect]
	if d.dialect == sqlstore.MySQL {
		run(t, db, "ANALYZE TABLE coatcheck_sessions")
	}
	must(t, db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}
