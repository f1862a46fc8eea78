package sqltest

import (
	"maps"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/soak"
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
// only have to be run again, and a driver that must not prepare sends values in another form. One has nothing to do
// with the other, so that one run does for both; at full size each setting has a run of its own too.
func TestStoreOnPostgreSQL(t *testing.T) {
	const (
		repeatable   = "&default_transaction_isolation=repeatable%20read"
		serializable = "&default_transaction_isolation=serializable"
		unprepared   = "&default_query_exec_mode=exec"
		simple       = "&default_query_exec_mode=simple_protocol"
	)
	d := postgresql(t)
	for name, settings := range withThoseAlone(map[string]string{
		"defaults":                      "",
		"repeatable read, unprepared":   repeatable + unprepared,
		"serializable, simple protocol": serializable + simple,
	}, map[string]string{
		"repeatable read": repeatable,
		"serializable":    serializable,
		"unprepared":      unprepared,
		"simple protocol": simple,
	}) {
		t.Run(name, func(t *testing.T) { contractUnder(t, settings, d.with(settings)) })
	}
}

// withThoseAlone are settings that are always run, and those of a run at full size.
func withThoseAlone(usual, alone map[string]string) map[string]string {
	if soak.Wanted() {
		maps.Copy(usual, alone)
	}
	return usual
}

// contractUnder is contract with settings of the server's. In a short run the default ones will do: the store runs the
// same code under all of them.
func contractUnder(t *testing.T, settings string, d database) {
	if testing.Short() && settings != "" {
		t.Skip("a short run takes the default settings only")
	}
	contract(t, d)
}

// TestStoreOnMariaDB takes the settings that change what a statement reports or does without an error. Those that
// have nothing to do with each other share a run.
func TestStoreOnMariaDB(t *testing.T) {
	d := mariadb(t)
	for name, settings := range withThoseAlone(map[string]string{
		"defaults":              "",
		"clientFoundRows, ANSI": "?clientFoundRows=true&sql_mode='ANSI,NO_BACKSLASH_ESCAPES'&interpolateParams=true",
		"lenient, serializable": "?sql_mode=''&tx_isolation='SERIALIZABLE'",
	}, map[string]string{
		"clientFoundRows":   "?clientFoundRows=true",
		"interpolateParams": "?interpolateParams=true",
		"lenient":           "?sql_mode=''",
		"ANSI":              "?sql_mode='ANSI,NO_BACKSLASH_ESCAPES'&interpolateParams=true",
		"serializable":      "?tx_isolation='SERIALIZABLE'",
	}) {
		t.Run(name, func(t *testing.T) { contractUnder(t, settings, d.with(settings)) })
	}
}
