package storetest

import (
	"context"

	session "github.com/coatcheck/coatcheck/core"
)

var watchDefects = []defect{
	fault("records are served from a cache for ever", func(f *faulty) {
		var cache ledger[*session.Record]
		f.all = func(ctx context.Context, ids []session.RecordID) (records []session.Record, _ error) {
			fresh, err := f.Store.LoadAll(ctx, ids)
			for _, r := range fresh {
				if cache.get(r.ID) == nil {
					cache.set(r.ID, &r)
				}
				records = append(records, *cache.get(r.ID))
			}
			return records, err
		}
		f.create = func(ctx context.Context, r session.Record) error {
			cache.set(r.ID, &r)
			return f.Store.Create(ctx, r)
		}
	}, "WatchAcrossProcesses"),
	fault("records that have ended are hidden, and those that are renewed", func(f *faulty) {
		f.all = func(ctx context.Context, ids []session.RecordID) (live []session.Record, _ error) {
			records, err := f.Store.LoadAll(ctx, ids)
			for _, r := range records {
				if r.Version == 1 {
					live = append(live, r)
				}
			}
			return live, err
		}
	}, "WatchAcrossProcesses"),
}
