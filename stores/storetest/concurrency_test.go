package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var concurrencyDefects = []defect{
	fault("update checks, then writes", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			old, err := f.Load(ctx, r.ID)
			if err != nil {
				return err
			}
			if old.Version != r.Version {
				return session.ErrConflict
			}
			latency()
			r.Version++
			return f.put(ctx, r)
		}
	}, "ConcurrentUpdates", "UpdateRacesDelete", "MarkerRacesWrites"),
	fault("load reads in two steps", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			first, err := f.Store.Load(ctx, id)
			if err != nil {
				return first, err
			}
			latency()
			r, err := f.Store.Load(ctx, id)
			r.Version = first.Version
			return r, err
		}
	}, "ConcurrentUpdates"),
	fault("data is written in two steps", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			half := r
			half.Data = r.Data[:len(r.Data)/2]
			if err := f.Store.Update(ctx, half); err != nil {
				return err
			}
			latency()
			r.Version++
			return f.put(ctx, r)
		}
	}, "ConcurrentUpdates", "LoadAllDuringWrites", "WalkDuringWrites"),
	fault("load goes back in time", func(f *faulty) {
		var calls atomic.Uint64
		var last ledger[session.Record]
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			if r := last.get(id); r.Version > 0 && calls.Add(1)%2 == 0 {
				return r, nil
			}
			r, err := f.Store.Load(ctx, id)
			if last.get(id).Version == 0 {
				last.set(id, r)
			}
			return r, err
		}
	}, "ConcurrentUpdates"),
	fault("create looks, then writes", func(f *faulty) {
		f.create = func(ctx context.Context, r session.Record) error {
			if _, err := f.Load(ctx, r.ID); err == nil {
				return session.ErrExists
			}
			latency()
			return f.put(ctx, r)
		}
	}, "ConcurrentCreates"),
	fault("nobody wins", func(f *faulty) {
		var creating ledger[bool]
		f.create = func(ctx context.Context, r session.Record) error {
			if creating.get(r.ID) {
				return session.ErrExists
			}
			creating.set(r.ID, true)
			latency()
			return session.ErrExists
		}
	}, "ConcurrentCreates"),
}

var touchDefects = []defect{
	fault("touch writes the whole record", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			r, err := f.Load(ctx, id)
			if err != nil {
				return err
			}
			latency()
			r.Seen, r.Expires = later(r.Seen, seen), later(r.Expires, expires)
			return f.put(ctx, r)
		}
	}, "TouchRacesUpdate", "TouchRacesDelete", "MarkerRacesWrites"),
	fault("touch is an update", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			r, err := f.Load(ctx, id)
			if err != nil {
				return err
			}
			r.Seen, r.Expires = later(r.Seen, seen), later(r.Expires, expires)
			return f.Store.Update(ctx, r)
		}
	}, "TouchExtends", "TouchRacesUpdate"),
	fault("touch makes an update conflict", func(f *faulty) {
		var touches atomic.Uint64
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			touches.Add(1)
			return f.Store.Touch(ctx, id, seen, expires)
		}
		f.update = func(ctx context.Context, r session.Record) error {
			before := touches.Load()
			latency()
			if touches.Load() != before {
				return session.ErrConflict
			}
			return f.Store.Update(ctx, r)
		}
	}, "TouchRacesUpdate"),
	touching("touch sets the clocks back", func(_ session.Record, seen, expires time.Time) (time.Time, time.Time) {
		return seen, expires
	}, "TouchNeverShortens"),
	touching("touch judges both clocks by one", func(r session.Record, seen, expires time.Time) (time.Time, time.Time) {
		if expires.Before(r.Expires) {
			return r.Seen, r.Expires
		}
		return seen, expires
	}, "TouchNeverShortens"),
	touching("touch forgets when", func(r session.Record, _, expires time.Time) (time.Time, time.Time) {
		return r.Seen, later(r.Expires, expires)
	}, "TouchExtends"),
	fault("a touch into the past deletes", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			if _, err := f.Store.Load(ctx, id); err == nil && expires.Before(time.Now()) {
				return f.Store.Delete(ctx, id)
			}
			return f.Store.Touch(ctx, id, seen, expires)
		}
	}, "TouchNeverShortens"),
	fault("touch creates", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			err := f.Store.Touch(ctx, id, seen, expires)
			if errors.Is(err, session.ErrNotFound) {
				return errors.Join(err, f.Store.Create(ctx, session.Record{ID: id, Version: 1, Seen: seen, Expires: expires}))
			}
			return err
		}
	}, "TouchNeverCreates", "TouchRacesDelete"),
	fault("touching nothing is fine", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			_ = f.Store.Touch(ctx, id, seen, expires)
			return nil
		}
	}, "TouchNeverCreates"),
}

// touching is a store that arrives at other times than those it should.
func touching(name string, clocks func(r session.Record, seen, expires time.Time) (time.Time, time.Time),
	fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			r, err := f.Store.Load(ctx, id)
			if err != nil {
				return err
			}
			r.Seen, r.Expires = clocks(r, seen, expires)
			return f.put(ctx, r)
		}
	}, fails...)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
