// Package sqlstore keeps sessions in a SQL database that the application has already: SQLite, PostgreSQL, MySQL or
// MariaDB. It takes the application's *sql.DB and imports no driver.
//
// One table holds a row for each session, coatcheck_sessions unless Options says otherwise:
//
//	version  number of writes, what Update compares
//	seen     last seen, in milliseconds since 1970
//	expires  expiry, in milliseconds since 1970
//	sweep    expiry in units of ten minutes, indexed
//	id       hash of the session's token, 32 bytes, the primary key
//	subject  whom the session belongs to, bytes, NULL for nobody, indexed
//	data     the session's values, bytes
//
// The index is on the coarse time so that a touch leaves it alone most of the time; on PostgreSQL such a touch is a
// heap-only update. A second table, coatcheck_sessions_version, holds the layout's number. Schema returns the
// definitions and Store.Migrate applies them.
//
// Each call is one statement and one round trip. A second one follows when a write met nothing to write to, when
// MySQL refused a new record, and when a connection sees a statement for the first time; a sweep of MySQL searches
// before it removes. A pool that keeps few idle connections opens new ones all the time, so raise
// sql.DB.SetMaxIdleConns to what the application uses. Only Migrate needs a transaction, so a proxy that pools
// transactions may sit in between.
//
// Data of 16 MiB and subjects of 64 KiB are refused with session.ErrTooLarge. Expired rows stay until they are swept,
// which session.Manager.StartSweeper sees to.
//
// A database that has no room left refuses new and changed records, with its own error. Removing one goes on to work,
// save where it says otherwise below.
//
// # SQLite
//
// With modernc.org/sqlite open the database as
//
//	file:sessions.db?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_txlock=immediate
//
// The write-ahead log lets others read while one writes. The busy timeout, in milliseconds, is how long one attempt
// waits for another process that writes. The store makes up to 500 attempts and stops when the context ends, which
// it notices after the attempt: so the timeout should be short.
//
// Every write waits for the disk. With _pragma=synchronous(NORMAL) in addition none does, and a power cut may undo the
// last ones, a logout among them; it never damages the file. The end of a process, even by kill -9, undoes nothing
// either way. A :memory: database belongs to one connection, so that the others of the pool do not find its table: use
// a file, or allow a single connection that neither idles out nor expires.
//
// On a full disk SQLite removes nothing either, because its log has no room. Let the database be full before the disk
// is: _pragma=max_page_count(100000) holds it to 400 MB of pages of 4 KiB.
//
// # PostgreSQL
//
// Use pgx by its database/sql driver: it prepares each statement once for a connection. Behind a proxy that pools
// transactions, such as PgBouncer, set default_query_exec_mode=exec (or simple_protocol, or cache_describe) unless
// the proxy keeps prepared statements (max_prepared_statements); the error that shows it says so, and Store.Check
// provokes it. The driver pings a connection that was idle for a second, which is one more round trip;
// stdlib.OptionShouldPing changes that.
//
// # MySQL and MariaDB
//
// Any settings of clientFoundRows, interpolateParams and sql_mode will do. The server's max_allowed_packet has to
// exceed session.Options.MaxSize.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	maxData    = 1<<24 - 1 // MySQL's MEDIUMBLOB
	maxSubject = 1<<16 - 1 // MySQL's BLOB
)

// Options are the choices there are. The zero value is fine.
type Options struct {
	// Table is the table's name: at most 48 lower-case letters, digits and underscores, a digit not being the first.
	// Empty means coatcheck_sessions.
	Table string
}

// Store is a session.Store in a SQL database, with all the optional interfaces. It is safe for concurrent use. Errors
// that the contract does not name are the driver's, with the operation's name and, where there is one, what to do. Use
// New.
type Store struct {
	db      *sql.DB
	dialect Dialect
	table   string
	works   atomic.Bool   // a statement has succeeded, so the table is there
	writer  chan struct{} // holds the turn to write, where the database has one writer at a time

	load, version, create, update, remove, touch, find, few, many, walk, count, sweep statement
}

var (
	_ session.Store   = (*Store)(nil)
	_ session.Toucher = (*Store)(nil)
	_ session.Indexer = (*Store)(nil)
	_ session.Walker  = (*Store)(nil)
	_ session.Sweeper = (*Store)(nil)
)

// New returns a store in the application's database, which stays the application's to configure and close. It does not
// speak to the database: Migrate makes the table. Without a database or with an unknown dialect or a name that cannot
// be a table's it returns an error.
func New(db *sql.DB, dialect Dialect, o Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("sqlstore: db is nil: open it with sql.Open")
	}
	table, err := tableName(dialect, o)
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, dialect: dialect, table: table}
	if dialect == SQLite {
		s.writer = make(chan struct{}, 1)
	}
	s.compose()
	return s, nil
}

// Load returns the record, or session.ErrNotFound. Its Subject and Handle are left empty.
func (s *Store) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	r := session.Record{ID: id}
	err := s.row(ctx, &s.load, []any{id[:]}, into(&r)...)
	if err != nil {
		return session.Record{}, s.failure(ctx, "load", err)
	}
	return r, nil
}

// Create stores a new record, or returns session.ErrExists.
func (s *Store) Create(ctx context.Context, r session.Record) error {
	if err := fits(r); err != nil {
		return err
	}
	n, err := s.exec(ctx, &s.create, r.ID[:], int64(r.Version), r.Seen.UnixMilli(), r.Expires.UnixMilli(),
		bucket(r.Expires), subjectOf(r), dataOf(r))
	if err == nil && n == 0 {
		return session.ErrExists
	}
	if err != nil && s.dialect == MySQL && s.stored(ctx, r.ID) == nil {
		return session.ErrExists // what the refusal was about, said without knowing the driver's errors
	}
	return s.failure(ctx, "create", err)
}

// Update replaces a record of the same version, or returns session.ErrConflict or session.ErrNotFound.
func (s *Store) Update(ctx context.Context, r session.Record) error {
	if err := fits(r); err != nil {
		return err
	}
	n, err := s.exec(ctx, &s.update, r.Seen.UnixMilli(), r.Expires.UnixMilli(), bucket(r.Expires), subjectOf(r), dataOf(r),
		r.ID[:], int64(r.Version))
	if err == nil && n == 0 {
		if err = s.stored(ctx, r.ID); err == nil {
			return session.ErrConflict
		}
	}
	return s.failure(ctx, "update", err)
}

// Delete removes a record. It is no error if there is none.
func (s *Store) Delete(ctx context.Context, id session.RecordID) error {
	_, err := s.exec(ctx, &s.remove, id[:])
	return s.failure(ctx, "delete", err)
}

// Touch extends a record, or returns session.ErrNotFound. It writes none of the data.
func (s *Store) Touch(ctx context.Context, id session.RecordID, seen, expires time.Time) error {
	n, err := s.exec(ctx, &s.touch, seen.UnixMilli(), expires.UnixMilli(), bucket(expires), id[:])
	if err == nil && n == 0 {
		err = s.stored(ctx, id) // MySQL does not count a row that was like this already
	}
	return s.failure(ctx, "touch", err)
}

// stored returns nil if the record is there.
func (s *Store) stored(ctx context.Context, id session.RecordID) error {
	var version int64
	return s.row(ctx, &s.version, []any{id[:]}, &version)
}
