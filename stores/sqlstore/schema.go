package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// layout is the number of the table's layout. It rises with each change to it.
const layout = 1

const (
	layoutTable  = "CREATE TABLE IF NOT EXISTS {layout} (version BIGINT NOT NULL PRIMARY KEY)"
	recordLayout = "INSERT INTO {layout} (version) VALUES (1) ON CONFLICT DO NOTHING"
)

// definitions are the statements that make the tables. The first one makes what says which layout there is.
var definitions = map[Dialect][]string{
	SQLite: {
		layoutTable,
		`CREATE TABLE IF NOT EXISTS {table} (
	version BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	sweep   BIGINT NOT NULL,
	id      BLOB   NOT NULL PRIMARY KEY,
	subject BLOB,
	data    BLOB   NOT NULL
)`,
		"CREATE INDEX IF NOT EXISTS {by_sweep} ON {table} (sweep)",
		"CREATE INDEX IF NOT EXISTS {by_subject} ON {table} (subject) WHERE subject IS NOT NULL",
		recordLayout,
	},
	// The fill factor leaves room in each page for a touch to stay there. A hash index takes subjects of any length.
	PostgreSQL: {
		layoutTable,
		`CREATE TABLE IF NOT EXISTS {table} (
	version BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	sweep   BIGINT NOT NULL,
	id      BYTEA  NOT NULL PRIMARY KEY,
	subject BYTEA,
	data    BYTEA  NOT NULL
) WITH (fillfactor = 85)`,
		"CREATE INDEX IF NOT EXISTS {by_sweep} ON {table} (sweep)",
		"CREATE INDEX IF NOT EXISTS {by_subject} ON {table} USING hash (subject) WHERE subject IS NOT NULL",
		recordLayout,
	},
	// The index covers the beginning of a subject, which is all of most; the comparison is of the whole.
	MySQL: {
		layoutTable + " ENGINE = InnoDB",
		`CREATE TABLE IF NOT EXISTS {table} (
	version BIGINT     NOT NULL,
	seen    BIGINT     NOT NULL,
	expires BIGINT     NOT NULL,
	sweep   BIGINT     NOT NULL,
	id      BINARY(32) NOT NULL PRIMARY KEY,
	subject BLOB,
	data    MEDIUMBLOB NOT NULL,
	INDEX {by_sweep} (sweep),
	INDEX {by_subject} (subject(255))
) ENGINE = InnoDB`,
		"INSERT INTO {layout} (version) VALUES (1) ON DUPLICATE KEY UPDATE version = version",
	},
}

// Schema returns what Migrate applies, for those who have a migration tool of their own. It may be applied again.
func Schema(d Dialect, o Options) (string, error) {
	table, err := tableName(d, o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- Tables for web sessions of github.com/coatcheck/coatcheck, layout %d, for %v.\n", layout, d)
	for _, definition := range definitions[d] {
		b.WriteString(spell(d, table, definition) + ";\n")
	}
	return b.String(), nil
}

// Migrate makes the tables and indexes that are missing. It may run at every start, in several servers at once. Tables
// made by a newer version of this package are left alone, and are an error.
func (s *Store) Migrate(ctx context.Context) error {
	migrate := s.migrateStepwise
	if s.dialect == PostgreSQL {
		migrate = s.migrateAlone
	}
	if err := persist(ctx, func() error { return migrate(ctx) }); err != nil {
		return s.failure(ctx, "migrate", err)
	}
	return nil
}

// connection is the database or a transaction.
type connection interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// migrateStepwise is for databases where each statement waits for others that define the same.
func (s *Store) migrateStepwise(ctx context.Context) error {
	if err := s.takeTurn(ctx); err != nil {
		return err
	}
	defer s.endTurn()
	return s.define(ctx, s.db)
}

// migrateAlone takes a lock first, because in PostgreSQL two that make the same table at once fail. The
// lock ends with the transaction.
func (s *Store) migrateAlone(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext($1))", s.table); err != nil {
		return err
	}
	if err := s.define(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) define(ctx context.Context, on connection) error {
	for i, definition := range definitions[s.dialect] {
		if _, err := on.ExecContext(ctx, spell(s.dialect, s.table, definition)); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if _, err := s.findLayout(ctx, on); err != nil {
			return err
		}
	}
	return nil
}

// findLayout returns the layout that the tables have, or 0 if there is none yet. A newer one than this package knows
// is an error.
func (s *Store) findLayout(ctx context.Context, on connection) (found int, err error) {
	if err := on.QueryRowContext(ctx, spell(s.dialect, s.table, currentLayoutSQL)).Scan(&found); err != nil {
		return 0, err
	}
	if found > layout {
		return 0, fmt.Errorf("table %s has layout %d, and this version of sqlstore knows layouts up to %d: run a newer one",
			s.table, found, layout)
	}
	return found, nil
}
