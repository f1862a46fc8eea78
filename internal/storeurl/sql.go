package storeurl

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const (
	maxConnections = 32
	mysqlPort      = "3306"
)

// openSQLite lets several processes share the file, with a write-ahead log so that readers do not wait for writers.
func openSQLite(u *url.URL) (*Opened, error) {
	table := take(u, "table")
	name, err := path(u)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(name); err != nil {
		return nil, err
	}
	parameters := u.Query()
	if len(parameters["_pragma"]) == 0 {
		parameters["_pragma"] = []string{"busy_timeout(100)", "journal_mode(WAL)", "synchronous(FULL)"}
	}
	if !parameters.Has("_txlock") {
		parameters.Set("_txlock", "immediate")
	}
	source := url.URL{Scheme: "file", Opaque: (&url.URL{Path: name}).EscapedPath(), RawQuery: parameters.Encode()}
	db, err := sql.Open("sqlite", source.String())
	if err != nil {
		return nil, err
	}
	return openSQL("sqlite", db, sqlstore.SQLite, table)
}

// makePrivate makes the file before SQLite does, which would let every user of the machine read the sessions. SQLite gives
// its other files the same mode.
func makePrivate(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func openPostgreSQL(u *url.URL) (*Opened, error) {
	table := take(u, "table")
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, errors.New("the URL cannot be read: write postgres://user:password@host:5432/database?sslmode=disable, and special characters in the password as %XX")
	}
	return openSQL("postgres", stdlib.OpenDB(*config), sqlstore.PostgreSQL, table)
}

func openMySQL(u *url.URL) (*Opened, error) {
	table := take(u, "table")
	if u.Path == "" || u.Path == "/" || u.Host == "" {
		return nil, errors.New("the URL names no host or no database: write mysql://user:password@host:3306/database")
	}
	source := "/" + url.PathEscape(strings.TrimPrefix(u.Path, "/"))
	if u.RawQuery != "" {
		source += "?" + u.RawQuery
	}
	config, err := mysql.ParseDSN(source)
	if err != nil {
		return nil, errors.New("the URL's parameters cannot be read: they are those of github.com/go-sql-driver/mysql")
	}
	config.Logger = &mysql.NopLogger{} // what goes wrong comes back as an error too
	config.Net, config.Addr = "tcp", u.Host
	if u.Port() == "" {
		config.Addr = net.JoinHostPort(u.Hostname(), mysqlPort)
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return openSQL("mysql", sql.OpenDB(connector), sqlstore.MySQL, table)
}

func openSQL(kind string, db *sql.DB, dialect sqlstore.Dialect, table string) (*Opened, error) {
	db.SetMaxOpenConns(maxConnections)
	db.SetMaxIdleConns(maxConnections)
	store, err := sqlstore.New(db, dialect, sqlstore.Options{Table: table})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Opened{Store: store, Kind: kind, Migrate: func(ctx context.Context) error { return store.Migrate(ctx) }, close: db.Close}, nil
}
