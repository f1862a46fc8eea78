package sqltest

import (
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestCheckLayout: whoever looks after the tables learns that they are not there, or not this program's, without
// making any.
func TestCheckLayout(t *testing.T) {
	eachDatabase(t, func(t *testing.T, d database) {
		db := d.open(t)
		s := d.store(t, db, sqlstore.Options{})
		if err := s.CheckLayout(t.Context()); err == nil || !strings.Contains(err.Error(), "call Migrate") {
			t.Errorf("without tables: error is %v, want one that says what to call", err)
		}
		if _, err := db.ExecContext(t.Context(), "SELECT 1 FROM coatcheck_sessions_version"); err == nil {
			t.Error("looking has made a table")
		}
		must(t, s.Migrate(t.Context()))
		must(t, s.CheckLayout(t.Context()))
		run(t, db, "INSERT INTO coatcheck_sessions_version VALUES (2)")
		if err := s.CheckLayout(t.Context()); err == nil || !strings.Contains(err.Error(), "layout 2") {
			t.Errorf("of newer tables: error is %v, want one that names layout 2", err)
		}
		run(t, db, "DELETE FROM coatcheck_sessions_version")
		if err := s.CheckLayout(t.Context()); err == nil || !strings.Contains(err.Error(), "no layout") {
			t.Errorf("of half-made tables: error is %v, want one that says so", err)
		}
	})
}
