//go:build unix

package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
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

// TestTidyRemovesStaleEntry: a process was killed between giving a record to another subject and removing the old
// entry.
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

// TestFindIsOfOneMoment: between two parts of a directory, sessions are renewed. A search that went on over it would
// have read the place of the new records before and meet the old ones no more. Renewals wait for the search, as other
// processes would.
func TestFindIsOfOneMoment(t *testing.T) {
	dir := newDir(t)
	s, other := open(t, dir), open(t, dir)
	var sessions []session.Record
	for range 1200 { // more than one part
		sessions = append(sessions, create(t, s, "user:1"))
	}
	made := map[session.RecordID]session.RecordID{}
	renew := func(of *filestore.Store, old session.Record) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		fresh := newRecord("user:1")
		if err := of.Create(ctx, fresh); err == nil {
			made[old.ID] = fresh.ID
			old.Subject = ""
			must(t, of.Update(t.Context(), old))
		}
	}
	next := 0
	defer filestore.BetweenReads(func() {
		for _, of := range []*filestore.Store{s, other} {
			for range 20 {
				renew(of, sessions[next])
				next++
			}
		}
	})()
	ids, err := s.Find(t.Context(), "user:1")
	must(t, err)
	for _, old := range sessions {
		if fresh, renewed := made[old.ID]; !slices.Contains(ids, old.ID) && (!renewed || !slices.Contains(ids, fresh)) {
			t.Fatalf("of a session (renewed meanwhile: %t) no record is found", renewed)
		}
	}
}
