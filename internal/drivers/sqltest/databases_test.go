package sqltest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// postgresql is a new database on the server that the tests share.
func postgresql(t testing.TB) database {
	server := shared(t, "PostgreSQL", servers.PostgreSQL)
	name := onPostgreSQL(server, "").create(t)
	source := strings.Replace(servers.PostgreSQLURL(server), "/postgres?", "/"+name+"?", 1)
	return database{sqlstore.PostgreSQL, "pgx", source}
}

func onPostgreSQL(s *servers.Server, settings string) database {
	return database{sqlstore.PostgreSQL, "pgx", servers.PostgreSQLURL(s) + settings}
}

// mariadb is a new database on the server that the tests share.
func mariadb(t testing.TB) database {
	server := shared(t, "MariaDB", servers.MariaDB)
	name := onMariaDB(server, "").create(t)
	return database{sqlstore.MySQL, "mysql", strings.TrimSuffix(servers.MariaDBURL(server), "test") + name}
}

func onMariaDB(s *servers.Server, settings string) database {
	return database{sqlstore.MySQL, "mysql", servers.MariaDBURL(s) + settings}
}

// create makes a database beside d and returns its name.
func (d database) create(t testing.TB) (name string) {
	t.Helper()
	created++
	name = fmt.Sprintf("test%d", created)
	run(t, d.open(t), "CREATE DATABASE "+name)
	return name
}

var (
	created int // databases on shared servers
	running = map[string]*servers.Server{}
	ends    []func() // of shared servers
)

// lasting is a test whose servers outlive it: TestMain ends them.
type lasting struct{ testing.TB }

func (lasting) Cleanup(f func()) { ends = append(ends, f) }

func shared(t testing.TB, name string, start func(testing.TB) *servers.Server) *servers.Server {
	t.Helper()
	if running[name] == nil {
		running[name] = start(lasting{t})
	}
	return running[name]
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(ends) {
		end()
	}
	os.Exit(code)
}

// databases are one of each kind.
var databases = map[string]func(testing.TB) database{"SQLite": sqlite, "PostgreSQL": postgresql, "MariaDB": mariadb}

func eachDatabase(t *testing.T, test func(t *testing.T, d database)) {
	for name, start := range databases {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// oneByOne skips a test whose calls come one after the other. Short runs are for the race detector, which sees nothing
// in it.
func oneByOne(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("a short run leaves out what does one thing after the other")
	}
}

// with is the database under more settings of the connection's.
func (d database) with(settings string) database {
	d.source += settings
	return d
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
