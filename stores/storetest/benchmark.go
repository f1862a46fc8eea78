package storetest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Benchmark measures a store's calls, one after the other, on records of 300 bytes: what an application pays for a
// request, besides its own work. The names fit benchstat: BenchmarkStore/op=load.
func Benchmark(b *testing.B, newStore func(b *testing.B) session.Store) {
	b.Helper()
	for _, op := range operations {
		b.Run("op="+op.name, func(b *testing.B) {
			store := newStore(b)
			r := newRecordOf(newSubject(), "")
			r.Data = bytes.Repeat([]byte{'v'}, 300)
			if err := store.Create(b.Context(), r); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := op.run(b, store, &r); errors.Is(err, errors.ErrUnsupported) {
					b.Skip("the store cannot do it")
				} else if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// operations do one thing to r, and leave it as they found it or note in it what they changed.
var operations = []struct {
	name string
	run  func(b *testing.B, s session.Store, r *session.Record) error
}{
	{"load", func(b *testing.B, s session.Store, r *session.Record) error {
		_, err := s.Load(b.Context(), r.ID)
		return err
	}},
	{"update", func(b *testing.B, s session.Store, r *session.Record) error {
		err := s.Update(b.Context(), *r)
		r.Version++
		return err
	}},
	{"touch", func(b *testing.B, s session.Store, r *session.Record) error {
		t, ok := s.(session.Toucher)
		if !ok {
			return errors.ErrUnsupported
		}
		r.Seen, r.Expires = r.Seen.Add(time.Millisecond), r.Expires.Add(time.Millisecond)
		return t.Touch(b.Context(), r.ID, r.Seen, r.Expires)
	}},
	{"create-delete", func(b *testing.B, s session.Store, r *session.Record) error {
		fresh := *r
		fresh.ID, fresh.Version = newID(), 1
		return errors.Join(s.Create(b.Context(), fresh), s.Delete(b.Context(), fresh.ID))
	}},
	{"list", func(b *testing.B, s session.Store, r *session.Record) error {
		i, ok := s.(session.Indexer)
		if !ok {
			return errors.ErrUnsupported
		}
		ids, err := i.Find(b.Context(), r.Subject)
		if err == nil {
			_, err = i.LoadAll(b.Context(), ids)
		}
		return err
	}},
}

// BenchmarkSize measures what a store takes for a session of 300 bytes, of nobody and of a subject with this session
// alone. For each of the two it calls open, which returns an empty store and a function that tells how many bytes it
// takes at the moment, creates that many sessions, several at a time, and reports the growth for each as a metric. Run
// it with -benchtime 1x.
func BenchmarkSize(b *testing.B, sessions int, open func(b *testing.B) (store session.Store, used func() int64)) {
	b.Helper()
	for _, subjects := range []bool{false, true} {
		b.Run(fmt.Sprintf("subject=%t", subjects), func(b *testing.B) {
			store, used := open(b)
			before := used()
			for b.Loop() {
				fill(b, store, sessions, subjects)
			}
			b.ReportMetric(float64(used()-before)/float64(sessions*b.N), "B/session")
		})
	}
}

func fill(b *testing.B, store session.Store, sessions int, subjects bool) {
	b.Helper()
	const callers = 8
	var working sync.WaitGroup
	for caller := range callers {
		working.Go(func() {
			for i := caller; i < sessions; i += callers {
				r := newRecord("")
				r.Data = make([]byte, 300)
				_, _ = rand.Read(r.Data) // never fails; nothing to compress
				r.Expires = r.Expires.Add(time.Duration(i) * time.Millisecond)
				if subjects {
					r.Subject = fmt.Sprintf("user:%08d", i)
				}
				if err := store.Create(b.Context(), r); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
}
