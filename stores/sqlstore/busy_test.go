package sqlstore_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

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
	if _, err = db.ExecContext(t.Context(), "DELETE FROM coatcheck_sessions"); !sqlstore.PutOff(err) {
		t.Errorf("%v is not taken for what ends by itself", err)
	}
	if _, err := s.Load(t.Context(), newRecord(epoch, 0).ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load while another process writes: error is %v, want %v", err, session.ErrNotFound)
	}
	_, err = other.ExecContext(t.Context(), "COMMIT")
	must(t, err)
	if _, err = db.ExecContext(t.Context(), "SELECT nonsense"); sqlstore.PutOff(err) {
		t.Errorf("%v is taken for what ends by itself", err)
	}
}

// busy is how a driver reports SQLite's extended code for a snapshot that is out of date.
type busy struct{}

func (busy) Error() string { return "busy" }
func (busy) Code() int     { return 517 }

// TestPersist: a statement that was put off is run again, neither for longer than its caller waits nor for ever.
func TestPersist(t *testing.T) {
	other := errors.New("another")
	for name, c := range map[string]struct {
		give        func(attempt int, cancel func()) error
		attempts    int
		first, then error
	}{
		"succeeds at last": {func(n int, _ func()) error { return map[bool]error{true: busy{}}[n < 3] }, 3, nil, nil},
		"fails otherwise":  {func(int, func()) error { return other }, 1, other, other},
		"never":            {func(int, func()) error { return busy{} }, 500, busy{}, busy{}},
		"nobody waits": {func(n int, cancel func()) error {
			if n == 2 {
				cancel()
			}
			return busy{}
		}, 2, context.Canceled, busy{}},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		attempts := 0
		err := sqlstore.Persist(ctx, func() error { attempts++; return c.give(attempts, cancel) })
		cancel()
		if attempts != c.attempts || !errors.Is(err, c.first) || !errors.Is(err, c.then) {
			t.Errorf("%s: %d attempts and error %v, want %d and %v", name, attempts, err, c.attempts, c.first)
		}
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
