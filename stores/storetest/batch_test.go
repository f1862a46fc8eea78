package storetest

import (
	"context"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var batchDefects = []defect{
	all("records come without their data", func(f *faulty, records []session.Record) []session.Record {
		for i := range records {
			records[i] = session.Record{ID: records[i].ID}
		}
		return records
	}, "FindBySubject", "LoadAllMany"),
	all("records come without their ids", func(f *faulty, records []session.Record) []session.Record {
		for i := range records {
			records[i].ID = session.RecordID{}
		}
		return records
	}, "FindBySubject", "LoadAllLeavesOutAbsent"),
	fault("all fails for an absent record", func(f *faulty) { f.all = f.eachOf(func(err error) error { return err }) },
		"LoadAllLeavesOutAbsent", "LoadAllMany"),
	fault("all has an empty record for an absent one",
		func(f *faulty) { f.all = f.eachOf(func(error) error { return nil }) }, "LoadAllLeavesOutAbsent", "LoadAllHostileIDs"),
	all("all is a page", func(f *faulty, records []session.Record) []session.Record {
		return records[:min(len(records), 50)]
	}, "LoadAllMany"),
	all("all judges expiry", func(f *faulty, records []session.Record) []session.Record {
		return slices.DeleteFunc(records, func(r session.Record) bool { return !r.Expires.After(time.Now()) })
	}, "LoadAllWhosesoever"),
	fault("all takes an id's neighbour", func(f *faulty) {
		f.all = func(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
			evens := slices.Clone(ids)
			for i := range evens {
				evens[i][31] &^= 1
			}
			records, err := f.Store.LoadAll(ctx, evens)
			for i := range min(len(records), len(ids)) {
				records[i].ID = ids[i]
			}
			return records, err
		}
	}, "LoadAllHostileIDs"),
}

// all makes a defect of a LoadAll that damages what it found.
func all(name string, damage func(f *faulty, records []session.Record) []session.Record, fails ...string) defect {
	return fault(name, func(f *faulty) {
		f.all = func(ctx context.Context, ids []session.RecordID) ([]session.Record, error) {
			records, err := f.Store.LoadAll(ctx, ids)
			return damage(f, records), err
		}
	}, fails...)
}

// eachOf makes LoadAll of single Loads, whose errors are judged.
func (f *faulty) eachOf(judge func(error) error) func(context.Context, []session.RecordID) ([]session.Record, error) {
	return func(ctx context.Context, ids []session.RecordID) (records []session.Record, _ error) {
		for _, id := range ids {
			r, err := f.Store.Load(ctx, id)
			if err = judge(err); err != nil {
				return nil, err
			}
			r.ID = id
			records = append(records, r)
		}
		return records, nil
	}
}
