//go:build unix

package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// TestEntryComesFirst guards that no record is ever without its entry: "log out everywhere" would miss it.
func TestEntryComesFirst(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "user:1")
	owner := filepath.Dir(files(t, dir, "subjects/*/*/*")[0])
	must(t, s.Delete(t.Context(), r.ID))
	must(t, os.WriteFile(owner, nil, 0o600)) // no entry can be made
	if err := s.Create(t.Context(), r); err == nil {
		t.Error("Create reports no error although it could not make the entry")
	}
	if _, err := s.Load(t.Context(), r.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load: error is %v, want %v", err, session.ErrNotFound)
	}
}

// TestTidyLooksAgain guards that an entry stays whose record came back to the subject after somebody found it stale.
func TestTidyLooksAgain(t *testing.T) {
	s := open(t, newDir(t))
	r := create(t, s, "user:1")
	must(t, s.Tidy(t.Context(), "user:1", r.ID))
	if found, err := s.Find(t.Context(), "user:1"); err != nil || len(found) != 1 {
		t.Errorf("Find found %d records (%v), want 1", len(found), err)
	}
}

// TestTidyRemovesStaleEntry: a process was killed between giving a record to another subject and removing the old entry.
func TestTidyRemovesStaleEntry(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "user:before")
	entry := files(t, dir, "subjects/*/*/*")[0]
	r.Subject = "user:after"
	must(t, s.Update(t.Context(), r))
	must(t, os.MkdirAll(filepath.Dir(entry), 0o700))
	must(t, os.WriteFile(entry, nil, 0o600))
	must(t, s.Tidy(t.Context(), "user:before", r.ID))
	if _, err := os.Stat(entry); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the entry is still there (%v)", err)
	}
	if found, err := s.Find(t.Context(), "user:after"); err != nil || len(found) != 1 {
		t.Errorf("Find of the new subject found %d records (%v), want 1", len(found), err)
	}
}
