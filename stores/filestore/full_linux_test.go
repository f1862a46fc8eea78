package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

// smallDisk is a store on a file system of its own, and what fills it up. It needs the right to mount one.
func smallDisk(t *testing.T) (s *filestore.Store, dir string, fill func() (filler string)) {
	t.Helper()
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k,nr_inodes=100"); err != nil {
		t.Skipf("no file system can be mounted here (%v); TestWriteFails tests refused writes too", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	dir = filepath.Join(disk, "sessions")
	s, err := filestore.New(dir, filestore.Options{})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, dir, func() string {
		filler := filepath.Join(disk, "filler")
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: error is %v, want %v", err, syscall.ENOSPC)
		}
		return filler
	}
}

// TestDiskFull guards that a full disk is an error and not a session that is silently lost, and that the store works
// again once there is room.
func TestDiskFull(t *testing.T) {
	s, dir, fill := smallDisk(t)
	r := create(t, s, "")
	filler := fill()
	for range 3 {
		if err := s.Create(t.Context(), newRecord("user:1")); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Create: error is %v, want %v", err, syscall.ENOSPC)
		}
		larger := r
		larger.Data = make([]byte, 10_000)
		if err := s.Update(t.Context(), larger); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("Update: error is %v, want %v", err, syscall.ENOSPC)
		}
		intact(t, s, dir, r.ID)
	}
	must(t, os.Remove(filler))
	must(t, s.Update(t.Context(), r))
	create(t, s, "user:1")
}

// TestEndOnAFullDisk guards that visitors can log out although nothing can be written: the core deletes the record
// then.
func TestEndOnAFullDisk(t *testing.T) {
	s, _, fill := smallDisk(t)
	r := create(t, s, "user:1")
	filler := fill()
	for i := 0; os.WriteFile(fmt.Sprintf("%s%d", filler, i), nil, 0o600) == nil; i++ { // a directory needs room too
	}
	ids, err := s.Find(t.Context(), "user:1")
	if err != nil || len(ids) != 1 {
		t.Errorf("Find: %d records (%v), want 1", len(ids), err)
	}
	must(t, s.Delete(t.Context(), r.ID))
	if _, err := s.Load(t.Context(), r.ID); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load: error is %v, want %v", err, session.ErrNotFound)
	}
	for i := range byte(20) { // most of which have no directory yet, nor room for one
		must(t, s.Delete(t.Context(), session.RecordID{i}))
		if ids, err := s.Find(t.Context(), fmt.Sprintf("user:%d", i)); err != nil || len(ids) > 0 {
			t.Errorf("Find: %d records (%v), want none", len(ids), err)
		}
	}
}
