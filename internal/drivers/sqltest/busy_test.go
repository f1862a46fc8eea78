package sqltest

import (
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// coder is what the store asks a driver's errors for.
type coder interface {
	error
	Code() int
}

// TestBusyIsPutOff: what another process does for a moment is no outage. The driver's error has to be recognized
// without knowing the driver.
func TestBusyIsPutOff(t *testing.T) {
	d := impatient(sqlite(t))
	s, db := d.migrated(t)
	other, err := d.open(t).Conn(t.Context())
	must(t, err)
	defer other.Close()
	_, err = other.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "DELETE FROM coatcheck_sessions")
	const code = 5 // SQLITE_BUSY, which the store looks for
	if e, ok := errors.AsType[coder](err); !ok || e.Code()&0xff != code {
		t.Errorf("%v is not taken for what ends by itself", err)
	}
	if _, err := s.Load(t.Context(), newRecord(epoch, 0).ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load while another process writes: error is %v, want %v", err, session.ErrNotFound)
	}
	_, err = other.ExecContext(t.Context(), "COMMIT")
	must(t, err)
	_, err = db.ExecContext(t.Context(), "SELECT nonsense")
	if e, ok := errors.AsType[coder](err); !ok || e.Code()&0xff == code {
		t.Errorf("%v is taken for what ends by itself", err)
	}
}

// impatient is the database without any waiting for locks.
func impatient(d database) database {
	d.source = strings.Replace(d.source, "busy_timeout(100)", "busy_timeout(0)", 1)
	return d
}

// TestWritersQueue: within one process nobody needs the busy timeout, whose waits are neither fair nor short.
func TestWritersQueue(t *testing.T) {
	s, _ := impatient(sqlite(t)).migrated(t)
	fill(t, s, 4000, 300, nil)
}
