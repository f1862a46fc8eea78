package storeurl_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
)

func open(t *testing.T, text string) *storeurl.Opened {
	t.Helper()
	o, err := storeurl.Open(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	t.Cleanup(func() { _ = o.Close() })
	if o.Migrate != nil {
		if err := o.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// holds creates a record in one store and finds it in another.
func holds(t *testing.T, in, out *storeurl.Opened) (found bool) {
	t.Helper()
	now := time.Now()
	r := session.Record{Version: 1, Data: []byte("values"), Seen: now, Expires: now.Add(time.Hour)}
	copy(r.ID[:], t.Name())
	if err := in.Store.Create(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := in.Store.Delete(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
	}()
	_, err := out.Store.Load(t.Context(), r.ID)
	if err != nil && !errors.Is(err, session.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

func TestFilesAreWhereTheURLSays(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, c := range []struct{ absolute, relative string }{
		{"file://" + dir + "/sessions", "file:sessions"},
		{"sqlite://" + dir + "/my%20sessions.db", "sqlite:my%20sessions.db"},
		{"sqlite://" + dir + "/a?table=visitors", "sqlite:a?table=visitors"},
	} {
		if !holds(t, open(t, c.absolute), open(t, c.relative)) {
			t.Errorf("%s and %s are two stores", c.absolute, c.relative)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "my sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %04o: other users of the machine read the sessions", mode)
	}
}

func TestParametersAreTaken(t *testing.T) {
	dir := t.TempDir()
	redis, memcached := "redis://"+servers.Redis(t).Addr, "memcached://"+servers.Memcached(t).Addr
	for _, c := range [][2]string{
		{"sqlite://" + dir + "/db", "?table=visitors"},
		{redis, "?prefix=visitors:"},
		{memcached, "?prefix=visitors:"},
	} {
		if holds(t, open(t, c[0]), open(t, c[0]+c[1])) {
			t.Errorf("%s makes no difference", c[1])
		}
		if !holds(t, open(t, c[0]+c[1]), open(t, c[0]+c[1])) {
			t.Errorf("%s is two stores", c[0]+c[1])
		}
	}
}

// A mistyped URL ends up in logs and terminals.
func TestErrorsKeepThePasswordToThemselves(t *testing.T) {
	const secret = "s3cr3t"
	for _, text := range []string{
		"", secret, "/" + secret, "://" + secret, "ftp://u:" + secret + "@h/",
		"postgres://u:" + secret + "%@h/db", "postgres://u:" + secret + "@h:port/db",
		"postgres://u:" + secret + "@h/db?sslmode=x",
		"mysql://u:" + secret + "@h:1/", "mysql://u:" + secret + "@/db", "mysql://u:" + secret + "@h/db?timeout=x",
		"mysql://u:" + secret + "@h/db?table=no-table", "mysql://u:%" + secret + "@h/db",
		"redis://u:" + secret + "@h:1/x", "redis://u:" + secret + "@h:1/?nonesuch=1",
		"redis://u:" + secret + "@h:1?cluster=true&nonesuch=1", "redis://h?prefix=%00", "redis://\x7f" + secret,
		"memcached://", "memcached:///?" + secret, "memcached://h?prefix=a%20b",
		"file://", "sqlite:///", "sqlite://:" + secret + "@",
	} {
		o, err := storeurl.Open(text)
		if err == nil {
			_ = o.Close()
			t.Errorf("%q: no error", text)
			continue
		}
		if strings.Contains(err.Error(), secret[:2]) {
			t.Errorf("%q: the error shows the password: %v", text, err)
		}
		if len(err.Error()) < 30 {
			t.Errorf("%q: %q does not say what to do", text, err)
		}
	}
}

// What only looks makes no store where a path was mistyped.
func TestOpenExistingMakesNothing(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{
		"file://" + dir, "file://" + dir + "/sessions", "sqlite://" + dir + "/db", "sqlite://" + dir + "/db?mode=rwc",
	} {
		if o, err := storeurl.OpenExisting(text); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, %v", text, o, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("there is %v (%v)", left, err)
	}
	for _, text := range []string{"file://" + dir + "/sessions", "sqlite://" + dir + "/db"} {
		made := open(t, text)
		existing, err := storeurl.OpenExisting(text)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = existing.Close() })
		if !holds(t, made, existing) {
			t.Errorf("%s is two stores", text)
		}
	}
}

// A pragma of one's own does not take away those that sessions need.
func TestSQLiteKeepsItsPragmas(t *testing.T) {
	for parameters, good := range map[string]bool{
		"": true, "?_pragma=foreign_keys(1)": true, "?_pragma=BUSY_TIMEOUT(5)": true,
		"?_pragma=busy_timeout(0)": false, "?_pragma=journal_mode=delete": false,
	} {
		for _, condition := range open(t, "sqlite://"+t.TempDir()+"/db"+parameters).Conditions {
			if err := condition.Check(t.Context()); (err == nil) != good && condition.Name != storeurl.KnowTables {
				t.Errorf("%q: %s: %v", parameters, condition.Name, err)
			}
		}
	}
}

func TestTable(t *testing.T) {
	for text, want := range map[string][2]string{
		"postgresql://h/db?table=visits": {"postgres", "visits"}, "rediss://h": {"redis", ""}, "sqlite:x": {"sqlite", ""},
	} {
		if kind, table, err := storeurl.Table(text); err != nil || [2]string{kind, table} != want {
			t.Errorf("%s: %s, %s, %v; want %s", text, kind, table, err, want)
		}
	}
}
