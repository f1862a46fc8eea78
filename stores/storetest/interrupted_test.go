package storetest

import (
	"bytes"
	"context"

	session "github.com/coatcheck/coatcheck/core"
)

var interruptedDefects = []defect{
	fault("an update that is there already is fine", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			if now, err := f.Load(ctx, r.ID); err == nil && now.Version == r.Version+1 && bytes.Equal(now.Data, r.Data) {
				return nil
			}
			return f.Store.Update(ctx, r)
		}
	}, "RepeatedWrites"),
	fault("a create that is there already is fine", func(f *faulty) {
		f.create = func(ctx context.Context, r session.Record) error {
			if now, err := f.Load(ctx, r.ID); err == nil && bytes.Equal(now.Data, r.Data) {
				return nil
			}
			return f.Store.Create(ctx, r)
		}
	}, "RepeatedWrites"),
	fault("an abandoned update leaves a half", func(f *faulty) {
		f.update = func(ctx context.Context, r session.Record) error {
			half := r
			half.Data = r.Data[:len(r.Data)/2]
			if err := f.Store.Update(ctx, half); err != nil {
				return err
			}
			latency()
			if err := ctx.Err(); err != nil {
				return err
			}
			r.Version++
			return f.put(ctx, r)
		}
	}, "AbandonedUpdates"),
	fault("an abandoned create is not listed", func(f *faulty) {
		var listed ledger[bool]
		f.create = func(ctx context.Context, r session.Record) error {
			if err := f.Store.Create(ctx, r); err != nil {
				return err
			}
			latency()
			if err := ctx.Err(); err != nil {
				return err
			}
			listed.set(r.ID, true)
			return nil
		}
		f.find = func(ctx context.Context, subject string) (found []session.RecordID, err error) {
			ids, err := f.Store.Find(ctx, subject)
			for _, id := range ids {
				if listed.get(id) {
					found = append(found, id)
				}
			}
			return found, err
		}
	}, "AbandonedCreates"),
}
