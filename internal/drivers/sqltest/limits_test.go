package sqltest

import (
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// TestLongSubjects: identity providers issue subjects of any length, and indexes have limits that columns do not.
func TestLongSubjects(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.migrated(t)
		long := string(newRecord(epoch, 60_000).Data) // at random, so that no index can compress it
		for _, end := range []string{"a", "b", "B", "b ", "b\x00"} {
			r := newRecord(epoch, 10)
			r.Subject = long + end
			must(t, s.Create(t.Context(), r))
			found, err := s.Find(t.Context(), r.Subject)
			must(t, err)
			if len(found) != 1 || found[0] != r.ID {
				t.Errorf("Find of a long subject that ends in %q found %d records, want its own", end, len(found))
			}
		}
	})
}

// TestTooLarge: MySQL cuts what does not fit a column when it is not strict, so the limit is this package's.
func TestTooLarge(t *testing.T) {
	s, _ := mariadb(t).with("?sql_mode=''").migrated(t)
	r := newRecord(epoch, 10)
	must(t, s.Create(t.Context(), r))
	large, named := newRecord(epoch, 16<<20), newRecord(epoch, 10)
	named.Subject = strings.Repeat("x", 1<<16)
	for _, refused := range []session.Record{large, named} {
		if err := s.Create(t.Context(), refused); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Create: error is %v, want %v", err, session.ErrTooLarge)
		}
		refused.ID = r.ID
		if err := s.Update(t.Context(), refused); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("Update: error is %v, want %v", err, session.ErrTooLarge)
		}
	}
	if found, err := s.Find(t.Context(), named.Subject); err != nil || found != nil {
		t.Errorf("Find of a subject that nobody can have: %d records, error %v", len(found), err)
	}
	got, err := s.Load(t.Context(), r.ID)
	must(t, err)
	if got.Version != 1 || string(got.Data) != string(r.Data) {
		t.Errorf("after refused writes the record is %v", got)
	}
}

// TestRefusalIsNoDuplicate: only a record that is there may be reported as such; the core takes ErrExists for an
// answer, and anything else for an outage.
func TestRefusalIsNoDuplicate(t *testing.T) {
	d := mariadb(t)
	for _, settings := range []string{"", "?clientFoundRows=true"} {
		s, db := d.with(settings).migrated(t)
		run(t, db, "ALTER TABLE coatcheck_sessions ADD CONSTRAINT IF NOT EXISTS few CHECK (version < 5)")
		r := newRecord(epoch, 10)
		r.Version = 5
		if err := s.Create(t.Context(), r); err == nil || errors.Is(err, session.ErrExists) {
			t.Errorf("Create of what the table refuses: error is %v, want the server's", err)
		}
		r.Version = 1
		must(t, s.Create(t.Context(), r))
		if err := s.Create(t.Context(), r); !errors.Is(err, session.ErrExists) {
			t.Errorf("Create of an existing record: error is %v, want %v", err, session.ErrExists)
		}
	}
}

// TestVersionsBeyondTheColumn: a version that no record can have conflicts; it does not wrap around to another.
func TestVersionsBeyondTheColumn(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		s, _ := d.migrated(t)
		r := newRecord(epoch, 10)
		must(t, s.Create(t.Context(), r))
		r.Version += 1 << 63
		if err := s.Update(t.Context(), r); !errors.Is(err, session.ErrConflict) {
			t.Errorf("Update with version %d: error is %v, want %v", r.Version, err, session.ErrConflict)
		}
	})
}
