package sqltest

import (
	"database/sql"
	"path/filepath"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// database is where a test's tables are.
type database struct {
	dialect sqlstore.Dialect
	driver  string
	source  string
}

// recommended are the settings that the package comment names, without waiting for the disk.
const recommended = "?_pragma=busy_timeout(100)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate"

func sqlite(t testing.TB) database {
	return database{sqlstore.SQLite, "sqlite", "file:" + filepath.Join(t.TempDir(), "sessions.db") + recommended}
}

func postgresql(t testing.TB) database { return onPostgreSQL(servers.PostgreSQL(t), "") }

func onPostgreSQL(s *servers.Server, settings string) database {
	return database{sqlstore.PostgreSQL, "pgx", servers.PostgreSQLURL(s) + settings}
}

func mariadb(t testing.TB) database { return onMariaDB(servers.MariaDB(t), "") }

func onMariaDB(s *servers.Server, settings string) database {
	return database{sqlstore.MySQL, "mysql", servers.MariaDBURL(s) + settings}
}

// databases are one of each kind.
var databases = map[string]func(testing.TB) database{"SQLite": sqlite, "PostgreSQL": postgresql, "MariaDB": mariadb}

func eachDatabase(t *testing.T, test func(t *testing.T, d database)) {
	for name, start := range databases {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

func (d database) open(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	db.SetMaxIdleConns(16) // or connections come and go, and each prepares anew
	return db
}

func (d database) store(t testing.TB, db *sql.DB, o sqlstore.Options) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.New(db, d.dialect, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// migrated is a store with its table.
func (d database) migrated(t testing.TB) (*sqlstore.Store, *sql.DB) {
	t.Helper()
	db := d.open(t)
	s := d.store(t, db, sqlstore.Options{})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, db
}

func run(t testing.TB, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
