//go:build unix

package filestore_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
)

func sweep(t testing.TB, s *filestore.Store, before time.Time, limit int) int {
	t.Helper()
	n, err := s.Sweep(t.Context(), before, limit)
	must(t, err)
	return n
}

// TestSweepRemovesLeftovers guards that processes which are killed do not fill the disk.
func TestSweepRemovesLeftovers(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "user:here and alive")
	temporary := filepath.Join(filepath.Dir(fileOf(t, dir)), "tmp")
	must(t, os.WriteFile(temporary, []byte("coatchk\x01half a rec"), 0o600))

	// What a process leaves that is killed before it writes the record of a login, and before it removes the last entry.
	gone := create(t, s, "user:gone")
	for _, path := range files(t, dir, "sessions/*/*") {
		if info, err := os.Stat(path); err == nil && info.Size() == int64(80+len("user:gone")+len(gone.Data)) {
			must(t, os.Remove(path))
		}
	}
	empty := create(t, s, "user:empty")
	entry := files(t, dir, "subjects/*/*/*")
	must(t, s.Delete(t.Context(), empty.ID))
	for _, path := range entry {
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	}

	for range 256 { // one call checks a 256th of the index
		if n := sweep(t, s, epoch, 10); n != 0 {
			t.Errorf("Sweep counted %d records, want 0: leftovers are none", n)
		}
	}
	if _, err := os.Stat(temporary); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there (%v)", err)
	}
	if n := len(files(t, dir, "subjects/*/*")); n != 1 {
		t.Errorf("%d subjects are in the index, want 1", n)
	}
	listed, err := list(t, s, r.Subject)
	if err != nil || len(listed) != 1 {
		t.Errorf("List found %d records (%v), want the one that lives", len(listed), err)
	}
}

// TestSweepLeavesWriters guards that a temporary file is only removed when nobody is writing it.
func TestSweepLeavesWriters(t *testing.T) {
	dir := newDir(t)
	s, other := open(t, dir), open(t, dir)
	r := create(t, s, "")
	r.Expires = epoch.Add(-time.Hour) // so that the file looks old before it has its name
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 300 {
			if err := s.Update(t.Context(), r); err != nil && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Update during sweeps: %v", err)
				return
			}
			r.Version++
		}
	}()
	for over := false; !over; {
		select {
		case <-done:
			over = true
		default:
			sweep(t, other, epoch.Add(-2*time.Hour), 10)
		}
	}
}

// TestSweepTrustsContent: a copied or restored directory has other modification times, which may neither end a
// session nor keep one for ever.
func TestSweepTrustsContent(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "")
	must(t, os.Chtimes(fileOf(t, dir), epoch, epoch.Add(-time.Hour)))
	if n := sweep(t, s, epoch, 10); n != 0 {
		t.Errorf("Sweep removed %d records that live", n)
	}
	info, err := os.Stat(fileOf(t, dir))
	must(t, err)
	if !info.ModTime().Equal(r.Expires) {
		t.Errorf("the modification time is %v, want the expiry: else each sweep reads the file", info.ModTime())
	}
	if n := sweep(t, s, r.Expires, 10); n != 1 {
		t.Errorf("Sweep removed %d, want 1", n)
	}
}

// TestSweepReadsOnlyWhatIsDue lays traps: files that would be errors if they were read.
func TestSweepReadsOnlyWhatIsDue(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	for range 100 {
		create(t, s, "")
	}
	for _, path := range files(t, dir, "sessions/*/*") {
		must(t, os.Remove(path))
		must(t, os.Mkdir(path, 0o700))
		must(t, os.Chtimes(path, epoch, epoch.Add(time.Hour)))
	}
	if n := sweep(t, s, epoch.Add(time.Hour-1), 10); n != 0 {
		t.Errorf("Sweep removed %d, want 0", n)
	}
	if _, err := s.Sweep(t.Context(), epoch.Add(time.Hour), 10); err == nil {
		t.Error("the traps do not work")
	}
}

// TestSweepPassesObstacles guards that one file that cannot be swept does not keep all others on the disk.
func TestSweepPassesObstacles(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "")
	obstacle := fileOf(t, dir)
	must(t, os.Remove(obstacle))
	must(t, os.MkdirAll(filepath.Join(obstacle, "inner"), 0o700))
	must(t, os.Chtimes(obstacle, epoch, epoch))
	for range 30 {
		create(t, s, "")
	}
	n, err := s.Sweep(t.Context(), epoch.Add(time.Hour), 100)
	if n != 30 || err == nil {
		t.Errorf("Sweep removed %d (%v), want 30 and an error", n, err)
	}
}

// TestSweepKeepsDamagedForADay guards that the operator can look at what is damaged, and that it does not stay for
// ever.
func TestSweepKeepsDamagedForADay(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	create(t, s, "")
	must(t, os.Truncate(fileOf(t, dir), 40))
	must(t, os.Chtimes(fileOf(t, dir), epoch, epoch))
	sweep(t, s, epoch.Add(24*time.Hour-1), 10)
	fileOf(t, dir)
	if n := sweep(t, s, epoch.Add(24*time.Hour), 10); n != 0 {
		t.Errorf("Sweep counted %d records, want 0", n)
	}
	if n := len(files(t, dir, "sessions/*/*")); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

// TestSweepBatches guards that a backlog is worked off in batches although each call begins where the last one stopped.
func TestSweepBatches(t *testing.T) {
	s := open(t, newDir(t))
	const due = 100
	for range due {
		create(t, s, "")
	}
	for left := due; left > 0; left -= 7 {
		if n := sweep(t, s, epoch.Add(time.Hour), 7); n != min(left, 7) {
			t.Fatalf("a batch with %d left removed %d", left, n)
		}
	}
	create(t, s, "") // perhaps behind where the last batch stopped
	if n := sweep(t, s, epoch.Add(time.Hour), 7); n != 1 {
		t.Errorf("Sweep removed %d, want 1", n)
	}
}
