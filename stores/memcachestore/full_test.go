package memcachestore_test

import (
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// TestFull: a server that may not evict (-M) refuses writes when its memory is full. Visitors can still leave: the
// core deletes a record that it cannot mark as ended.
func TestFull(t *testing.T) {
	s := newStore(t, "-M", "-m", "2")
	r := newRecord(strings.Repeat("x", 1000))
	want(t, "Create", s.Create(t.Context(), r), nil)
	var full error
	for range 10_000 {
		if full = s.Create(t.Context(), newRecord(strings.Repeat("x", 1000))); full != nil {
			break
		}
	}
	for name, err := range map[string]error{"Create": full, "Update": s.Update(t.Context(), r)} {
		if err == nil || !strings.Contains(err.Error(), "memory is full") {
			t.Errorf("%s: error is %v, which does not say that the memory is full", name, err)
		}
		for _, answer := range []error{session.ErrTooLarge, session.ErrConflict, session.ErrNotFound, session.ErrExists} {
			if errors.Is(err, answer) {
				t.Errorf("%s: a full server is reported as %v", name, answer)
			}
		}
	}
	_, err := s.Load(t.Context(), r.ID)
	want(t, "Load", err, nil)
	want(t, "Delete", s.Delete(t.Context(), r.ID), nil)
	_, err = s.Load(t.Context(), r.ID)
	want(t, "Load after Delete", err, session.ErrNotFound)
}
