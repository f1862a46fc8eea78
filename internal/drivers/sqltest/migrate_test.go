package sqltest

import (
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestMigrateAtOnce: servers that are deployed together start together, and all of them migrate.
func TestMigrateAtOnce(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		for _, table := range []string{"a", "b", "c"} { // one round may miss the race
			migrateAtOnce(t, d, sqlstore.Options{Table: table})
		}
	})
}

func migrateAtOnce(t *testing.T, d database, o sqlstore.Options) {
	const callers = 8
	begin, ended := make(chan struct{}), make(chan error, callers)
	for range callers {
		s := d.store(t, d.open(t), o)
		go func() {
			<-begin
			ended <- errors.Join(s.Migrate(t.Context()), s.Migrate(t.Context()), s.Create(t.Context(), newRecord(epoch, 10)))
		}()
	}
	close(begin)
	for range callers {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// TestMigrateLeavesNewerTables: after a rollback of the program the table may have columns that this one does not fill.
func TestMigrateLeavesNewerTables(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		run(t, db, "CREATE TABLE coatcheck_sessions_version (version BIGINT NOT NULL PRIMARY KEY)")
		run(t, db, "INSERT INTO coatcheck_sessions_version VALUES (1), (2)")
		s := d.store(t, db, sqlstore.Options{})
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "layout 2") {
			t.Errorf("Migrate: error is %v, want one that names layout 2", err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT 1 FROM coatcheck_sessions"); err == nil {
			t.Error("Migrate made a table beside what is newer than itself")
		}
	})
}

// TestSchema: what an administrator applies by hand is what the program expects, and may be applied again.
func TestSchema(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		o := sqlstore.Options{Table: "order"} // a word that SQL keeps for itself
		schema, err := sqlstore.Schema(d.dialect, o)
		must(t, err)
		if !strings.HasPrefix(schema, "-- ") {
			t.Errorf("the schema does not begin by saying what it is:\n%s", schema)
		}
		db := d.open(t)
		for range 2 {
			for statement := range strings.SplitSeq(strings.TrimSuffix(schema, ";\n"), ";\n") {
				run(t, db, statement)
			}
		}
		s := d.store(t, db, o)
		must(t, s.Create(t.Context(), newRecord(epoch, 10)))
		must(t, s.Migrate(t.Context()))
	})
}

// TestMissingTable: it is the first mistake that everybody makes, and the cure is one call.
func TestMissingTable(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.store(t, d.open(t), sqlstore.Options{})
		r := newRecord(epoch, 10)
		r.Subject = "user:1"
		for operation, err := range everyOperation(t, s, r) {
			if err == nil || !strings.Contains(err.Error(), "call Migrate") {
				t.Errorf("%s without a table: error is %v, want one that says what to call", operation, err)
			}
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.Create(t.Context(), r))
		for operation, err := range everyOperation(t, s, r) {
			if err != nil && !errors.Is(err, session.ErrExists) && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s after Migrate: %v", operation, err)
			}
		}
	})
}

func everyOperation(t *testing.T, s *sqlstore.Store, r session.Record) map[string]error {
	t.Helper()
	_, load := s.Load(t.Context(), r.ID)
	_, find := s.Find(t.Context(), r.Subject)
	_, all := s.LoadAll(t.Context(), []session.RecordID{r.ID})
	_, _, walk := s.Walk(t.Context(), "", 10)
	_, sweep := s.Sweep(t.Context(), epoch, 10)
	_, expired := s.Expired(t.Context(), epoch)
	return map[string]error{
		"Load": load, "Find": find, "LoadAll": all, "Walk": walk, "Sweep": sweep, "Expired": expired,
		"Create": s.Create(t.Context(), r), "Update": s.Update(t.Context(), r), "Delete": s.Delete(t.Context(), r.ID),
		"Touch": s.Touch(t.Context(), r.ID, epoch, epoch.Add(time.Hour)),
	}
}

// TestNewRefuses: the table's name becomes part of SQL text, so it is held to letters that mean nothing there.
func TestNewRefuses(t *testing.T) {
	db := sqlite(t).open(t)
	for _, name := range []string{
		"Sessions", "1st", "a b", "a;b", `a"b`, "a`b", "a'b", "a.b", "a-b", "a\n", "é", "a{table}", "a?",
		strings.Repeat("a", 49),
	} {
		if _, err := sqlstore.New(db, sqlstore.SQLite, sqlstore.Options{Table: name}); err == nil {
			t.Errorf("the table name %q was accepted", name)
		}
		if _, err := sqlstore.Schema(sqlstore.SQLite, sqlstore.Options{Table: name}); err == nil {
			t.Errorf("Schema accepted the table name %q", name)
		}
	}
	for _, bad := range []struct {
		db *sql.DB
		d  sqlstore.Dialect
	}{{nil, sqlstore.SQLite}, {db, 0}, {db, sqlstore.MySQL + 1}} {
		if _, err := sqlstore.New(bad.db, bad.d, sqlstore.Options{}); err == nil {
			t.Errorf("New with database %v and %v succeeded", bad.db != nil, bad.d)
		}
	}
}
