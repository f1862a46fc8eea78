package sqltest

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestInMemory: each connection has a database of its own, which shows when a second request comes at the same time.
func TestInMemory(t *testing.T) {
	for name, source := range map[string]string{"memory": ":memory:", "memory file": "file::memory:", "temporary": ""} {
		s, db := database{sqlstore.SQLite, "sqlite", source}.migrated(t)
		must(t, s.Create(t.Context(), newRecord(epoch, 10)))
		busy, err := db.Conn(t.Context())
		must(t, err)
		_, failed := s.Load(t.Context(), newRecord(epoch, 10).ID)
		must(t, busy.Close())
		for call, err := range map[string]error{"Load": failed, "Check": s.Check(t.Context())} {
			if err == nil || !strings.Contains(err.Error(), "SetMaxOpenConns(1)") {
				t.Errorf("%s: %s: error is %v, which does not say what to do", name, call, err)
			}
		}
	}
}

// TestInMemoryOnOneConnection: what the error advises works.
func TestInMemoryOnOneConnection(t *testing.T) {
	d := database{sqlstore.SQLite, "sqlite", ":memory:"}
	db := d.open(t)
	db.SetMaxOpenConns(1)
	s := d.store(t, db, sqlstore.Options{})
	must(t, s.Migrate(t.Context()))
	must(t, s.Check(t.Context()))
	must(t, together(t, s))
}

// TestWithoutPragmas: another program writes, and no busy timeout makes a call wait for it.
func TestWithoutPragmas(t *testing.T) {
	d := database{sqlstore.SQLite, "sqlite", "file:" + filepath.Join(t.TempDir(), "sessions.db")}
	s, _ := d.migrated(t)
	other, err := d.open(t).Conn(t.Context())
	must(t, err)
	defer other.Close()
	_, err = other.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	must(t, err)
	r := newRecord(epoch, 10)
	_, failed := s.Load(t.Context(), r.ID)
	for call, err := range map[string]error{
		"Create": s.Create(t.Context(), r), "Load": failed, "Check": s.Check(t.Context()),
	} {
		if err == nil || !strings.Contains(err.Error(),
			"_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_txlock=immediate") {
			t.Errorf("%s: error is %v, which does not say what to do", call, err)
		}
	}
}

// TestCheck: it finds fault with nothing that works, and with a table that is not there.
func TestCheck(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s := d.store(t, d.open(t), sqlstore.Options{})
		if err := s.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "call Migrate") {
			t.Errorf("without a table: error is %v, which does not say what to do", err)
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.Check(t.Context()))
	})
}
