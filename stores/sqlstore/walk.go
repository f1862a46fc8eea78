package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/internal/keyset"
)

// mark is what cursors begin with.
const mark = "sql-"

// Walk returns a page of records, in the order of their ids. It is one statement, which reads the rows from an id on and
// stops, so that a page late in the walk takes no longer than the first. Subject and Handle are left empty.
func (s *Store) Walk(ctx context.Context, cursor string, limit int) ([]session.Record, string, error) {
	from, err := keyset.Parse[session.RecordID](mark, cursor)
	if err != nil {
		return nil, "", fmt.Errorf("sqlstore: walk: %w", err)
	}
	var records []session.Record
	err = persist(ctx, func() (err error) {
		records, err = s.records(ctx, &s.walk, []any{from[:], limit + 1}) // one more, where the next page begins
		return err
	})
	if err != nil {
		return nil, "", s.failure(ctx, "walk", err)
	}
	if len(records) <= limit {
		return records, "", nil
	}
	return records[:limit], keyset.Cursor(mark, records[limit-1].ID, records[limit].ID), nil
}

// records reads whole rows.
func (s *Store) records(ctx context.Context, q *statement, args []any) (records []session.Record, err error) {
	err = s.rows(ctx, q, args, func(rows *sql.Rows) error {
		var r session.Record
		err := scanID(rows, &r.ID, into(&r)...)
		records = append(records, r)
		return err
	})
	return records, err
}
