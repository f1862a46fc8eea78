package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/coatcheck/coatcheck/stores/filestore"
)

// TestDiskFull guards that a full disk is an error and not a session that is silently lost, and that the store works
// again once there is room. It needs the right to mount a small file system.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no file system can be mounted here (%v); TestWriteFails tests refused writes too", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	dir := filepath.Join(disk, "sessions")
	s, err := filestore.New(dir, filestore.Options{})
	must(t, err)
	defer s.Close()
	r := create(t, s, "")
	filler := filepath.Join(disk, "filler")
	if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: error is %v, want %v", err, syscall.ENOSPC)
	}
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
