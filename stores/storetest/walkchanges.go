package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// crowd are records that others work on during a walk.
type crowd struct {
	*trial
	stays map[session.RecordID]session.Record
	goes  map[session.RecordID]bool
	seen  map[session.RecordID]bool
}

func newCrowd(t *trial) *crowd {
	c := &crowd{t, map[session.RecordID]session.Record{}, map[session.RecordID]bool{}, map[session.RecordID]bool{}}
	for i := range 30 {
		stays, goes := newRecordOf(newSubject(), fmt.Sprintf("stays %d", i)), newRecord("goes")
		c.stays[stays.ID], c.goes[goes.ID] = stays, true
		t.create(stays, goes)
	}
	return c
}

// change does to the store what moves records for stores that walk by anything but the id. Of those on the page some
// go, as many come, and the others are saved with a later end; some that are still to come are saved with an earlier
// one.
func (c *crowd) change(page []session.Record) {
	c.Helper()
	for _, r := range page {
		if stays, ok := c.stays[r.ID]; ok && !c.seen[r.ID] {
			c.save(stays, time.Minute)
		}
		c.seen[r.ID] = true
		if c.goes[r.ID] {
			c.delete(r.ID)
			c.create(newRecord("came"))
		}
	}
	for id, r := range c.stays {
		if !c.seen[id] {
			c.save(r, -time.Minute)
			break
		}
	}
}

func (c *crowd) save(r session.Record, longer time.Duration) {
	c.Helper()
	r.Subject, r.Handle, r.Expires = newSubject(), "another", r.Expires.Add(longer)
	c.stays[r.ID] = c.update(r)
}

func walkDuringChanges(t *trial) {
	s := t.walker()
	t.rounds(func() error {
		c, w := newCrowd(t), newTour(s, 20)
		w.to(t, "", c.change)
		for id, r := range c.stays {
			if _, ok := w.records[id]; !ok {
				t.Fatalf("Walk: record %s (data %.40q) is missing, and was there all the time", id, r.Data)
			}
		}
		return w.twice
	})
}

// walkDuringWrites walks again and again while others save, extend, create and delete.
func walkDuringWrites(t *trial) {
	const writers, writes = 2, 25
	s := t.walker()
	var stays []session.Record
	for range 10 {
		r := newRecord("")
		r.Data = tally(0)
		stays = append(stays, r)
	}
	t.create(stays...)
	var working sync.WaitGroup
	working.Add(writers)
	var over atomic.Bool
	tasks := []func() error{
		func() error { working.Wait(); over.Store(true); return nil },
		func() error { return t.walkUntil(&over, s, stays) },
	}
	for writer := range writers {
		tasks = append(tasks, func() (err error) {
			defer working.Done()
			for i := writer; i < writer+writes && err == nil; i++ {
				err = t.work(stays[i%len(stays)], stays[(i+1)%len(stays)])
			}
			return err
		})
	}
	t.contend(nil, tasks...)
}

// work is what visitors do beside a walk.
func (t *trial) work(saved, touched session.Record) error {
	added := newRecord("comes and goes")
	return errors.Join(t.change(saved.ID, increment), t.touchAny(touched),
		t.store.Create(t.ctx, added), t.store.Delete(t.ctx, added.ID))
}

func (t *trial) walkUntil(over *atomic.Bool, s session.Walker, stays []session.Record) error {
	inARow := 0
	return t.until(over, func() error {
		twice, err := t.wholeWalk(s, stays)
		if inARow++; twice == nil {
			inARow = 0
		}
		if inARow == maxRounds {
			return twice
		}
		return err
	})()
}

// touchAny extends a record if the store can.
func (t *trial) touchAny(r session.Record) error {
	s, ok := t.store.(session.Toucher)
	if !ok {
		return nil
	}
	if err := s.Touch(t.ctx, r.ID, r.Seen, now().Add(time.Hour)); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// wholeWalk walks and checks that these records, which are tallies, are there and whole.
func (t *trial) wholeWalk(s session.Walker, stays []session.Record) (twice, err error) {
	w := newTour(s, 50)
	for cursor, first := "", true; first || cursor != ""; first = false {
		if _, cursor, err = w.page(t, cursor); err != nil {
			return nil, err
		}
	}
	for _, r := range stays {
		got, ok := w.records[r.ID]
		if !ok {
			return nil, fmt.Errorf("walk during writes: record %s is missing, and was there all the time", r.ID)
		}
		if _, err := countOf(got); err != nil {
			return nil, err
		}
	}
	return w.twice, nil
}
