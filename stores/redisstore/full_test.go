package redisstore_test

import (
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// TestFull: Redis at maxmemory refuses what may need memory. Visitors can still leave: the core deletes a record that it cannot
// mark as ended, and finds those of a subject.
func TestFull(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s := redisstore.New(c)
	r := newRecordOf("user:42")
	check(t, s.Create(t.Context(), r))
	check(t, s.Touch(t.Context(), r.ID, r.Seen, r.Expires)) // Redis knows the scripts
	check(t, c.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err())
	check(t, c.ConfigSet(t.Context(), "maxmemory", "1").Err())
	for name, err := range map[string]error{
		"Create": s.Create(t.Context(), newRecord("values")), "Create of a subject's": s.Create(t.Context(), newRecordOf("user:42")),
		"Update": s.Update(t.Context(), r), "Touch": touched(t.Context(), s, r, 0),
	} {
		if err == nil || !strings.Contains(err.Error(), "maxmemory") {
			t.Errorf("%s: error is %v, which does not say that Redis is full", name, err)
		}
		for _, answer := range []error{session.ErrTooLarge, session.ErrConflict, session.ErrNotFound, session.ErrExists} {
			if errors.Is(err, answer) {
				t.Errorf("%s: a full Redis is reported as %v", name, answer)
			}
		}
	}
	listed, err := s.List(t.Context(), r.Subject)
	if check(t, err); len(listed) != 1 {
		t.Errorf("List found %d records, want 1", len(listed))
	}
	_, err = s.Load(t.Context(), r.ID)
	check(t, err)
	check(t, s.Delete(t.Context(), r.ID))
	_, err = s.Load(t.Context(), r.ID)
	wantError(t, "Load after Delete", err, session.ErrNotFound)
	check(t, c.ConfigSet(t.Context(), "maxmemory", "0").Err())
	check(t, s.Create(t.Context(), newRecord("values")))
}
