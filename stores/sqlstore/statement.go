package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	session "github.com/coatcheck/coatcheck/core"
)

// statement is one of the store's queries. Most drivers would prepare its text at each call, so it is held prepared,
// except for PostgreSQL, whose drivers hold it themselves, or must not behind a proxy.
type statement struct {
	text     string
	prepared atomic.Pointer[sql.Stmt]
}

// querier runs queries: the database for those whose text it gets, a *sql.Stmt for those that it has prepared.
type querier struct {
	exec  func(ctx context.Context, args ...any) (sql.Result, error)
	query func(ctx context.Context, args ...any) (*sql.Rows, error)
}

func (s *Store) querier(ctx context.Context, q *statement) (querier, error) {
	if s.dialect == PostgreSQL {
		return querier{
			exec: func(ctx context.Context, args ...any) (sql.Result, error) {
				return s.db.ExecContext(ctx, q.text, args...)
			},
			query: func(ctx context.Context, args ...any) (*sql.Rows, error) {
				return s.db.QueryContext(ctx, q.text, args...)
			},
		}, nil
	}
	stmt := q.prepared.Load()
	if stmt == nil {
		fresh, err := s.db.PrepareContext(ctx, q.text)
		if err != nil {
			return querier{}, err
		}
		if !q.prepared.CompareAndSwap(nil, fresh) { // another call was faster
			_ = fresh.Close() // only frees it
		}
		stmt = q.prepared.Load()
	}
	return querier{stmt.ExecContext, stmt.QueryContext}, nil
}

// exec runs a write and reports how many rows it changed.
func (s *Store) exec(ctx context.Context, q *statement, args ...any) (n int, err error) {
	if err := s.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer s.endTurn()
	return n, persist(ctx, func() error {
		n, err = s.tryExec(ctx, q, args)
		return err
	})
}

func (s *Store) tryExec(ctx context.Context, q *statement, args []any) (int, error) {
	on, err := s.querier(ctx, q)
	if err != nil {
		return 0, err
	}
	result, err := on.exec(ctx, args...)
	if err != nil {
		return 0, err
	}
	s.works.Store(true)
	n, err := result.RowsAffected()
	return int(n), err
}

// takeTurn waits until no other call writes, where the database has one writer at a time: a queue is fairer and faster
// than SQLite's retries, which remain for other processes.
func (s *Store) takeTurn(ctx context.Context) error {
	if s.writer == nil {
		return nil
	}
	select {
	case s.writer <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) endTurn() {
	if s.writer != nil {
		<-s.writer
	}
}

// persist runs a statement again for as long as the database puts it off and ctx lasts, within reason. It does so at
// once: whoever was in the way has just finished, and a pause would let the next one in.
func persist(ctx context.Context, run func() error) (err error) {
	const attempts = 500
	for range attempts {
		if err = run(); !putOff(err) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w, after: %w", ctx.Err(), err)
		}
	}
	return err
}

// putOff reports whether the database made a statement give way to others. PostgreSQL does so when transactions are set
// to be serializable, SQLite when another process holds its lock. Such a statement did nothing and may be run again.
// Drivers for PostgreSQL tell the standard's code, some for SQLite tell SQLite's.
func putOff(err error) bool {
	const serializationFailure, deadlock, sqliteBusy = "40001", "40P01", 5
	var standard interface{ SQLState() string }
	if errors.As(err, &standard) {
		return standard.SQLState() == serializationFailure || standard.SQLState() == deadlock
	}
	var own interface{ Code() int }
	return errors.As(err, &own) && own.Code()&0xff == sqliteBusy
}

// reread runs a query, and again when its connection turns out to be dead, as each of the pool is after a restart of
// the server. A write is not run again: it may have happened.
func (s *Store) reread(ctx context.Context, query func() error) (err error) {
	for range s.db.Stats().OpenConnections + 1 {
		if err = persist(ctx, query); !lost(err) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// lost reports whether a connection has ended before the answer came. A server that does not let anybody in, or does
// not answer in time, is another matter.
func lost(err error) bool {
	const adminShutdown, crashShutdown = "57P01", "57P02"
	var standard interface{ SQLState() string }
	if errors.As(err, &standard) {
		return standard.SQLState() == adminShutdown || standard.SQLState() == crashShutdown
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op != "dial" && !op.Timeout()
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// row reads one row, or returns session.ErrNotFound.
func (s *Store) row(ctx context.Context, q *statement, args []any, dest ...any) error {
	found := false
	err := s.reread(ctx, func() error {
		return s.rows(ctx, q, args, func(rows *sql.Rows) error {
			found = true
			return rows.Scan(dest...)
		})
	})
	if err == nil && !found {
		err = session.ErrNotFound
	}
	return err
}

// rows reads all rows.
func (s *Store) rows(ctx context.Context, q *statement, args []any, scan func(rows *sql.Rows) error) (err error) {
	on, err := s.querier(ctx, q)
	if err != nil {
		return err
	}
	rows, err := on.query(ctx, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	s.works.Store(true)
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
