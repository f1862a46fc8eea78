package sqlstore_test

import (
	"context"
	"errors"
	"testing"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

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
