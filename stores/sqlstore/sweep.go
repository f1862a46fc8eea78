package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"time"
)

// sweepBatch is how many rows one statement removes, so that it holds locks, or SQLite's turn to write, only briefly.
const sweepBatch = 500

// Sweep removes up to limit records that expired at or before the given time, the earliest first, in several small
// statements. PostgreSQL leaves rows that others are writing at that moment to the next sweep. Several servers may
// sweep at once.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	for more := true; more && removed < limit && err == nil; {
		var n int
		n, more, err = s.sweepSome(ctx, before, min(limit-removed, sweepBatch))
		removed += n
	}
	return removed, s.failure(ctx, "sweep", err)
}

// sweepSome removes up to limit records and reports whether there may be more.
func (s *Store) sweepSome(ctx context.Context, before time.Time, limit int) (removed int, more bool, err error) {
	if s.dialect != MySQL {
		removed, err = s.exec(ctx, &s.sweep, bucket(before), before.UnixMilli(), limit)
		return removed, removed == limit, err
	}
	due, err := s.due(ctx, before, limit)
	if len(due) == 0 || err != nil {
		return 0, false, err
	}
	removed, err = s.removeExpired(ctx, before, due)
	return removed, len(due) == limit, err
}

func (s *Store) due(ctx context.Context, before time.Time, limit int) (ids []any, err error) {
	err = s.rows(ctx, &s.sweep, []any{bucket(before), before.UnixMilli(), limit}, func(rows *sql.Rows) error {
		var id []byte
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// removeExpired removes those of the rows that still have expired. MySQL has them looked up beforehand, because a
// DELETE that searches an index locks there first and in the row later: the other way round than other writes, which
// would be chosen to die in a deadlock.
func (s *Store) removeExpired(ctx context.Context, before time.Time, ids []any) (int, error) {
	text := "DELETE FROM {table} WHERE id IN (?" + strings.Repeat(", ?", len(ids)-1) + ") AND expires <= ?"
	result, err := s.db.ExecContext(ctx, spell(s.dialect, s.table, text), append(ids, before.UnixMilli())...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// Expired counts the records that expired at or before the given time: what Sweep would remove.
func (s *Store) Expired(ctx context.Context, before time.Time) (n int, err error) {
	err = s.row(ctx, &s.count, []any{bucket(before), before.UnixMilli()}, &n)
	return n, s.failure(ctx, "count", err)
}
