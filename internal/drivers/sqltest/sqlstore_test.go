package sqltest

import (
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func contract(t *testing.T, d database) {
	s, _ := d.migrated(t)
	storetest.Run(t, func(*testing.T) session.Store { return locked{s, d} })
}

// locked is a store whose table another process keeps to itself when told to.
type locked struct {
	*sqlstore.Store
	database
}

func (l locked) Block(t *testing.T) (release func()) {
	t.Helper()
	other, err := l.open(t).Conn(t.Context())
	must(t, err)
	lock := map[sqlstore.Dialect][]string{
		sqlstore.SQLite:     {"BEGIN IMMEDIATE", "COMMIT"},
		sqlstore.PostgreSQL: {"BEGIN; LOCK TABLE coatcheck_sessions IN ACCESS EXCLUSIVE MODE", "COMMIT"},
		sqlstore.MySQL:      {"LOCK TABLES coatcheck_sessions WRITE", "UNLOCK TABLES"},
	}[l.dialect]
	for _, statement := range strings.Split(lock[0], "; ") {
		_, err = other.ExecContext(t.Context(), statement)
		must(t, err)
	}
	return func() {
		_, err := other.ExecContext(t.Context(), lock[1])
		must(t, err)
		must(t, other.Close())
	}
}

func TestStoreOnSQLite(t *testing.T) { contract(t, sqlite(t)) }

// TestStoreOnPostgreSQL takes what an administrator may set for all connections: isolation makes writes fail that
// only have to be run again, and a driver that must not prepare sends values in another form.
func TestStoreOnPostgreSQL(t *testing.T) {
	server := servers.PostgreSQL(t)
	for name, settings := range map[string]string{
		"defaults":        "",
		"repeatable read": "&default_transaction_isolation=repeatable%20read",
		"serializable":    "&default_transaction_isolation=serializable",
		"unprepared":      "&default_query_exec_mode=exec",
		"simple protocol": "&default_query_exec_mode=simple_protocol",
	} {
		t.Run(name, func(t *testing.T) { contractUnder(t, settings, onPostgreSQL(server, settings)) })
	}
}

// contractUnder is contract with settings of the server's. In a short run the default ones will do: the store runs the
// same code under all of them.
func contractUnder(t *testing.T, settings string, d database) {
	if testing.Short() && settings != "" {
		t.Skip("a short run takes the default settings only")
	}
	contract(t, d)
}

// TestStoreOnMariaDB takes the settings that change what a statement reports or does without an error.
func TestStoreOnMariaDB(t *testing.T) {
	server := servers.MariaDB(t)
	for name, settings := range map[string]string{
		"defaults":          "",
		"clientFoundRows":   "?clientFoundRows=true",
		"interpolateParams": "?interpolateParams=true",
		"lenient":           "?sql_mode=''",
		"ANSI":              "?sql_mode='ANSI,NO_BACKSLASH_ESCAPES'&interpolateParams=true",
		"serializable":      "?tx_isolation='SERIALIZABLE'",
	} {
		t.Run(name, func(t *testing.T) { contractUnder(t, settings, onMariaDB(server, settings)) })
	}
}
