package memstore

import (
	"context"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/internal/keyset"
)

// mark is what cursors begin with.
const mark = "mem-"

// Walk returns a page of records, in the order of their ids. It looks at all ids of a shard for each page, under a lock
// that it lets go every now and then. Subject and Handle are left empty.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	from, err := keyset.Parse[session.RecordID](mark, cursor)
	if err != nil {
		return nil, "", fmt.Errorf("memstore: walk: %w", err)
	}
	page := keyset.Page[session.RecordID]{From: from, Limit: limit}
	for i := shardOf(from); i < shardCount && !page.Full(); i++ {
		if err := s.shards[i].offer(ctx, &page); err != nil {
			return nil, "", err
		}
	}
	ids, next := page.End(mark)
	records, err := s.LoadAll(ctx, ids)
	if err != nil {
		return records, "", err
	}
	return records, next, nil
}

// offer shows a shard's ids to a page. A map may change while somebody goes through it, as long as no two do something
// to it at a time.
func (sh *shard) offer(ctx context.Context, page *keyset.Page[session.RecordID]) error {
	if err := sh.rLock(ctx); err != nil {
		return err
	}
	seen := 0
	for id := range sh.records {
		page.Offer(id)
		if seen++; seen%maxHold == 0 {
			sh.mu.RUnlock()
			if err := sh.rLock(ctx); err != nil {
				return err
			}
		}
	}
	sh.mu.RUnlock()
	return nil
}
