package memstore_test

import (
	"crypto/rand"
	"runtime"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) session.Store { return held{memstore.New()} })
}

// held is a store whose locks a test can hold.
type held struct{ *memstore.Store }

func (h held) Block(*testing.T) (release func()) { return h.Hold() }

// epoch is when these tests begin. The store has no clock, so theirs need not go.
var epoch = time.UnixMilli(1_700_000_000_000)

func create(t *testing.T, s *memstore.Store, data []byte, expires time.Time) session.Record {
	t.Helper()
	r := session.Record{Version: 1, Data: data, Seen: epoch, Expires: expires}
	_, _ = rand.Read(r.ID[:]) // never fails
	if err := s.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

func sweep(t *testing.T, s *memstore.Store, before time.Time, limit int) int {
	t.Helper()
	n, err := s.Sweep(t.Context(), before, limit)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMemoryPerSession takes numbers on both sides of the points where maps and queues grow.
func TestMemoryPerSession(t *testing.T) {
	const allowed = 250
	data := make([]byte, 100)
	for _, sessions := range []int{80_000, 100_000, 120_000} {
		before := heap()
		s := memstore.New()
		for range sessions {
			create(t, s, slices.Clone(data), epoch.Add(30*time.Minute)) // which the store keeps as it is
		}
		per := int(heap()-before)/sessions - len(data)
		if per > allowed {
			t.Errorf("%d sessions take their payload and %d bytes each, want at most %d", sessions, per, allowed)
		}
		t.Logf("%d sessions: payload and %d bytes each", sessions, per)
		runtime.KeepAlive(s)
	}
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what the first one found
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestSweepLooksAtWhatIsDue lays traps: a sweep that looks at a record before its time panics.
func TestSweepLooksAtWhatIsDue(t *testing.T) {
	s := memstore.New()
	for i := range 5000 {
		r := create(t, s, nil, epoch.Add(time.Hour+time.Duration(i)*time.Millisecond))
		s.Spoil(r.ID)
		create(t, s, nil, epoch.Add(time.Duration(i)*time.Millisecond))
	}
	if n := sweep(t, s, epoch.Add(999*time.Millisecond), 5000); n != 1000 {
		t.Errorf("the sweep after one second removed %d, want 1000", n)
	}
	if n := sweep(t, s, epoch.Add(time.Hour-time.Millisecond), 5000); n != 4000 {
		t.Errorf("the sweep before the hour removed %d, want 4000", n)
	}
	defer func() {
		if recover() == nil {
			t.Error("the traps do not work")
		}
	}()
	sweep(t, s, epoch.Add(time.Hour), 1)
}

func TestSweepGoesOnUntilNoneIsLeft(t *testing.T) {
	s := memstore.New()
	const due = 70_000 // more than a shard gives up in one hold
	for range due {
		create(t, s, nil, epoch)
	}
	if n := sweep(t, s, epoch, due+1); n != due {
		t.Errorf("removed %d, want %d", n, due)
	}
	if n := s.Notes(); n != 0 {
		t.Errorf("%d notes are left", n)
	}
}

// TestOneNotePerRecord: a session that is used for days must not fill the queue.
func TestOneNotePerRecord(t *testing.T) {
	s := memstore.New()
	r := create(t, s, nil, epoch)
	for range 1000 {
		r.Expires = r.Expires.Add(time.Minute)
		if err := s.Touch(t.Context(), r.ID, r.Seen, r.Expires); err != nil {
			t.Fatal(err)
		}
		r.Expires = r.Expires.Add(time.Minute)
		if err := s.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r.Version++
		sweep(t, s, r.Expires.Add(-time.Second), 10)
	}
	if n := s.Notes(); n != 1 {
		t.Errorf("%d notes for one record, want 1", n)
	}
	if n := sweep(t, s, r.Expires, 10); n != 1 {
		t.Errorf("removed %d, want 1", n)
	}
}

func TestDeletedRecordsDoNotLeaveTheirNotes(t *testing.T) {
	s := memstore.New()
	kept := create(t, s, nil, epoch.Add(time.Hour))
	for range 200_000 {
		r := create(t, s, nil, epoch.Add(time.Hour))
		if err := s.Delete(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Notes(); n > 70_000 {
		t.Errorf("%d notes for one record: what was deleted takes room until it would have expired", n)
	}
	if n := sweep(t, s, kept.Expires, 10); n != 1 {
		t.Errorf("removed %d, want 1: the note of a record that lives was dropped", n)
	}
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(*testing.B) session.Store { return memstore.New() })
}

func BenchmarkSize(b *testing.B) {
	storetest.BenchmarkSize(b, 100_000, func(*testing.B) (session.Store, func() int64) {
		s := memstore.New()
		return s, func() int64 {
			used := heap()
			runtime.KeepAlive(s)
			return int64(used)
		}
	})
}
