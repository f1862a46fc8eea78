package storeurl

import (
	"database/sql"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const (
	maxConnections = 32
	mysqlPort      = "3306"
)

func openPostgreSQL(u *url.URL, _ bool) (*Opened, error) {
	table := take(u, "table")
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, errors.New("the URL cannot be read: write " +
			"postgres://user:password@host:5432/database?sslmode=disable, and special characters in the password as %XX")
	}
	o, err := openSQL("postgres", stdlib.OpenDB(*config), sqlstore.PostgreSQL, table)
	if err != nil {
		return nil, err
	}
	o.remedy = postgresRemedy
	return o, nil
}

// foreignStatements are PostgreSQL's codes for prepared statements that another client's connection left, or has.
var foreignStatements = []string{"42P05", "26000", "08P01"}

// postgresRemedy knows what becomes of prepared statements behind a proxy that does not keep them apart.
func postgresRemedy(err error) string {
	standard, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err)
	if !ok || !slices.Contains(foreignStatements, standard.SQLState()) {
		return ""
	}
	return "a proxy that pools transactions, like PgBouncer, mixes up prepared statements: " +
		"add default_query_exec_mode=exec to the URL and to the application's, " +
		"or let the proxy keep them apart, as PgBouncer does from version 1.21 on with max_prepared_statements"
}

func openMySQL(u *url.URL, _ bool) (*Opened, error) {
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
	return &Opened{
		Store: store, Kind: kind, Migrate: store.Migrate, close: db.Close,
		Conditions: []Condition{{KnowTables, store.CheckLayout}},
	}, nil
}
