package memcachestore

import (
	"context"

	"github.com/bradfitz/gomemcache/memcache"

	session "github.com/coatcheck/coatcheck/core"
)

// LoadAll returns those of the records that are there. It asks each server once, all at a time, and returns what it
// could read when one of them fails. Subject and Handle are left empty.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) (records []session.Record, failure error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = s.key(id)
	}
	var items map[string]*memcache.Item // nobody else's unless ctx has ended
	failure = s.repeatable(ctx, func() (err error) {
		items, err = s.client.GetMulti(keys)
		return err
	})
	if err := ctx.Err(); err != nil {
		return nil, failed("load all", err)
	}
	for i, id := range ids {
		item, ok := items[keys[i]]
		if !ok {
			continue
		}
		if err := value(item.Value).check(); err != nil {
			failure = err
			continue
		}
		records = append(records, value(item.Value).record(id))
	}
	return records, failed("load all", failure)
}
