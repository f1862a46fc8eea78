package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	session "github.com/coatcheck/coatcheck/core"
)

// LoadAll has statements for two numbers of records, so that a connection prepares no more.
const (
	fewIDs  = 10
	manyIDs = 500
)

// Find returns the ids of a subject's records. It is one statement, which the database answers as of one moment.
func (s *Store) Find(ctx context.Context, subject string) ([]session.RecordID, error) {
	if subject == "" || len(subject) > maxSubject {
		return nil, ctx.Err()
	}
	var ids []session.RecordID
	err := persist(ctx, func() error {
		ids = nil
		return s.rows(ctx, &s.find, []any{[]byte(subject)}, func(rows *sql.Rows) error {
			var id session.RecordID
			err := scanID(rows, &id)
			ids = append(ids, id)
			return err
		})
	})
	if err != nil {
		return nil, s.failure(ctx, "find", err)
	}
	return ids, nil
}

// LoadAll returns those of the records that are there. It is one statement for every 500. Subject and Handle are left
// empty.
func (s *Store) LoadAll(ctx context.Context, ids []session.RecordID) (records []session.Record, err error) {
	for page := range slices.Chunk(ids, manyIDs) {
		loaded, err := s.loadPage(ctx, page)
		if err != nil {
			return records, s.failure(ctx, "load all", err)
		}
		records = append(records, loaded...)
	}
	return records, ctx.Err()
}

func (s *Store) loadPage(ctx context.Context, ids []session.RecordID) (records []session.Record, err error) {
	q, args := &s.many, make([]any, 0, manyIDs)
	if len(ids) <= fewIDs {
		q, args = &s.few, args[:0:fewIDs]
	}
	for i := range cap(args) { // what is left over asks for the last one again, which does not make it two rows
		args = append(args, ids[min(i, len(ids)-1)][:])
	}
	err = persist(ctx, func() (err error) {
		records, err = s.records(ctx, q, args)
		return err
	})
	return records, err
}

// scanID reads a row's id and what comes before it.
func scanID(rows *sql.Rows, id *session.RecordID, before ...any) error {
	var b []byte
	if err := rows.Scan(append(before, &b)...); err != nil {
		return err
	}
	if copy(id[:], b) != len(id) || len(b) != len(id) {
		return fmt.Errorf("an id has %d bytes", len(b))
	}
	return nil
}
