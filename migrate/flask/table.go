package fromflask

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// Table says where Flask-Session keeps sessions in a database.
type Table struct {
	DB *sql.DB
	// Dialect is the database's.
	Dialect sqlstore.Dialect
	// Schema is SESSION_SQLALCHEMY_SCHEMA or SESSION_POSTGRESQL_SCHEMA. Empty means where unqualified names are.
	Schema string
	// Name is SESSION_SQLALCHEMY_TABLE or SESSION_POSTGRESQL_TABLE. Empty means "sessions" for the one, and
	// "flask_sessions" for the other.
	Name string
}

// SQLAlchemy reads what Flask-Session keeps with SESSION_TYPE "sqlalchemy".
func SQLAlchemy(c Config, t Table) (session.Importer, error) {
	fill(&t.Name, "sessions")
	return t.importer(c, alchemist{})
}

// PostgreSQL reads what Flask-Session keeps with SESSION_TYPE "postgresql". It judges by the server's clock in the
// connection's time zone, which has to be the same for Flask and for Table.DB, as it is unless one of them sets it.
func PostgreSQL(c Config, t Table) (session.Importer, error) {
	fill(&t.Name, "flask_sessions")
	if fill(&t.Dialect, sqlstore.PostgreSQL); t.Dialect != sqlstore.PostgreSQL {
		return session.Importer{}, errors.New("fromflask: the type \"postgresql\" is for PostgreSQL alone: take SQLAlchemy")
	}
	return t.importer(c, elephant{})
}

// layout is what the two kinds of tables do not have in common.
type layout interface {
	// statements are those that read a row's id, data, end and beginning, and insert an id, data and an end.
	statements() (read, insert string)
	// expired judges a row by what was read.
	expired(end string, now time.Time) (bool, error)
	// end is a new row's.
	end(now time.Time, ttl time.Duration) any
}

// table is a session's rows by Flask-Session's keys.
type table struct {
	layout
	db                   *sql.DB
	now                  func() time.Time
	read, insert, remove string
}

func (t Table) importer(c Config, l layout) (session.Importer, error) {
	if t.DB == nil {
		return session.Importer{}, errors.New("fromflask: there is no database: set Table.DB")
	}
	kept := &table{layout: l, db: t.DB, now: time.Now}
	if c.Now != nil {
		kept.now = c.Now
	}
	read, insert := l.statements()
	var errs [3]error
	kept.read, errs[0] = t.spell(read)
	kept.insert, errs[1] = t.spell(insert)
	kept.remove, errs[2] = t.spell("DELETE FROM {table} WHERE session_id = ?")
	if err := errors.Join(errs[:]...); err != nil {
		return session.Importer{}, err
	}
	return c.onServer(kept.get, kept)
}

var goodName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// spell writes a statement in the table's dialect.
func (t Table) spell(text string) (string, error) {
	quote := map[sqlstore.Dialect]string{sqlstore.SQLite: `"`, sqlstore.PostgreSQL: `"`, sqlstore.MySQL: "`"}[t.Dialect]
	if quote == "" {
		return "", errors.New("fromflask: no dialect: set Table.Dialect to sqlstore.SQLite, PostgreSQL or MySQL")
	}
	name := ""
	for _, part := range []string{t.Schema, t.Name} {
		if part != "" && !goodName.MatchString(part) {
			return "", fmt.Errorf("fromflask: %.60q: a name has letters, digits and underscores, at most 63", part)
		}
		if part != "" {
			name += "." + quote + part + quote
		}
	}
	text = strings.Replace(text, "{table}", name[1:], 1)
	for n := 1; t.Dialect == sqlstore.PostgreSQL && strings.Contains(text, "?"); n++ {
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", n), 1)
	}
	return text, nil
}

// get compares the id itself: MySQL may take capital and small letters for the same.
func (t *table) get(ctx context.Context, key string) (data []byte, created time.Time, err error) {
	var id string
	var end, began sql.NullString
	switch err = t.db.QueryRowContext(ctx, t.read, key).Scan(&id, &data, &end, &began); {
	case errors.Is(err, sql.ErrNoRows), err == nil && id != key:
		return nil, created, session.ErrNotFound
	case err != nil:
		return nil, created, fmt.Errorf("fromflask: reading a session: %w", err)
	}
	switch over, err := t.expired(end.String, t.now()); {
	case err != nil:
		return nil, created, strict.Refused(session.ReasonCorrupt, "the row's expiry is %v", err)
	case over:
		return nil, created, strict.Refused(session.ReasonExpiredIdle, "the row's expiry is over")
	}
	created, _ = naive(began.String) // zero where there is none
	return data, created, nil
}

func (t *table) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if _, err := t.db.ExecContext(ctx, t.insert, key, value, t.end(t.now(), ttl)); err != nil {
		return fmt.Errorf("fromflask: writing a session: %w", err)
	}
	return nil
}

func (t *table) Delete(ctx context.Context, key string) error {
	if _, err := t.db.ExecContext(ctx, t.remove, key); err != nil {
		return fmt.Errorf("fromflask: deleting a session: %w", err)
	}
	return nil
}

// Times without a zone are UTC's, and are passed as texts, because drivers suppose zones.
const naiveFormat = "2006-01-02 15:04:05.000000"

func naive(text string) (time.Time, error) {
	t, err := time.Parse(time.DateTime, strings.TrimSpace(text)) // which takes fractions too
	if err != nil {
		return t, errors.New("not a time")
	}
	return t, nil
}

// alchemist is the layout of SQLAlchemy's table, whose times are the application's.
type alchemist struct{}

func (alchemist) statements() (read, insert string) {
	return "SELECT session_id, data, CAST(expiry AS CHAR(26)), NULL FROM {table} WHERE session_id = ?",
		"INSERT INTO {table} (session_id, data, expiry) VALUES (?, ?, ?)"
}

// expired agrees with Flask-Session that a row without an end is over: one of its versions fails on it.
func (alchemist) expired(end string, now time.Time) (bool, error) {
	if end == "" {
		return true, nil
	}
	ends, err := naive(end)
	return !now.Before(ends), err
}

func (alchemist) end(now time.Time, ttl time.Duration) any {
	return now.Add(ttl).UTC().Format(naiveFormat)
}

// elephant is the layout of the back end "postgresql", whose times are the server's.
type elephant struct{}

func (elephant) statements() (read, insert string) {
	return "SELECT session_id, data, CASE WHEN expiry < NOW() THEN 'over' END, CAST(created AS CHAR(26)) FROM {table} " +
			"WHERE session_id = ?",
		"INSERT INTO {table} (session_id, data, expiry) VALUES (?, ?, NOW() + CAST(? AS INTEGER) * INTERVAL '1 second')"
}

func (elephant) expired(end string, _ time.Time) (bool, error) { return end != "", nil }

func (elephant) end(_ time.Time, ttl time.Duration) any { return int64(ttl / time.Second) }
