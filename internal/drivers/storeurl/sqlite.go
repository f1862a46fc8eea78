package storeurl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const (
	inMemory   = ":memory:" // SQLite's name for no file
	writeAhead = "journal_mode(WAL)"
)

// sqlitePragmas are what a URL gets that does not set them itself.
var sqlitePragmas = []string{"busy_timeout(100)", "synchronous(FULL)"}

var (
	errInMemory = errors.New("a database in memory belongs to one connection and ends with it: use a file")
	// errPragmas says how an application opens its database.
	errPragmas = errors.New("requests that overlap refuse each other: let the application open the database as " +
		"file:sessions.db?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_txlock=immediate, " +
		"or its driver's words for that")
)

// openSQLite lets several processes share the file, with a write-ahead log so that readers do not wait for writers. The
// log stays with the file, so a database that was there keeps what it has.
func openSQLite(u *url.URL, create bool) (*Opened, error) {
	table := take(u, "table")
	name, err := sqlitePath(u)
	if err != nil {
		return nil, err
	}
	parameters := u.Query()
	if err := prepareFile(name, parameters, create); err != nil {
		return nil, err
	}
	source := url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath(), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	o, err := openSQL("sqlite", db, sqlstore.SQLite, table)
	if err != nil {
		return nil, err
	}
	overlaps := func(ctx context.Context) error { return overlap(ctx, db) }
	o.Conditions = append(o.Conditions, Condition{"let requests overlap", overlaps})
	o.remedy = sqliteRemedy
	return o, nil
}

// sqlitePath is the database's file.
func sqlitePath(u *url.URL) (string, error) {
	name, err := path(u)
	if err == nil && (name == inMemory || u.Query().Get("mode") == "memory" || u.Query().Get("vfs") == "memdb") {
		err = errInMemory
	}
	return name, err
}

// prepareFile makes the file, or sees that it is there, and completes the parameters that SQLite opens it with.
func prepareFile(name string, parameters url.Values, create bool) error {
	if !parameters.Has("_txlock") {
		parameters.Set("_txlock", "immediate")
	}
	if create {
		parameters["_pragma"] = completed(parameters["_pragma"], slices.Concat(sqlitePragmas, []string{writeAhead}))
		return makePrivate(name)
	}
	if !parameters.Has("mode") {
		parameters.Set("mode", "rw") // it may be removed at this moment
	}
	parameters["_pragma"] = completed(parameters["_pragma"], sqlitePragmas)
	_, err := os.Stat(name)
	return err
}

// completed adds the pragmas that are not among those given.
func completed(given, wanted []string) []string {
	all := slices.Clone(given)
	for _, pragma := range wanted {
		name, _, _ := strings.Cut(pragma, "(")
		sets := func(g string) bool { return strings.HasPrefix(strings.ToLower(strings.TrimSpace(g)), name) }
		if !slices.ContainsFunc(given, sets) {
			all = append(all, pragma)
		}
	}
	return all
}

// makePrivate makes the file before SQLite does, which would let every user of the machine read the sessions. SQLite
// gives its other files the same mode.
func makePrivate(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// overlap returns an error if readers and writers of the database refuse each other.
func overlap(ctx context.Context, db *sql.DB) error {
	var mode string
	if err := db.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&mode); err != nil {
		return err
	}
	var patience int
	if err := db.QueryRowContext(ctx, "PRAGMA busy_timeout").Scan(&patience); err != nil {
		return err
	}
	if !strings.EqualFold(mode, "wal") || patience == 0 {
		return fmt.Errorf("the database has journal_mode(%s), and this URL busy_timeout(%d): %w", mode, patience, errPragmas)
	}
	return nil
}

// sqliteRemedy knows what SQLite says when somebody else writes, whatever the driver.
func sqliteRemedy(err error) string {
	const busy = 5
	if errors.Is(err, errPragmas) {
		return "" // it says so itself
	}
	if own, ok := errors.AsType[interface {
		error
		Code() int
	}](err); ok && own.Code()&0xff == busy {
		return errPragmas.Error()
	}
	return ""
}
