//go:build unix

package filestore_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// TestWalkPassesWhatIsNoRecord: a damaged record, which nobody can use, and what else lies about stop no walk; one of a
// newer format can be a live session, so leaving it out would be a lie.
func TestWalkPassesWhatIsNoRecord(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "user:odd")
	odd := fileOf(t, dir)
	good := create(t, s, "user:good")
	shard := filepath.Dir(odd)
	must(t, os.WriteFile(filepath.Join(shard, "tmp"), []byte("coatchk\x01half a rec"), 0o600))
	must(t, os.WriteFile(filepath.Join(shard, strings.ToUpper(filepath.Base(odd))), []byte("a copy"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "sessions", "lost+found"), 0o700))

	must(t, os.WriteFile(odd, []byte("damaged"), 0o600))
	page, next, err := s.Walk(t.Context(), "", 500)
	if err != nil || next != "" || len(page) != 1 || page[0].ID != good.ID {
		t.Errorf("beside a damaged record: %d records, next %q, error %v; want the good one", len(page), next, err)
	}
	must(t, os.WriteFile(odd, []byte("coatchk\x02all else may differ"), 0o600))
	page, next, err = s.Walk(t.Context(), "", 500)
	if err == nil || next != "" || len(page) != 1 || page[0].ID != good.ID {
		t.Errorf("beside a newer record: %d records, next %q, error %v; want the good one and an error", len(page), next, err)
	}
}

// TestWalkMakesNothing: looking at a store must not fill the disk with empty directories.
func TestWalkMakesNothing(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "")
	before := files(t, dir, "*/*")
	if page, _, err := s.Walk(t.Context(), "", 500); err != nil || len(page) != 1 {
		t.Fatalf("%d records (%v), want 1", len(page), err)
	}
	if after := files(t, dir, "*/*"); !slices.Equal(after, before) {
		t.Errorf("there are %d directories, and were %d", len(after), len(before))
	}
}

// TestWalkGoesOnInAnotherProcess: a move of all sessions that was interrupted goes on with its last cursor.
func TestWalkGoesOnInAnotherProcess(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	found := map[session.RecordID]bool{}
	for range 10 {
		found[create(t, s, "").ID] = false
	}
	for cursor, first := "", true; first || cursor != ""; first = false {
		page, next, err := open(t, dir).Walk(t.Context(), cursor, 3)
		must(t, err)
		for _, r := range page {
			found[r.ID] = true
		}
		cursor = next
	}
	for id, was := range found {
		if !was {
			t.Errorf("record %s is missing", id)
		}
	}
}
