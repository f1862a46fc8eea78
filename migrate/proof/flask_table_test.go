package proof_test

import (
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const flaskID = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

// flaskTables: the tables of Flask-Session 0.8, in each database that it has them in. Debian has an older version,
// which knows one of them; these are made and filled with the statements that 0.8 sends.
func flaskTables(t *testing.T, database string) {
	t.Helper()
	const (
		serial = "CREATE TABLE %ssessions (id %s, session_id VARCHAR(255), data %s, expiry %s, UNIQUE (session_id))"
		schema = "elsewhere"
	)
	for _, c := range []struct {
		name           string
		open           func(fromflask.Config, fromflask.Table) (session.Importer, error)
		dialect        sqlstore.Dialect
		driver, source string
		create, insert string
		schema         string
	}{
		{"SQLite", fromflask.SQLAlchemy, sqlstore.SQLite, "sqlite", ":memory:",
			fmt.Sprintf(serial, "", "INTEGER PRIMARY KEY", "BLOB", "DATETIME"), "VALUES (?, ?, ?)", ""},
		{"MariaDB", fromflask.SQLAlchemy, sqlstore.MySQL, "mysql", servers.MariaDBURL(servers.MariaDB(t)),
			fmt.Sprintf(serial, "", "INTEGER PRIMARY KEY AUTO_INCREMENT", "BLOB", "DATETIME"), "VALUES (?, ?, ?)", ""},
		{"PostgreSQL", fromflask.SQLAlchemy, sqlstore.PostgreSQL, "pgx", database,
			fmt.Sprintf(serial, schema+".", "SERIAL PRIMARY KEY", "BYTEA", "TIMESTAMP"), "VALUES ($1, $2, $3)", schema},
		{"PostgreSQL's own", fromflask.PostgreSQL, 0, "pgx", database, "CREATE TABLE elsewhere.flask_sessions (session_id " +
			"VARCHAR(255) NOT NULL PRIMARY KEY, created TIMESTAMP WITHOUT TIME ZONE DEFAULT (NOW() AT TIME ZONE 'utc'), " +
			"data BYTEA, expiry TIMESTAMP WITHOUT TIME ZONE)", "VALUES ($1, $2, $3)", schema},
	} {
		t.Run(c.name, func(t *testing.T) {
			db, err := sql.Open(c.driver, c.source)
			noError(t, err)
			t.Cleanup(func() { _ = db.Close() })
			db.SetMaxOpenConns(1) // what is in memory is a connection's
			if c.schema != "" {
				_, err = db.ExecContext(t.Context(), "CREATE SCHEMA IF NOT EXISTS "+c.schema)
				noError(t, err)
			}
			_, err = db.ExecContext(t.Context(), c.create)
			noError(t, err)
			table := fromflask.Table{DB: db, Dialect: c.dialect, Schema: c.schema}
			i, err := c.open(fromflask.Config{Mirror: flaskMirror(true)}, table)
			noError(t, err)
			name := strings.Fields(c.create)[2]
			rows := flaskRows{t, db, i, "INSERT INTO " + name + " (session_id, data, expiry) " + c.insert}
			rows.comeAlong()
			rows.areStrict()
			rows.areMirrored()
		})
	}
}

type flaskRows struct {
	t      *testing.T
	db     *sql.DB
	i      session.Importer
	insert string
}

// put adds a row that ends after a time, or, if that is 0, never.
func (r flaskRows) put(id string, lasts time.Duration) {
	r.t.Helper()
	data, err := hex.DecodeString("83aa5f7065726d616e656e74c3a46361727492a56170706c65a662616e616e61a16e03") // a vector's
	noError(r.t, err)
	var expiry any
	if lasts != 0 {
		expiry = time.Now().Add(lasts).UTC().Format("2006-01-02 15:04:05.000000")
	}
	_, err = r.db.ExecContext(r.t.Context(), r.insert, "session:"+id, data, expiry)
	noError(r.t, err)
}

func (r flaskRows) comeAlong() {
	r.t.Helper()
	r.put(flaskID, time.Hour)
	f, err := r.i.Open(r.t.Context(), flaskID)
	noError(r.t, err)
	if got := fmt.Sprintf("%s", f.Values["cart"]); got != `["apple","banana"]` || f.ID != flaskID {
		r.t.Errorf("%q has the cart %s", f.ID, got)
	}
	if began := !f.Created.IsZero(); began != strings.Contains(r.insert, "flask_sessions") ||
		began && time.Since(f.Created).Abs() > time.Hour/2 {
		r.t.Errorf("it began %v", f.Created)
	}
}

// areStrict: some databases take capital letters for small ones. Another spelling of an id would be another session,
// that could be taken over once more.
func (r flaskRows) areStrict() {
	r.t.Helper()
	for _, id := range []string{strings.ToLower(flaskID), strings.Repeat("b", 43)} {
		if _, err := r.i.Open(r.t.Context(), id); !errors.Is(err, session.ErrNotFound) {
			r.t.Errorf("%s: error is %v", id, err)
		}
	}
	over := strings.Repeat("c", 43)
	r.put(over, -time.Minute)
	_, err := r.i.Open(r.t.Context(), over)
	var refused *session.NotImportedError
	if !errors.As(err, &refused) || refused.Reason != session.ReasonExpiredIdle {
		r.t.Errorf("a session that is over: error is %v", err)
	}
}

func (r flaskRows) areMirrored() {
	r.t.Helper()
	value, err := r.i.Mirror.Login(r.t.Context(), flaskID, session.Foreign{Subject: "user:42"})
	noError(r.t, err)
	f, err := r.i.Open(r.t.Context(), value)
	if err != nil || f.Subject != "42" || f.ID != value {
		r.t.Errorf("a login: %+v, %v", f, err)
	}
	for _, ended := range []string{flaskID, value} {
		noError(r.t, r.i.Mirror.Logout(r.t.Context(), ended))
		if _, err := r.i.Open(r.t.Context(), ended); !errors.Is(err, session.ErrNotFound) {
			r.t.Errorf("after login and logout: error is %v", err)
		}
	}
}
