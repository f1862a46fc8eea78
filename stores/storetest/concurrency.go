package storetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"

	session "github.com/coatcheck/coatcheck/core"
)

var concurrencyCases = []testCase{
	{
		name: "ConcurrentUpdates",
		why: "a visitor's browser sends many requests at once: none of their changes may be lost, and none may read half " +
			"of another's write",
		run: concurrentUpdates,
	},
	{
		name: "ConcurrentCreates",
		why:  "when several callers create one id, a single one may believe that the record is its own",
		run: func(t *trial) {
			for range 10 {
				t.concurrentCreates()
			}
		},
	},
	{
		name: "UpdateRacesDelete",
		why:  "whoever deletes a session must be able to rely on it being gone, whatever was being saved at that moment",
		run: func(t *trial) {
			for range 50 {
				r := newRecord("values")
				t.raceDelete(r, func(n uint64) error {
					next := r
					next.Version += n
					return t.store.Update(t.ctx, next)
				})
			}
		},
	},
}

// contend runs the tasks all at once and, beside them, watch over and over until they are done. They return errors,
// because only the test's own goroutine may end the test.
func (t *trial) contend(watch func() error, tasks ...func() error) {
	t.Helper()
	var working, watching sync.WaitGroup
	var over atomic.Bool
	begin := make(chan struct{})
	for range 2 {
		watching.Go(func() {
			<-begin
			for err := error(nil); watch != nil && err == nil && !over.Load(); {
				err = t.report(watch())
			}
		})
	}
	for _, task := range tasks {
		working.Go(func() {
			<-begin
			_ = t.report(task())
		})
	}
	close(begin)
	working.Wait()
	over.Store(true)
	watching.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

func (t *trial) report(err error) error {
	if err != nil {
		t.Error(err)
	}
	return err
}

// change loads a record and writes what edit makes of it, again and again until no other write gets between.
func (t *trial) change(id session.RecordID, edit func(r *session.Record) error) error {
	for {
		r, err := t.store.Load(t.ctx, id)
		if err != nil {
			return fmt.Errorf("load during other writes: %w", err)
		}
		if err := edit(&r); err != nil {
			return err
		}
		switch err = t.store.Update(t.ctx, r); {
		case err == nil:
			return nil
		case t.ctx.Err() != nil || !errors.Is(err, session.ErrConflict):
			return fmt.Errorf("update during other writes: %w", err)
		}
	}
}

func concurrentUpdates(t *trial) {
	const writers, increments = 8, 25
	r := newRecord("")
	r.Data = tally(0)
	t.create(r)
	write := func() error {
		for range increments {
			if err := t.change(r.ID, increment); err != nil {
				return err
			}
		}
		return nil
	}
	tasks := make([]func() error, writers)
	for i := range tasks {
		tasks[i] = write
	}
	t.contend(t.wholeRecords(r.ID), tasks...)
	r.Version, r.Data = 1+writers*increments, tally(writers*increments)
	t.holds(r)
}

func increment(r *session.Record) error {
	n, err := countOf(*r)
	r.Data = tally(n + 1)
	return err
}

// wholeRecords is a reader that never sees a record go back in time or in parts.
func (t *trial) wholeRecords(id session.RecordID) func() error {
	var highest atomic.Uint64
	return func() error {
		least := highest.Load()
		r, err := t.store.Load(t.ctx, id)
		if err != nil {
			return fmt.Errorf("load during other writes: %w", err)
		}
		if _, err := countOf(r); err != nil {
			return err
		}
		if r.Version < least {
			return fmt.Errorf("version %d was loaded after version %d", r.Version, least)
		}
		highest.CompareAndSwap(least, r.Version)
		return nil
	}
}

// tally is data that holds a number, differs in length from its neighbours and carries a checksum.
func tally(n uint64) []byte {
	data := binary.BigEndian.AppendUint64(nil, n)
	for i := range n * 61 % 1024 {
		data = append(data, byte(n+i))
	}
	return binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(data))
}

// countOf reads a tally. The record was created as number 0 with version 1.
func countOf(r session.Record) (uint64, error) {
	end := len(r.Data) - 4
	if end < 8 || crc32.ChecksumIEEE(r.Data[:end]) != binary.BigEndian.Uint32(r.Data[end:]) {
		return 0, fmt.Errorf("load during other writes: version %d holds parts of several writes", r.Version)
	}
	n := binary.BigEndian.Uint64(r.Data)
	if r.Version != n+1 {
		return 0, fmt.Errorf("load during other writes: version is %d on the data of write %d", r.Version, n)
	}
	return n, nil
}

func (t *trial) concurrentCreates() {
	t.Helper()
	id := newID()
	var won atomic.Pointer[session.Record]
	tasks := make([]func() error, 16)
	for i := range tasks {
		r := newRecord(fmt.Sprintf("creator %d", i))
		r.ID = id
		tasks[i] = func() error {
			err := t.store.Create(t.ctx, r)
			switch {
			case err == nil && !won.CompareAndSwap(nil, &r):
				return errors.New("several concurrent Creates of one id succeeded")
			case err != nil && !errors.Is(err, session.ErrExists):
				return fmt.Errorf("concurrent Create: error is %w, want none or %w", err, session.ErrExists)
			}
			return nil
		}
	}
	t.contend(nil, tasks...)
	if won.Load() == nil {
		t.Fatal("none of several concurrent Creates of one id succeeded")
	}
	t.holds(*won.Load())
}

// raceDelete writes a record again and again while it is deleted, and once more when it is.
func (t *trial) raceDelete(r session.Record, write func(n uint64) error) {
	t.Helper()
	t.create(r)
	var deleted atomic.Bool
	begun := make(chan struct{})
	t.contend(nil,
		func() error {
			<-begun
			defer deleted.Store(true)
			return t.store.Delete(t.ctx, r.ID)
		},
		func() error {
			begin := sync.OnceFunc(func() { close(begun) })
			for n, last := uint64(0), false; !last; n++ {
				last = deleted.Load()
				err := write(n)
				begin()
				if err != nil && !errors.Is(err, session.ErrNotFound) {
					return fmt.Errorf("write racing a delete: error is %w, want none or %w", err, session.ErrNotFound)
				}
			}
			return nil
		},
	)
	t.absent(r.ID)
}
