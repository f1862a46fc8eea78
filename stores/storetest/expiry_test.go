package storetest

import (
	"context"
	"errors"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var expiryDefects = []defect{
	fault("more than 30 days is a date in 1970", func(f *faulty) {
		f.load = hiding(f, func(expires time.Time) bool { return time.Until(expires) > 30*24*time.Hour })
	}, "ExpiresFarAway", "TouchExtends"),
	fault("seconds have 31 bits", func(f *faulty) {
		f.load = hiding(f, func(expires time.Time) bool { return expires.Unix() != int64(int32(expires.Unix())) })
	}, "ExpiresFarAway"),
	fault("seconds have 32 bits", func(f *faulty) {
		f.load = hiding(f, func(expires time.Time) bool { return expires.Unix() != int64(uint32(expires.Unix())) })
	}, "ExpiresFarAway"),
	fault("what was to live for months cannot be shortened", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			old, err := f.Store.Load(ctx, r.ID)
			if err == nil && old.Expires.Sub(old.Seen) > 30*24*time.Hour {
				r.Expires = slices.MaxFunc([]time.Time{old.Expires, r.Expires}, time.Time.Compare)
			}
			return f.Store.Update(ctx, r)
		}
	}, "LifetimeChanges"),
	fault("lifetimes are whole seconds", func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) {
			if time.Until(r.Expires)/time.Second == 0 {
				return r, errors.New("ERR invalid expire time")
			}
			return r, nil
		})
	}, "ExpiresSoon", "ExpiredRecord"),
	fault("microseconds are refused", func(f *faulty) {
		f.replacing(func(r session.Record) (session.Record, error) {
			if r.Seen.Nanosecond()%1e6 != 0 {
				return r, errors.New("too precise")
			}
			return r, nil
		})
	}, "TimesFinerThanMilliseconds"),
	fault("expiry is an error", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			r, err := f.Store.Load(ctx, id)
			if err == nil && time.Now().After(r.Expires) {
				err = errors.New("expired")
			}
			return r, err
		}
	}, "ExpiredRecord"),
	fault("an expired record conflicts", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if old, err := f.Store.Load(ctx, r.ID); err == nil && time.Now().After(old.Expires) {
				return session.ErrConflict
			}
			return f.Store.Update(ctx, r)
		}
	}, "ExpiredRecord"),
	fault("a write that has expired is left out", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if !time.Now().Before(r.Expires) {
				return nil
			}
			return f.Store.Update(ctx, r)
		}
	}, "UpdateIntoThePast"),
}

// hiding is a load that does not find what expires at certain times.
func hiding(
	f *faulty, gone func(expires time.Time) bool,
) func(context.Context, session.RecordID) (session.Record, error) {
	return func(ctx context.Context, id session.RecordID) (session.Record, error) {
		r, err := f.Store.Load(ctx, id)
		if err == nil && gone(r.Expires) {
			err = session.ErrNotFound
		}
		return r, err
	}
}

var contextDefects = []defect{
	fault("the context is ignored", func(f *faulty) { regardless(f, func(context.Context) error { return nil }) },
		"CancelledContext", "CancelledTouch", "CancelledLoadAll", "CancelledWalk", "CancelledSweep"),
	fault("the context is looked at too late", func(f *faulty) { regardless(f, context.Context.Err) },
		"CancelledContext", "CancelledTouch", "CancelledSweep"),
	fault("the context's error is replaced", func(f *faulty) {
		f.load = func(ctx context.Context, id session.RecordID) (session.Record, error) {
			if ctx.Err() != nil {
				return session.Record{}, errors.New("i/o timeout")
			}
			return f.Store.Load(ctx, id)
		}
	}, "CancelledContext"),
	fault("an ended context blocks", func(f *faulty) {
		f.find = func(ctx context.Context, subject string) ([]session.RecordID, error) {
			if ctx.Err() != nil {
				select {}
			}
			return f.Store.Find(ctx, subject)
		}
	}, "CancelledFind"),
	waiting("an update waits for the writer's lock", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			f.writer.Lock()
			defer f.writer.Unlock()
			return f.Store.Update(ctx, r)
		}
	}),
	waiting("a search waits for the writer's lock", func(f *faulty) {
		f.find = func(ctx context.Context, subject string) ([]session.RecordID, error) {
			f.writer.Lock()
			defer f.writer.Unlock()
			return f.Store.Find(ctx, subject)
		}
	}),
	waiting("a blocked touch is an error of its own", func(f *faulty) {
		f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
			if !f.writer.TryLock() {
				return errors.New("database is locked")
			}
			defer f.writer.Unlock()
			return f.Store.Touch(ctx, id, seen, expires)
		}
	}),
}

// waiting makes a defect of a method that waits for the writer's lock whatever its context says.
func waiting(name string, damage func(f *faulty)) defect {
	return fault(name, damage, "BlockedBackEnd")
}

// regardless makes a store finish what it was asked for and judge the context afterwards.
func regardless(f *faulty, judge func(ctx context.Context) error) {
	on := context.WithoutCancel
	f.create = func(ctx context.Context, r session.Record) error {
		return errors.Join(f.Store.Create(on(ctx), r), judge(ctx))
	}
	f.update = func(ctx context.Context, r session.Record) error {
		return errors.Join(f.Store.Update(on(ctx), r), judge(ctx))
	}
	f.delete = func(ctx context.Context, id session.RecordID) error {
		return errors.Join(f.Store.Delete(on(ctx), id), judge(ctx))
	}
	f.touch = func(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
		return errors.Join(f.Store.Touch(on(ctx), id, seen, expires), judge(ctx))
	}
	f.all = func(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
		records, err := f.Store.LoadAll(on(ctx), ids)
		return records, errors.Join(err, judge(ctx))
	}
	f.walk = func(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
		page, next, err := f.Store.Walk(on(ctx), cursor, limit)
		return page, next, errors.Join(err, judge(ctx))
	}
	f.sweep = func(ctx context.Context, before time.Time, limit int) (int, error) {
		n, err := f.Store.Sweep(on(ctx), before, limit)
		return n, errors.Join(err, judge(ctx))
	}
}
