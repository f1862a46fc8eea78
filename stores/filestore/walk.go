package filestore

import (
	"context"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/internal/keyset"
)

// mark is what cursors begin with.
const mark = "file-"

// Walk returns a page of records, in the order of their names. Their Handles are left empty. Damaged records and those
// of a newer format are as in LoadAll. For each page it lists a shard, under its lock, because reading a directory is
// not of one moment and may miss files that are written meanwhile.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", s.fail("walk", err)
	}
	from, err := keyset.Parse[name](mark, cursor)
	if err != nil {
		return nil, "", s.fail("walk", err)
	}
	page := keyset.Page[name]{From: from, Limit: limit}
	for i := int(from[0]); i < shardCount && !page.Full(); i++ {
		if err := s.offer(ctx, &page, name{byte(i)}); err != nil {
			return nil, "", s.fail("walk", err)
		}
	}
	names, next := page.End(mark)
	records, err := s.loadAll(ctx, "walk", names)
	if err != nil {
		return records, "", err
	}
	return records, next, nil
}

// offer shows the names in a shard to a page.
func (s *Store) offer(ctx context.Context, page *keyset.Page[name], part name) error {
	if _, err := s.sessions.Lstat(part.shard()); err != nil {
		return unlessGone(err) // locking would make the directory
	}
	sh, err := s.lock(ctx, part)
	if err != nil {
		return err
	}
	defer sh.unlock()
	files, err := readDir(sh.root, ".")
	for _, file := range files {
		if n, ok := parseName(part.shard() + file); ok {
			page.Offer(n)
		}
	}
	return err
}
