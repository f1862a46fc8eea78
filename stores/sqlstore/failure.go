package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// failure says which operation failed, and what to do where the error itself does not lead there. The errors of the
// contract stay as they are.
func (s *Store) failure(ctx context.Context, operation string, err error) error {
	if err == nil || errors.Is(err, session.ErrNotFound) {
		return err
	}
	if advice := s.advice(ctx, err); advice != "" {
		return fmt.Errorf("sqlstore: %s: %s: %w", operation, advice, err)
	}
	return fmt.Errorf("sqlstore: %s: %w", operation, err)
}

// What to do about an error.
const (
	behindProxy = "a proxy such as PgBouncer gives this connection's prepared statements to others: " +
		"add default_query_exec_mode=exec to pgx's connection string, or let the proxy keep them (PgBouncer 1.21: " +
		"max_prepared_statements)"
	inMemory = "an in-memory database belongs to one connection, and the pool's others have an empty one each: " +
		"use a file, or call db.SetMaxOpenConns(1) and let that connection neither idle out nor expire"
	locked = "others hold the database's lock: open it as " +
		"file:NAME?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_txlock=immediate, or what your driver calls these"
)

func (s *Store) advice(ctx context.Context, err error) string {
	switch {
	case s.dialect == PostgreSQL && statementLost(err):
		return behindProxy
	case s.dialect == SQLite && strings.Contains(err.Error(), "database is locked"): // SQLite's words, whatever the driver
		return locked
	case s.dialect == SQLite && s.works.Load() && strings.Contains(err.Error(), "no such table") && ctx.Err() == nil &&
		s.isInMemory(ctx):
		return inMemory
	case !s.works.Load() && ctx.Err() == nil && s.tableMissing(ctx):
		return "there is no table " + s.table + ": call Migrate, or apply what `coatcheck schema` prints"
	}
	return ""
}

// statementLost reports whether the server does not know a statement that the driver has prepared, or knows it already:
// it is not the server that the driver spoke to before.
func statementLost(err error) bool {
	const unknown, duplicate = "26000", "42P05"
	var standard interface{ SQLState() string }
	return errors.As(err, &standard) && (standard.SQLState() == unknown || standard.SQLState() == duplicate)
}

// tableMissing asks the catalog, because drivers do not agree on an error for it.
func (s *Store) tableMissing(ctx context.Context) bool {
	text := map[Dialect]string{SQLite: tableSQLite, PostgreSQL: tablePostgreSQL, MySQL: tableMySQL}[s.dialect]
	var n int
	err := s.db.QueryRowContext(ctx, spell(s.dialect, s.table, text)).Scan(&n)
	return err == nil && n == 0
}

// isInMemory reports whether an SQLite database has no file.
func (s *Store) isInMemory(ctx context.Context) bool {
	var file string
	err := s.db.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file)
	return err == nil && file == ""
}

// Check finds what does not show until several requests come at a time: a proxy that mixes prepared statements up,
// and databases that each connection has for itself. It uses two connections at a time, needs the table, and writes
// nothing.
func (s *Store) Check(ctx context.Context) error {
	return s.failure(ctx, "check", s.check(ctx))
}

func (s *Store) check(ctx context.Context) (err error) {
	connections := 2
	if s.db.Stats().MaxOpenConnections == 1 {
		connections = 1
	}
	pool := make([]*sql.Conn, connections)
	for i := range pool {
		if pool[i], err = s.db.Conn(ctx); err != nil {
			return err
		}
		defer func() { _ = pool[i].Close() }() // gives it back
	}
	const rounds = 3 // a proxy may need some to give a connection another server
	for range rounds {
		for _, c := range pool {
			if err := s.look(ctx, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// look searches for a record that is not there.
func (s *Store) look(ctx context.Context, c *sql.Conn) error {
	rows, err := c.QueryContext(ctx, s.load.text, make([]byte, len(session.RecordID{})))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }() // nothing is read from it
	s.works.Store(true)
	rows.Next()
	return rows.Err()
}
