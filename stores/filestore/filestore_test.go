//go:build unix

package filestore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) session.Store {
		dir := newDir(t)
		return hanging{open(t, dir), dir}
	})
}

// TestStoreShared gives every other call to another Store on the same directory, as two processes would make them.
func TestStoreShared(t *testing.T) {
	storetest.Run(t, func(t *testing.T) session.Store {
		dir := newDir(t)
		return &shared{stores: [2]*filestore.Store{open(t, dir), open(t, dir)}}
	})
}

type shared struct {
	stores [2]*filestore.Store
	calls  atomic.Uint32
}

func (s *shared) next() *filestore.Store { return s.stores[s.calls.Add(1)%2] }

func (s *shared) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	return s.next().Load(ctx, id)
}
func (s *shared) Create(ctx context.Context, r session.Record) error { return s.next().Create(ctx, r) }
func (s *shared) Update(ctx context.Context, r session.Record) error { return s.next().Update(ctx, r) }
func (s *shared) Delete(ctx context.Context, id session.RecordID) error {
	return s.next().Delete(ctx, id)
}

func (s *shared) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	return s.next().Touch(ctx, id, seen, expires)
}

func (s *shared) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	return s.next().Find(ctx, subject)
}

func (s *shared) LoadAll(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
	return s.next().LoadAll(ctx, ids)
}

func (s *shared) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	return s.next().Walk(ctx, cursor, limit)
}

func (s *shared) Sweep(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.next().Sweep(ctx, before, limit)
}

// epoch is when these tests begin. The store has no clock, so theirs need not go.
var epoch = time.UnixMilli(1_700_000_000_000)

// quick is for tests that do not depend on what a power cut leaves.
var quick = filestore.Options{UnsafeNoSync: true}

func newDir(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions") }

func open(t testing.TB, dir string) *filestore.Store {
	t.Helper()
	s, err := filestore.New(dir, quick)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRecord(subject string) session.Record {
	r := session.Record{Version: 1, Data: []byte("values"), Subject: subject, Seen: epoch, Expires: epoch.Add(time.Hour)}
	_, _ = rand.Read(r.ID[:]) // never fails
	return r
}

func create(t testing.TB, s *filestore.Store, subject string) session.Record {
	t.Helper()
	r := newRecord(subject)
	must(t, s.Create(t.Context(), r))
	return r
}

// files returns the paths of everything in the store that match, relative to its directory.
func files(t testing.TB, dir, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	must(t, err)
	return found
}

// fileOf is the only record's file.
func fileOf(t testing.TB, dir string) string {
	t.Helper()
	found := files(t, dir, "sessions/*/*")
	if len(found) != 1 {
		t.Fatalf("the store has %d records, want 1", len(found))
	}
	return found[0]
}

// list returns the records that are found under a subject and are its.
func list(t *testing.T, s *filestore.Store, subject string) (listed []session.Record, err error) {
	t.Helper()
	ids, err := s.Find(t.Context(), subject)
	must(t, err)
	records, err := s.LoadAll(t.Context(), ids)
	for _, r := range records {
		if r.Subject == subject {
			listed = append(listed, r)
		}
	}
	return listed, err
}

// TestSyncedStore runs the operations with every sync that the safe choice makes, and guards that a closed store is an
// outage.
func TestSyncedStore(t *testing.T) {
	s, err := filestore.New(newDir(t), filestore.Options{})
	must(t, err)
	r := create(t, s, "user:1")
	r.Subject = "user:2"
	must(t, s.Update(t.Context(), r))
	listed, err := list(t, s, "user:2")
	if err != nil || len(listed) != 1 {
		t.Errorf("List found %d records (%v), want 1", len(listed), err)
	}
	must(t, s.Delete(t.Context(), r.ID))
	must(t, s.Close())
	if _, err := s.Load(t.Context(), r.ID); err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load from a closed store: error is %v: it must not say that the session is gone", err)
	}
}

// TestManyWritersOneRecord guards that no write is lost or counted twice between goroutines and between Stores.
func TestManyWritersOneRecord(t *testing.T) {
	const writers, writes = 16, 20
	dir := newDir(t)
	first := create(t, open(t, dir), "")
	var seen sync.Map
	var group sync.WaitGroup
	for range writers {
		s := open(t, dir)
		group.Go(func() {
			for done := 0; done < writes && !t.Failed(); {
				r, err := s.Load(t.Context(), first.ID)
				if err == nil {
					err = s.Update(t.Context(), r)
				}
				if err == nil {
					done++
					if _, twice := seen.LoadOrStore(r.Version+1, true); twice {
						t.Errorf("version %d was written twice", r.Version+1)
					}
				} else if !errors.Is(err, session.ErrConflict) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	r, err := open(t, dir).Load(t.Context(), first.ID)
	if want := uint64(1 + writers*writes); err != nil || r.Version != want {
		t.Errorf("version is %d (%v), want %d: one for each write", r.Version, err, want)
	}
}

// TestWaitingEndsWithContext guards that a process which holds a lock for long, stopped in a debugger say, does not
// hold up others' requests beyond their time.
func TestWaitingEndsWithContext(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "")
	held, err := os.Open(filepath.Dir(fileOf(t, dir)))
	must(t, err)
	defer held.Close()
	must(t, syscall.Flock(int(held.Fd()), syscall.LOCK_EX))
	if _, err := s.Load(t.Context(), r.ID); err != nil {
		t.Errorf("Load while the lock is held: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	patient, bounded := make(chan error), make(chan error)
	go func() { patient <- s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Hour)) }()
	for range 2 { // behind the lock of the process, or behind the patient one
		go func() { bounded <- s.Update(ctx, r) }()
	}
	for range 2 {
		if err := <-bounded; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update while the lock is held: error is %v, want %v", err, context.DeadlineExceeded)
		}
	}
	must(t, syscall.Flock(int(held.Fd()), syscall.LOCK_UN))
	must(t, <-patient)
	must(t, s.Update(t.Context(), r))
}

// TestLoadMeetsTouch guards that a reader takes half a touch neither for the whole nor for damage.
func TestLoadMeetsTouch(t *testing.T) {
	dir := newDir(t)
	s := open(t, dir)
	r := create(t, s, "")
	path := fileOf(t, dir)
	whole, err := os.ReadFile(path)
	must(t, err)
	touching, err := os.Open(filepath.Dir(path))
	must(t, err)
	defer touching.Close()
	must(t, syscall.Flock(int(touching.Fd()), syscall.LOCK_EX))
	half := append([]byte{}, whole...)
	half[15]++
	must(t, os.WriteFile(path, half, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Load(ctx, r.ID); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Load of half a touch: error is %v, want that it waits for the other half", err)
	}
	must(t, os.WriteFile(path, whole, 0o600))
	must(t, syscall.Flock(int(touching.Fd()), syscall.LOCK_UN))
	if _, err := s.Load(t.Context(), r.ID); err != nil {
		t.Errorf("Load after the touch: %v", err)
	}
}

// TestFileDescriptors guards that no operation, failed ones included, leaves a file open.
func TestFileDescriptors(t *testing.T) {
	count := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("this system does not tell which files are open")
		}
		return len(open)
	}
	dir := newDir(t)
	before := count()
	s, err := filestore.New(dir, quick)
	must(t, err)
	for range 50 {
		r := create(t, s, "user:1")
		_ = s.Create(t.Context(), r)
		_ = s.Update(t.Context(), r)
		_ = s.Update(t.Context(), r)
		_ = s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Hour))
		must(t, os.WriteFile(fileOf(t, dir), []byte("damaged"), 0o600))
		_, _ = s.Load(t.Context(), r.ID)
		ids, _ := s.Find(t.Context(), r.Subject)
		_, _ = s.LoadAll(t.Context(), ids)
		_, _ = s.Sweep(t.Context(), epoch, 10)
		_ = s.Delete(t.Context(), r.ID)
	}
	must(t, s.Close())
	if after := count(); after != before {
		t.Errorf("%d files are open, want %d as before", after, before)
	}
}
