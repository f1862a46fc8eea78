package sqltest

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestTouchIsHeapOnly: on PostgreSQL a write that changes no indexed column can stay in its page and touches no index;
// that is what the coarse time and the fill factor are for.
func TestTouchIsHeapOnly(t *testing.T) {
	oneByOne(t)
	d := postgresql(t)
	s, db := d.migrated(t)
	db.SetMaxOpenConns(1) // statistics are a connection's until it flushes them
	const sessions, rounds = 500, 4
	ids := fill(t, s, sessions, 300, nil)
	for round := range rounds { // all within one unit of the indexed time
		for _, id := range ids {
			later := time.Duration(1+round) * time.Minute
			must(t, s.Touch(t.Context(), id, epoch.Add(later), epoch.Add(30*time.Minute+later)))
		}
	}
	run(t, db, "SELECT pg_stat_force_next_flush()")
	var all, heapOnly int
	row := db.QueryRowContext(t.Context(),
		"SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'coatcheck_sessions'")
	must(t, row.Scan(&all, &heapOnly))
	t.Logf("%d of %d touches were heap-only", heapOnly, all)
	if all != sessions*rounds || heapOnly < all*99/100 {
		t.Errorf("%d of %d updates were heap-only, want 99 %% of %d", heapOnly, all, sessions*rounds)
	}
}

// TestQueriesUseTheIndexes: without one, each list, sweep and page of a walk would read every session there is.
func TestQueriesUseTheIndexes(t *testing.T) {
	oneByOne(t)
	eachDatabase(t, func(t *testing.T, d database) {
		s, db := d.migrated(t)
		fill(t, s, 2000, 10, func(i int, r *session.Record) {
			r.Subject, r.Expires = fmt.Sprintf("user:%d", i), epoch.Add(time.Duration(i)*time.Hour)
		})
		run(t, db, map[sqlstore.Dialect]string{
			sqlstore.SQLite: "ANALYZE", sqlstore.PostgreSQL: "ANALYZE", sqlstore.MySQL: "ANALYZE TABLE coatcheck_sessions",
		}[d.dialect])
		at, texts := epoch.Add(10*time.Hour).UnixMilli(), statements(t, d)
		primary := map[sqlstore.Dialect]string{
			sqlstore.SQLite: "(id>?)", sqlstore.PostgreSQL: "coatcheck_sessions_pkey", sqlstore.MySQL: "PRIMARY",
		}[d.dialect]
		from := bytes.Repeat([]byte{0x40}, 32)
		for index, plan := range map[string]string{
			"coatcheck_sessions_subject": explain(t, d, db, texts["find"], []byte("user:7")),
			"coatcheck_sessions_sweep":   explain(t, d, db, texts["sweep"], at/600_000, at, 1000),
			primary:                      explain(t, d, db, texts["walk"], from, 10),
		} {
			if !strings.Contains(plan, index) {
				t.Errorf("%s is not used:\n%s", index, plan)
			}
		}
	})
}

// statements returns what the store asks the database for a subject's sessions, for those that have expired and for a
// page of all.
func statements(t *testing.T, d database) map[string]string {
	t.Helper()
	r := &recorder{opens: d.open(t).Driver(), source: d.source}
	db := sql.OpenDB(r)
	t.Cleanup(func() { db.Close() })
	s := d.store(t, db, sqlstore.Options{})
	texts := map[string]string{}
	for name, call := range map[string]func() error{
		"find":  func() error { _, err := s.Find(t.Context(), "nobody"); return err },
		"sweep": func() error { _, err := s.Sweep(t.Context(), epoch.Add(-time.Hour), 1000); return err },
		"walk":  func() error { _, _, err := s.Walk(t.Context(), "", 10); return err },
	} {
		r.first = ""
		must(t, call())
		texts[name] = r.first
	}
	return texts
}

// recorder opens connections of another driver's and remembers the first text that they are given. They have no methods
// but the least, so every text is prepared.
type recorder struct {
	opens  driver.Driver
	source string
	first  string
}

func (r *recorder) Driver() driver.Driver { return r.opens }

func (r *recorder) Connect(context.Context) (driver.Conn, error) {
	c, err := r.opens.Open(r.source)
	return recorded{c, r}, err
}

type recorded struct {
	driver.Conn
	to *recorder
}

func (c recorded) Prepare(text string) (driver.Stmt, error) {
	if c.to.first == "" {
		c.to.first = text
	}
	return c.Conn.Prepare(text)
}

// explain returns what the database would do, as the lines that it prints.
func explain(t *testing.T, d database, db *sql.DB, text string, args ...any) string {
	t.Helper()
	command := map[sqlstore.Dialect]string{
		sqlstore.SQLite: "EXPLAIN QUERY PLAN ", sqlstore.PostgreSQL: "EXPLAIN ", sqlstore.MySQL: "EXPLAIN FORMAT=JSON ",
	}[d.dialect]
	rows, err := db.QueryContext(t.Context(), command+text, args...)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	var plan strings.Builder
	for rows.Next() {
		line := make([]any, len(columns))
		for i := range line {
			line[i] = new(string)
		}
		must(t, rows.Scan(line...))
		fmt.Fprintln(&plan, *line[len(line)-1].(*string))
	}
	must(t, rows.Err())
	if d.dialect != sqlstore.MySQL {
		return plan.String()
	}
	_, chosen, _ := strings.Cut(plan.String(), `"key": `) // before it are those that it thought about
	return chosen
}
