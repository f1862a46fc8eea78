package fromdjango

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

// Table says where the sessions of django.contrib.sessions.backends.db and cached_db are.
type Table struct {
	DB      *sql.DB
	Dialect sqlstore.Dialect
	// Name is the table's. Empty means django_session.
	Name string
	// Cached is the cache of cached_db, for a Mirror only: Django goes on to believe the copy there after the row has
	// been deleted.
	Cached *Cached
}

// DB takes over the sessions in a database's table: the back ends db and cached_db.
func DB(c Config, t Table) (session.Importer, error) {
	c, err := c.complete()
	if err != nil {
		return session.Importer{}, err
	}
	fallback(&t.Name, "django_session")
	if t.DB == nil {
		return session.Importer{}, errors.New("fromdjango: Table.DB is missing")
	}
	p := &table{Config: c, db: t.DB, dialect: t.Dialect}
	if err := p.compose(t.Name); err != nil {
		return session.Importer{}, err
	}
	if t.Cached != nil && c.UserID != nil {
		if p.cached, err = newCache(c, *t.Cached, "django.contrib.sessions.cached_db"); err != nil {
			return session.Importer{}, err
		}
	}
	return c.importer(p), nil
}

type table struct {
	Config
	db                   *sql.DB
	dialect              sqlstore.Dialect
	load, insert, delete string
	cached               *cache // nil without one
}

// Dates are read and written as texts where they have no zone, because drivers differ in the zone that they suppose.
func (p *table) compose(name string) error {
	date := "expire_date"
	switch p.dialect {
	case sqlstore.SQLite:
		date = "CAST(expire_date AS TEXT)"
	case sqlstore.MySQL:
		date = "CAST(expire_date AS CHAR)"
	case sqlstore.PostgreSQL:
	}
	var errs [3]error
	p.load, errs[0] = spell(p.dialect, "SELECT session_data, "+date+" FROM {0} WHERE session_key = ?", name)
	p.insert, errs[1] = spell(p.dialect, "INSERT INTO {0} (session_key, session_data, expire_date) VALUES (?, ?, ?)", name)
	p.delete, errs[2] = spell(p.dialect, "DELETE FROM {0} WHERE session_key = ?", name)
	return errors.Join(errs[:]...)
}

func (p *table) open(ctx context.Context, value string) (stored, error) {
	if !isKey(value) {
		return stored{}, errNoKey
	}
	var data string
	var date any
	switch err := p.db.QueryRowContext(ctx, p.load, value).Scan(&data, &date); {
	case errors.Is(err, sql.ErrNoRows):
		return stored{}, session.ErrNotFound
	case err != nil:
		return stored{}, fmt.Errorf("fromdjango: reading a session: %w", err)
	}
	if err := p.checkDate(date); err != nil {
		return stored{}, err
	}
	json, at, err := p.unsign(storeSalt, data)
	return stored{id: value, json: json, written: at}, err
}

const dateFormat = "2006-01-02 15:04:05.000000"

// checkDate refuses a row whose expire_date is over.
func (p *table) checkDate(date any) error {
	ends, ok := date.(time.Time)
	var err error
	if text, isBytes := date.([]byte); isBytes {
		date = string(text)
	}
	if text, isText := date.(string); isText {
		ends, err = time.ParseInLocation(time.DateTime, text, p.Location)
		ok = err == nil
	}
	switch {
	case !ok:
		return strict.Refused(session.ReasonCorrupt, "expire_date is not a date as Django writes it")
	case !p.Now().Before(ends):
		return strict.Refused(session.ReasonExpiredIdle, "expire_date is over")
	}
	return nil
}

func (p *table) save(ctx context.Context, json []byte, ends time.Time) (string, error) {
	key := newKey()
	var date any = ends
	if p.dialect != sqlstore.PostgreSQL {
		date = ends.In(p.Location).Format(dateFormat)
	}
	if _, err := p.db.ExecContext(ctx, p.insert, key, p.sign(storeSalt, json), date); err != nil {
		return "", fmt.Errorf("fromdjango: writing a session: %w", err)
	}
	return key, nil
}

func (p *table) remove(ctx context.Context, value string) error {
	if !isKey(value) {
		return nil
	}
	if _, err := p.db.ExecContext(ctx, p.delete, value); err != nil {
		return fmt.Errorf("fromdjango: deleting a session: %w", err)
	}
	if p.cached != nil {
		return p.cached.remove(ctx, value)
	}
	return nil
}

var goodName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)

// spell writes a statement in a dialect: {0} and so on are the names, which are checked and quoted.
func spell(d sqlstore.Dialect, text string, names ...string) (string, error) {
	quote := map[sqlstore.Dialect]string{sqlstore.SQLite: `"`, sqlstore.PostgreSQL: `"`, sqlstore.MySQL: "`"}[d]
	if quote == "" {
		return "", errors.New("fromdjango: no dialect: use sqlstore.SQLite, PostgreSQL or MySQL")
	}
	for i, name := range names {
		if !goodName.MatchString(name) {
			return "", fmt.Errorf("fromdjango: %.60q: a name has letters, digits and underscores, at most 63", name)
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("{%d}", i), quote+name+quote)
	}
	for n := 1; d == sqlstore.PostgreSQL && strings.Contains(text, "?"); n++ {
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", n), 1)
	}
	return text, nil
}
