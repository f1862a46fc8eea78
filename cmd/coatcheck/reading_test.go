package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// reading are the commands that read, and check, which leaves things as it found them.
var reading = [][]string{
	{"list", "user:1"}, {"revoke", "user:1", "x"}, {"revoke-all", "user:1"}, {"sweep"}, {"schema"}, {"check"},
	{"inspect", strings.Repeat("A", 43)},
}

// tree lists what is in a folder, with the files' contents.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			all = append(all, path)
			return err
		}
		content, err := os.ReadFile(path)
		all = append(all, path+" "+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestReadingMakesNothing: a mistyped path would otherwise become a store, and an application's file another kind of
// one.
func TestReadingMakesNothing(t *testing.T) {
	dir := t.TempDir()
	folder, file := filepath.Join(dir, "folder"), filepath.Join(dir, "empty.db")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for _, address := range []string{
		"file://" + dir + "/folder", "file://" + dir + "/none", "sqlite://" + dir + "/empty.db",
		"sqlite://" + dir + "/none.db",
	} {
		for _, command := range reading {
			status, stdout, stderr := call(append(command, "--store", address)...)
			if status == exitOK && command[0] != "schema" {
				t.Errorf("%s %q: status 0, stdout %q, stderr %q", address, command, stdout, stderr)
			}
			if after := tree(t, dir); !slices.Equal(before, after) {
				t.Fatalf("%s %q made something: %q", address, command, after)
			}
		}
	}
}

// TestCheckOfSQLiteWithoutPragmas: with the driver's settings readers and writers refuse each other.
func TestCheckOfSQLiteWithoutPragmas(t *testing.T) {
	address := sqliteURL(t)
	s := &site{t: t, url: address}
	s.done("schema", "--apply")
	execute(t, "sqlite", strings.TrimPrefix(address, "sqlite://"), "PRAGMA journal_mode = DELETE")
	for _, command := range reading {
		s.run(command...)
	}
	status, stdout, _ := s.run("check")
	if status != exitFailed || !strings.Contains(stdout, "journal_mode(WAL)") {
		t.Errorf("status %d, want a failure that says how to open the database:\n%s", status, stdout)
	}
	s.url += "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(0)"
	if status, stdout, _ = s.run("check"); status != exitFailed || !strings.Contains(stdout, "busy_timeout(100)") {
		t.Errorf("status %d, want a failure that names the busy timeout:\n%s", status, stdout)
	}
	s.url = address
	s.done("check") // the database has its log now
}

func TestCheckOfSQLiteInMemory(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, address := range []string{
		"sqlite::memory:", "sqlite://:memory:", "sqlite:%3Amemory%3A", "sqlite:x.db?mode=memory", "sqlite:x.db?vfs=memdb",
	} {
		for _, command := range [][]string{{"check"}, {"list", "user:1"}, {"schema", "--apply"}} {
			status, stdout, stderr := call(append(command, "--store", address)...)
			if status != exitUsage || stdout != "" || !strings.Contains(stderr, "memory") ||
				!strings.Contains(stderr, "use a file") {
				t.Errorf("%s %q: status %d, stdout %q, stderr %q", address, command, status, stdout, stderr)
			}
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("looking made %v (%v)", left, err)
	}
}

func execute(t *testing.T, driver, source string, statements ...string) {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCheckOfAnotherLayout: after a rollback of the program the table may have columns that this one does not fill.
func TestCheckOfAnotherLayout(t *testing.T) {
	file, mysql := sqliteURL(t), servers.MariaDB(t)
	postgres := servers.PostgreSQLURL(servers.PostgreSQL(t))
	for _, test := range []struct{ url, driver, source string }{
		{file, "sqlite", strings.TrimPrefix(file, "sqlite://")},
		{postgres, "pgx", postgres},
		{"mysql://root@" + mysql.Addr + "/test", "mysql", servers.MariaDBURL(mysql)},
	} {
		s := newSite(t, test.url)
		s.done("check")
		execute(t, test.driver, test.source, "INSERT INTO coatcheck_sessions_version VALUES (2)")
		status, stdout, stderr := s.run("check")
		if status != exitFailed || !strings.Contains(stdout, "layout 2") || strings.Contains(stdout, "create ok") {
			t.Errorf("%s: status %d, stderr %q, want a failure that names layout 2:\n%s", test.driver, status, stderr, stdout)
		}
	}
}
