package sqltest

import (
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// testFull fills a database whose room is bounded. Visitors can still leave: the core deletes a record that it cannot
// mark as ended. What is refused is neither too large nor a conflict.
func testFull(t *testing.T, s *sqlstore.Store) {
	t.Helper()
	first := newRecord(epoch, 300)
	must(t, s.Create(t.Context(), first))
	var full error
	for range 10_000 {
		if full = s.Create(t.Context(), newRecord(epoch, 30_000)); full != nil {
			break
		}
	}
	grown := first
	grown.Data = newRecord(epoch, 12<<20).Data // more than what the server may free by itself meanwhile
	for name, err := range map[string]error{"Create": full, "Update": s.Update(t.Context(), grown)} {
		if err == nil || !strings.Contains(err.Error(), "full") && !strings.Contains(err.Error(), "No space") {
			t.Errorf("%s: error is %v, which does not say that the database is full", name, err)
		}
		for _, answer := range []error{session.ErrTooLarge, session.ErrConflict, session.ErrNotFound, session.ErrExists} {
			if errors.Is(err, answer) {
				t.Errorf("%s: a full database is reported as %v", name, answer)
			}
		}
	}
	if got, err := s.Load(t.Context(), first.ID); err != nil || got.Version != 1 ||
		string(got.Data) != string(first.Data) {
		t.Errorf("after refused writes the record is %v (%v)", got, err)
	}
	must(t, s.Delete(t.Context(), first.ID))
	if _, err := s.Load(t.Context(), first.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load after Delete: error is %v, want %v", err, session.ErrNotFound)
	}
}

func TestFullSQLite(t *testing.T) {
	d := sqlite(t)
	d.source += "&_pragma=max_page_count(400)"
	s, _ := d.migrated(t)
	testFull(t, s)
}

// TestFullMariaDB bounds the file that holds all tables.
func TestFullMariaDB(t *testing.T) {
	server := servers.MariaDBWith(t, "--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:16M:autoextend:max:24M")
	s, _ := onMariaDB(server, "").migrated(t)
	testFull(t, s)
}
