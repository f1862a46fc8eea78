package sqlstore

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Dialect is the SQL that a database speaks. The zero value is none of them and is refused.
type Dialect int

// The databases that the store knows.
const (
	SQLite     Dialect = iota + 1
	PostgreSQL         // tested with 15
	MySQL              // MySQL and MariaDB
)

// String returns the database's name.
func (d Dialect) String() string {
	if d.known() {
		return [...]string{SQLite: "SQLite", PostgreSQL: "PostgreSQL", MySQL: "MySQL"}[d]
	}
	return "Dialect(" + strconv.Itoa(int(d)) + ")"
}

func (d Dialect) known() bool { return d >= SQLite && d <= MySQL }

const defaultTable = "coatcheck_sessions"

// The name goes into SQL text and gets suffixes, which together may not exceed PostgreSQL's 63 bytes.
var goodName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,47}$`)

func tableName(d Dialect, o Options) (string, error) {
	if !d.known() {
		return "", errors.New("sqlstore: no dialect: use sqlstore.SQLite, PostgreSQL or MySQL")
	}
	if o.Table == "" {
		return defaultTable, nil
	}
	if !goodName.MatchString(o.Table) {
		return "", fmt.Errorf("sqlstore: Options.Table %.60q: a name has lower-case letters, digits and underscores, at "+
			"most 48", o.Table)
	}
	return o.Table, nil
}

const (
	loadSQL    = `SELECT version, seen, expires, data FROM {table} WHERE id = ?`
	versionSQL = `SELECT version FROM {table} WHERE id = ?`
	createSQL  = `INSERT INTO {table} (id, version, seen, expires, sweep, subject, data) VALUES (?, ?, ?, ?, ?, ?, ?)`
	updateSQL  = `UPDATE {table} SET version = version + 1, seen = ?, expires = ?, sweep = ?, subject = ?, data = ? ` +
		`WHERE id = ? AND version = ?`
	removeSQL = `DELETE FROM {table} WHERE id = ?`
	touchSQL  = `UPDATE {table} SET seen = {max}(seen, ?), expires = {max}(expires, ?), sweep = {max}(sweep, ?) ` +
		`WHERE id = ?`
	findSQL    = `SELECT id FROM {table} WHERE subject = ?`
	wholeSQL   = `SELECT version, seen, expires, data, id FROM {table} WHERE id `
	loadAllSQL = wholeSQL + `IN (?`
	walkSQL    = wholeSQL + `>= ? ORDER BY id LIMIT ?`
	countSQL   = `SELECT COUNT(*) FROM {table} WHERE sweep <= ? AND expires <= ?`

	// currentMySQL makes a query see what other statements meet. MySQL may otherwise read what was true a moment ago:
	// a row is not there yet although its duplicate was refused, or still there although it is gone.
	currentMySQL = ` LOCK IN SHARE MODE`

	// dueSQL finds what a sweep removes. Inside of PostgreSQL's DELETE it is an ARRAY, which is evaluated once; LIMIT
	// might otherwise count anew for each row. Rows that others lock are left to them or to the next sweep.
	dueSQL          = `SELECT id FROM {table} WHERE sweep <= ? AND expires <= ? ORDER BY sweep LIMIT ?`
	sweepSQLite     = `DELETE FROM {table} WHERE id IN (` + dueSQL + `)`
	sweepPostgreSQL = `DELETE FROM {table} WHERE id = ANY (ARRAY (` + dueSQL + ` FOR UPDATE SKIP LOCKED))`
	tableSQLite     = `SELECT COUNT(*) FROM sqlite_master WHERE name = '{name}'`
	tablePostgreSQL = `SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('{table}')`
	tableMySQL      = `SELECT COUNT(*) FROM information_schema.tables ` +
		`WHERE table_schema = DATABASE() AND table_name = '{name}'`
	createIfAbsent   = createSQL + ` ON CONFLICT (id) DO NOTHING`
	currentLayoutSQL = `SELECT COALESCE(MAX(version), 0) FROM {layout}`
)

// compose writes the store's statements.
func (s *Store) compose() {
	texts := map[*statement]string{
		&s.load: loadSQL, &s.version: versionSQL, &s.create: createIfAbsent, &s.update: updateSQL, &s.remove: removeSQL,
		&s.touch: touchSQL, &s.find: findSQL, &s.few: loadAllOf(fewIDs), &s.many: loadAllOf(manyIDs), &s.walk: walkSQL,
		&s.count: countSQL, &s.sweep: sweepPostgreSQL,
	}
	switch s.dialect {
	case SQLite:
		texts[&s.sweep] = sweepSQLite
	case MySQL:
		texts[&s.version] = versionSQL + currentMySQL
		texts[&s.create] = createSQL // its ways to ignore a duplicate hide other faults, or depend on the connection's flags
		texts[&s.sweep] = dueSQL
	case PostgreSQL:
	}
	for q, text := range texts {
		q.text = spell(s.dialect, s.table, text)
	}
}

// loadAllOf asks for n records.
func loadAllOf(n int) string { return loadAllSQL + strings.Repeat(", ?", n-1) + ")" }

// spell turns a text that is common to all dialects into one's own.
func spell(d Dialect, table, text string) string {
	quote, greater := `"`, "GREATEST"
	switch d {
	case SQLite:
		greater = "MAX"
	case MySQL:
		quote = "`"
	case PostgreSQL:
	}
	text = strings.NewReplacer("{name}", table, "{max}", greater, "{table}", quote+table+quote,
		"{layout}", quote+table+"_version"+quote,
		"{by_sweep}", quote+table+"_sweep"+quote, "{by_subject}", quote+table+"_subject"+quote).Replace(text)
	if d == PostgreSQL {
		text = number(text)
	}
	return text
}

// number writes placeholders as PostgreSQL has them: $1, $2 and so on.
func number(text string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(text, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}
