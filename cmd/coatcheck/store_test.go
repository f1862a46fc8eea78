package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
)

var (
	theme session.Key[string] = "theme"
	csrf  session.Key[string] = "csrf_token"
)

// kinds are the stores there are, and what they can do.
var kinds = []struct {
	name         string
	url          func(*testing.T) string
	lists, sweep bool
	tables       bool
}{
	{"file", fileURL, true, true, false},
	{"sqlite", sqliteURL, true, true, true},
	{"postgres", func(t *testing.T) string { return servers.PostgreSQLURL(servers.PostgreSQL(t)) }, true, true, true},
	{"mysql", func(t *testing.T) string { return "mysql://root@" + servers.MariaDB(t).Addr + "/test" }, true, true, true},
	{"redis", func(t *testing.T) string { return "redis://" + servers.Redis(t).Addr }, true, false, false},
	{"memcached", func(t *testing.T) string { return "memcached://" + servers.Memcached(t).Addr }, false, false, false},
}

func fileURL(t *testing.T) string   { return "file://" + filepath.Join(t.TempDir(), "sessions") }
func sqliteURL(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "sessions.db") }

// site is an application with its store, and an operator at its store.
type site struct {
	t     *testing.T
	url   string
	store session.Store
}

// newSite makes the tables too.
func newSite(t *testing.T, address string) *site {
	t.Helper()
	o, err := storeurl.Open(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	if o.Migrate != nil {
		if err := o.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return &site{t: t, url: address, store: o.Store}
}

// manager returns the application's manager, which believes that it is another time.
func (s *site) manager(o session.Options, shift time.Duration) *session.Manager {
	s.t.Helper()
	o.Now = func() time.Time { return time.Now().Add(shift) }
	m, err := session.New(s.store, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

func (s *site) login(subject string, shift time.Duration) *http.Cookie {
	s.t.Helper()
	return sessiontest.Login(s.t, s.manager(session.Options{}, shift), subject, func(s *session.Session) {
		theme.Set(s, "dark")
	})
}

// run runs a command on the store. The URL comes from the environment, as it should.
func (s *site) run(args ...string) (status int, stdout, stderr string) {
	s.t.Helper()
	s.t.Setenv("COATCHECK_STORE", s.url)
	return callWith(&console{now: time.Now}, args...)
}

// done runs a command that has to succeed in silence.
func (s *site) done(args ...string) string {
	s.t.Helper()
	status, stdout, stderr := s.run(args...)
	if status != exitOK || stderr != "" {
		s.t.Fatalf("%q: status %d, stderr %q", args, status, stderr)
	}
	return stdout
}

// fails runs a command that has to fail, and checks that the message says what it should.
func (s *site) fails(want string, args ...string) {
	s.t.Helper()
	status, stdout, stderr := s.run(args...)
	if status != exitFailed || stdout != "" || !strings.Contains(stderr, want) {
		s.t.Errorf("%q: status %d, stdout %q, stderr %q; want status 1 and %q", args, status, stdout, stderr, want)
	}
}

// readJSON returns what a command prints for machines.
func readJSON[T any](s *site, args ...string) (v T) {
	s.t.Helper()
	text := s.done(append(args, "--json")...)
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		s.t.Fatalf("%q: %v in %s", args, err, text)
	}
	return v
}

func TestEveryStore(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			if testing.Short() && kind.name != "file" {
				t.Skip("a short run takes one store: the command does one thing after the other on each")
			}
			address := kind.url(t)
			if kind.tables {
				makesTables(t, address)
			}
			s := newSite(t, address)
			checks(s, kind.name)
			if kind.lists {
				listsAndRevokes(s)
			} else {
				s.fails("SQL database", "list", "user:42")
				s.fails("SQL database", "revoke", "user:42", "handle")
				s.fails("SQL database", "revoke-all", "user:42")
			}
			sweeps(s, kind.sweep)
			inspects(s)
		})
	}
}

func makesTables(t *testing.T, address string) {
	t.Helper()
	s := &site{t: t, url: address}
	status, stdout, stderr := s.run("check")
	file := strings.HasPrefix(address, "sqlite:") // which is not there at all
	if status != exitFailed || !strings.Contains(stdout+stderr, "coatcheck schema --apply") ||
		!file && (!strings.Contains(stdout, "FAILED") || !strings.Contains(stderr, "failed")) {
		t.Errorf("check without tables: status %d, %s%s", status, stdout, stderr)
	}
	for range 2 { // it may be applied again
		if got := s.done("schema", "--apply"); got != "the tables are there\n" {
			t.Errorf("schema --apply prints %q", got)
		}
	}
	if printed := s.done("schema"); !strings.Contains(printed, "CREATE TABLE") ||
		!strings.Contains(printed, "coatcheck_sessions") {
		t.Errorf("schema prints %q", printed)
	}
}

func checks(s *site, kind string) {
	s.t.Helper()
	result := readJSON[checked](s, "check")
	if !result.OK || result.Store != kind || len(result.Steps) < 9 {
		s.t.Errorf("check: %+v", result)
	}
	for _, step := range result.Steps {
		_, indexes := s.store.(session.Indexer)
		_, sweeps := s.store.(session.Sweeper)
		unsupported := step.Step == "list by subject" && (!indexes || kind == "memcached") || step.Step == "sweep" && !sweeps
		if want := map[bool]status{false: statusOK, true: statusUnsupported}[unsupported]; step.Status != want {
			s.t.Errorf("check: %+v, want %s", step, want)
		}
	}
}

func listsAndRevokes(s *site) {
	s.t.Helper()
	for i := range 3 {
		s.login("user:42", time.Duration(i-3)*time.Minute)
	}
	other := s.login("user:43", 0)
	found := readJSON[[]shown](s, "list", "user:42")
	if len(found) != 3 || found[0].Subject != "user:42" || !slices.IsSortedFunc(found, func(a, b shown) int {
		return b.Created.Compare(a.Created)
	}) {
		s.t.Fatalf("list: %+v, want three, newest first", found)
	}
	handle := found[1].Handle
	if text := s.done("list", "user:42"); strings.Count(text, "\n") != 4 || !strings.Contains(text, handle) ||
		!strings.HasPrefix(text, "HANDLE ") {
		s.t.Errorf("list prints %s", text)
	}
	s.fails("coatcheck list", "revoke", "user:43", handle) // whoever mistypes the subject ends nobody's session
	if got := s.done("revoke", "user:42", handle); got != "revoked 1 session\n" {
		s.t.Errorf("revoke prints %q", got)
	}
	s.fails("no live session", "revoke", "user:42", handle)
	if left := readJSON[[]shown](s, "list", "user:42"); len(left) != 2 || left[0].Handle == handle ||
		left[1].Handle == handle {
		s.t.Errorf("after revoke: %+v", left)
	}
	if got := readJSON[revoked](s, "revoke-all", "user:42"); got.Revoked != 2 {
		s.t.Errorf("revoke-all: %+v, want 2", got)
	}
	if got := s.done("revoke-all", "user:42"); !strings.HasPrefix(got, "revoked 0 sessions: ") ||
		!strings.Contains(got, "check the URL") {
		s.t.Errorf("revoke-all prints %q", got)
	}
	if status, stdout, stderr := s.run("list", "user:42"); status != exitOK || stdout != "" ||
		!strings.Contains(stderr, "no session") {
		s.t.Errorf("list of nothing: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	if text := s.done("list", "user:42", "--json"); text != "[]\n" {
		s.t.Errorf("list of nothing as JSON is %q", text)
	}
	if text := s.done("inspect", other.Value); !strings.Contains(text, "user:43") ||
		!strings.HasPrefix(text, "alive      yes\n") {
		s.t.Errorf("another subject's session: %s", text)
	}
}

func sweeps(s *site, needed bool) {
	s.t.Helper()
	alive := s.login("user:42", 0)
	for range 3 {
		s.login("user:42", -24*time.Hour)
	}
	got := readJSON[swept](s, "sweep")
	if needed && (got.Removed != 3 || got.Needless) || !needed && (got.Removed != 0 || !got.Needless) {
		s.t.Errorf("sweep: %+v", got)
	}
	want := "removed 0 expired sessions in "
	if !needed {
		want = "nothing to sweep"
	}
	if text := s.done("sweep"); !strings.HasPrefix(text, want) {
		s.t.Errorf("sweep prints %q, want %q", text, want)
	}
	if text := s.done("inspect", alive.Value); !strings.HasPrefix(text, "alive      yes\n") {
		s.t.Errorf("after the sweep: %s", text)
	}
}

func inspects(s *site) {
	s.t.Helper()
	cookie := sessiontest.Login(s.t, s.manager(session.Options{Name: "sid"}, 0), "user:44", func(s *session.Session) {
		csrf.Set(s, "hunter2")
	})
	text := s.done("inspect", cookie.String())
	for _, want := range []string{"__Host-sid", "user:44", "the store", "(hidden, 9 bytes; --secrets shows it)"} {
		if !strings.Contains(text, want) {
			s.t.Errorf("inspect does not mention %q: %s", want, text)
		}
	}
	if strings.Contains(text, cookie.Value) || strings.Contains(text, "hunter2") {
		s.t.Errorf("inspect prints a secret: %s", text)
	}
	if status, text, stderr := s.run("inspect", cookie.Value); status != exitNobody ||
		!strings.Contains(text, "unknown") || stderr != "" {
		s.t.Errorf("without its name the manager cannot be known: status %d, %s%s", status, text, stderr)
	}
	if text := s.done("inspect", cookie.Value, "--name", "sid", "--secrets"); !strings.Contains(text, `"hunter2"`) {
		s.t.Errorf("with --name and --secrets: %s", text)
	}
}

// The table's name is the URL's, in what is printed as well as in what is used.
func TestTableOfAnotherName(t *testing.T) {
	s := &site{t: t, url: sqliteURL(t) + "?table=visits"}
	if text := s.done("schema"); !strings.Contains(text, `"visits"`) || strings.Contains(text, "coatcheck_sessions") {
		t.Errorf("schema prints %s", text)
	}
	s.done("schema", "--apply")
	s.done("check")
}

func TestSchemaWithoutStore(t *testing.T) {
	for dialect, want := range map[string]string{"sqlite": "BLOB", "postgres": "BYTEA", "mysql": "InnoDB"} {
		if status, stdout, _ := call("schema", "-dialect", dialect); status != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("%s: status %d, %s", dialect, status, stdout)
		}
		if _, stdout, _ := call("schema", "--dialect", dialect, "--json"); !json.Valid([]byte(stdout)) {
			t.Errorf("%s: %s is not JSON", dialect, stdout)
		}
	}
}

// A handle is random, and one in 64 begins with a dash.
func TestHandleThatLooksLikeAFlag(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	handle := ""
	for !strings.HasPrefix(handle, "-") {
		s.login("user:42", 0)
		found, err := s.manager(session.Options{}, 0).List(t.Context(), "user:42")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range found {
			if strings.HasPrefix(i.Handle, "-") {
				handle = i.Handle
			}
		}
	}
	s.done("revoke", "user:42", handle)
}

// TestAMistypedPath: "no session" would be taken for "locked out", and "ok" for a store that works.
func TestAMistypedPath(t *testing.T) {
	dir := t.TempDir()
	for _, scheme := range []string{"file://", "sqlite://"} {
		for _, command := range [][]string{
			{"check"}, {"list", "user:1"}, {"revoke", "user:1", "x"}, {"revoke-all", "user:1"}, {"sweep"},
		} {
			status, stdout, stderr := call(append(command, "--store", scheme+dir+"/typo")...)
			if status != exitFailed || stdout != "" || !strings.Contains(stderr, "there is no store at "+dir+"/typo") {
				t.Errorf("%s %q: status %d, stdout %q, stderr %q", scheme, command, status, stdout, stderr)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("looking made %v (%v)", left, err)
	}
}

// The command does not know how long the application lets its sessions live, and must not take its own defaults for it.
func TestALongLivedSessionIsListedAndInspected(t *testing.T) {
	o := session.Options{IdleTimeout: 30 * 24 * time.Hour, AbsoluteTimeout: 90 * 24 * time.Hour}
	s := newSite(t, sqliteURL(t))
	cookie := sessiontest.Login(t, s.manager(o, -20*24*time.Hour), "user:42")
	if out := s.done("list", "user:42"); !strings.Contains(out, "20 days") && !strings.Contains(out, s.handleOf(cookie)) {
		t.Errorf("list prints %q and not the session that was used 20 days ago", out)
	}
	s.t.Setenv("COATCHECK_STORE", s.url)
	if got := inspectJSON(t, now(0), cookie.Value); !got.Alive {
		t.Errorf("inspect says %q", got.Reason)
	}
}

func (s *site) handleOf(c *http.Cookie) string {
	s.t.Helper()
	found, err := s.manager(session.Options{IdleTimeout: longest, AbsoluteTimeout: longest},
		0).Inspect(s.t.Context(), c.Value)
	if err != nil {
		s.t.Fatal(err)
	}
	return found.Handle
}
