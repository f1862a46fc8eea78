package storetest

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var touchCases = []testCase{
	{
		name: "TouchExtends",
		why: "a touch keeps an active visitor's session alive; it changes nothing else, so that it never competes with a " +
			"write",
		run: touchExtends,
	},
	{
		name: "TouchNeverShortens",
		why: "touches of several requests and servers arrive in any order, and a late one must not take back what an " +
			"earlier one gave",
		run: touchNeverShortens,
	},
	{
		name: "TouchNeverCreates",
		why:  "a page that only reads must not bring back a session that has just been ended",
		run: func(t *trial) {
			s := t.toucher()
			r := newRecord("values")
			for range 2 {
				t.want("Touch of an absent record", s.Touch(t.ctx, r.ID, r.Seen, r.Expires.Add(time.Hour)), session.ErrNotFound)
				t.absent(r.ID)
				t.create(r)
				t.delete(r.ID)
			}
		},
	},
	{
		name: "TouchRacesUpdate",
		why:  "a touch is no change: the request that saves meanwhile neither loses what it saved nor hears of a conflict",
		run:  touchRacesUpdate,
	},
	{
		name: "TouchRacesDelete",
		why:  "a page that only reads must not bring back a session that is being ended at that moment",
		run: func(t *trial) {
			s := t.toucher()
			for range 50 {
				r := newRecord("values")
				t.raceDelete(r, func(n uint64) error {
					return s.Touch(t.ctx, r.ID, r.Seen, r.Expires.Add(time.Duration(n)*time.Second))
				})
			}
		},
	},
}

func (t *trial) findToucher() (session.Toucher, bool) {
	s, ok := t.store.(session.Toucher)
	return s, ok && !errors.Is(s.Touch(t.ctx, newID(), now(), now()), errors.ErrUnsupported)
}

func (t *trial) toucher() session.Toucher {
	t.Helper()
	s, ok := t.findToucher()
	if !ok {
		t.Skip("the store has no Touch; the core will use Update instead")
	}
	return s
}

func touchExtends(t *trial) {
	s := t.toucher()
	r, other := newRecordOf(newSubject(), "values"), newRecord("others")
	t.create(r, other)
	for i := range 3 {
		if i == 1 {
			r = t.update(r)
		}
		r.Seen, r.Expires = r.Seen.Add(61001*time.Millisecond), r.Expires.Add(45*24*time.Hour+time.Millisecond)
		t.want("Touch", s.Touch(t.ctx, r.ID, r.Seen, r.Expires), nil)
		t.holds(r, other)
	}
	r.Data = []byte("written after a touch, with the version from before it")
	t.holds(t.update(r))
	t.delete(r.ID)
}

func touchNeverShortens(t *trial) {
	s := t.toucher()
	r := newRecord("values")
	t.create(r)
	touch := func(seen, expires time.Time) {
		t.Helper()
		t.want("Touch", s.Touch(t.ctx, r.ID, seen, expires), nil)
		t.holds(r)
	}
	seen, expires := r.Seen, r.Expires
	touch(seen, expires)
	touch(seen.Add(-time.Minute), expires.Add(-time.Millisecond))
	touch(seen.Add(-time.Millisecond), seen.Add(-time.Hour))
	touch(time.UnixMilli(0), time.UnixMilli(0))
	r.Expires = expires.Add(time.Hour) // each clock for itself
	touch(seen.Add(-time.Minute), r.Expires)
	r.Seen = seen.Add(time.Minute)
	touch(r.Seen, expires)
}

// touchRacesUpdate goes on until enough of both has happened at once.
func touchRacesUpdate(t *trial) {
	s := t.toucher()
	r := newRecord("")
	r.Data = tally(0)
	t.create(r)
	var touches atomic.Int64
	touch := func() error {
		further := time.Duration(touches.Add(1)) * time.Second
		if err := s.Touch(t.ctx, r.ID, r.Seen.Add(further), r.Expires.Add(further)); err != nil {
			return fmt.Errorf("touch during updates: %w", err)
		}
		return nil
	}
	var updates uint64
	t.contend(touch, func() error {
		for ; updates < 100 || touches.Load() < 20 && !t.Failed(); updates++ {
			next := r
			next.Version, next.Data = 1+updates, tally(1+updates)
			if err := t.store.Update(t.ctx, next); err != nil {
				return fmt.Errorf("update during touches, with the right version: %w", err)
			}
		}
		return nil
	})
	if last, err := countOf(t.load(r.ID)); err != nil || last != updates {
		t.Fatalf("after touches and %d updates the record holds write %d (%v)", updates, last, err)
	}
}
