package proof_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	_ "modernc.org/sqlite"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const (
	flaskSecret = "a secret of the tests"
	flaskAgent  = `It's "Mozilla"/5.0 \ é`
)

var flaskPackages = map[string]string{
	"flask": "python3-flask", "flask_login": "python3-flask-login", "flask_session": "python3-flask-session",
	"redis": "python3-redis", "pymemcache": "python3-pymemcache", "flask_sqlalchemy": "python3-flask-sqlalchemy",
	"msgpack": "python3-msgpack", "psycopg2": "python3-psycopg2",
}

// flaskApps are the settings of applications by their names.
type flaskApps map[string]map[string]any

// startFlask serves applications below the URL that it returns.
func startFlask(t *testing.T, apps flaskApps) string {
	t.Helper()
	for _, settings := range apps {
		settings["SECRET_KEY"] = flaskSecret
	}
	text, err := json.Marshal(apps)
	noError(t, err)
	return startPython(t, "flask_app.py", flaskPackages, "FLASK_APPS="+string(text)) + "/"
}

// flaskBrowser is a visitor of a Flask application.
type flaskBrowser struct {
	t      *testing.T
	url    *url.URL
	client *http.Client
}

func browseFlask(t *testing.T, address string) flaskBrowser {
	t.Helper()
	u, err := url.Parse(address)
	noError(t, err)
	jar, err := cookiejar.New(nil)
	noError(t, err)
	return flaskBrowser{t, u, &http.Client{Jar: jar}}
}

// send returns the answer, which has to be a success.
func (b flaskBrowser) send(method, path string) []byte {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url.String()+path, nil)
	noError(b.t, err)
	r.Header.Set("User-Agent", flaskAgent)
	res, err := b.client.Do(r)
	noError(b.t, err)
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	noError(b.t, err)
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %s", method, path, res.Status)
	}
	return body
}

// cookie is the session cookie's value, "" without one.
func (b flaskBrowser) cookie() string {
	for _, c := range b.client.Jar.Cookies(b.url) {
		if c.Name == "session" {
			return c.Value
		}
	}
	return ""
}

// keep puts a cookie into the browser.
func (b flaskBrowser) keep(value string) {
	b.client.Jar.SetCookies(b.url, []*http.Cookie{{Name: "session", Value: value, Path: "/"}})
}

// flaskPage is what the application says about a visitor.
type flaskPage struct {
	User             string
	Fresh, Permanent bool
	Values           map[string]any
}

func (b flaskBrowser) page() (p flaskPage) {
	b.t.Helper()
	noError(b.t, json.Unmarshal(b.send(http.MethodGet, "/"), &p))
	return p
}

// flaskValues are what the application keeps, and flaskKinds what it keeps on request.
var (
	flaskValues = map[string]string{
		"cart": `["apple","banana"]`, "language": `"ja 太郎"`, "count": "3", "_flashes": `[["message","Hello"]]`,
		"_fresh": "true",
	}
	flaskKinds = map[string]string{
		"tuple": `["a",1]`, "bytes": `"AP9oZWxsbw=="`, "when": `"2024-02-29T12:34:56Z"`,
		"uuid": `"12345678-1234-5678-1234-567812345678"`, "markup": `"<b>hi</b>"`, "tag": `{" t":"x"}`,
	}
)

// comesAlong logs a visitor in, with values of some kinds, and opens the session as Coatcheck does.
func comesAlong(t *testing.T, i session.Importer, b flaskBrowser, how string, kinds ...string) {
	t.Helper()
	want := maps.Clone(flaskValues)
	for _, kind := range kinds {
		want[kind] = flaskKinds[kind]
		how += "&kind=" + kind
	}
	b.send(http.MethodPost, "/login?user=42"+how)
	f, err := i.Open(t.Context(), b.cookie())
	noError(t, err)
	if f.Subject != "42" {
		t.Errorf("the subject is %q", f.Subject)
	}
	for name, text := range want {
		raw, _ := f.Values[name].(json.RawMessage)
		if got, want := unspaced(t, raw), unspaced(t, []byte(text)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// unspaced is JSON without its spelling.
func unspaced(t *testing.T, text []byte) (value any) {
	t.Helper()
	noError(t, json.Unmarshal(text, &value))
	return value
}

// logsIn writes a login with the importer's mirror and shows it to the application, which then ends it.
func logsIn(t *testing.T, i session.Importer, b flaskBrowser, permanent bool) {
	t.Helper()
	old := b.cookie()
	value, err := i.Mirror.Login(t.Context(), old, session.Foreign{Subject: "user:42", Values: map[string]any{
		"cart": json.RawMessage(`["pear",{" t":"x"}]`), "language": json.RawMessage(`"ja 太郎"`), "count": 1 << 40,
	}})
	noError(t, err)
	b.keep(value)
	want := flaskPage{User: "42", Fresh: true, Permanent: permanent, Values: map[string]any{
		"cart": []any{"pear", map[string]any{" t": "x"}}, "language": "ja 太郎", "count": float64(1 << 40),
	}}
	if got := b.page(); !reflect.DeepEqual(got, want) {
		t.Errorf("what the mirror wrote is shown as %+v, want %+v", got, want)
	}
	b.send(http.MethodPost, "/logout")
	if f, err := i.Open(t.Context(), b.cookie()); err != nil || f.Subject != "" {
		t.Errorf("after a logout there the subject is %q, %v", f.Subject, err)
	}
}

// flaskMirror is for the browser of the tests.
func flaskMirror(permanent bool) *fromflask.Mirror {
	return &fromflask.Mirror{
		User:      func(_ context.Context, subject string) (any, error) { return strings.TrimPrefix(subject, "user:"), nil },
		Client:    func(context.Context) (address, userAgent string) { return "127.0.0.1", flaskAgent },
		Permanent: permanent,
	}
}

// TestFlaskCookie: who has logged in with Flask comes along with everything that Flask can keep, and who logs in here
// is logged in there, as Flask-Login wants it when it is strict.
func TestFlaskCookie(t *testing.T) {
	app := startFlask(t, flaskApps{"strict": {"SESSION_PROTECTION": "strong"}})
	for _, permanent := range []bool{false, true} {
		i, err := fromflask.Cookie(fromflask.Config{
			Secrets: []string{flaskSecret, "an old one"}, Mirror: flaskMirror(permanent),
		})
		noError(t, err)
		how, b := "", browseFlask(t, app+"strict")
		if permanent {
			how = "&permanent"
		}
		comesAlong(t, i, b, how, "tuple", "bytes", "when", "uuid", "markup", "tag")
		logsIn(t, i, b, permanent)
		besideFlask(t, i, browseFlask(t, app+"strict"))
	}
	moveFromFlask(t, browseFlask(t, app+"strict"))
}

type flaskImporter func(fromflask.Config) (session.Importer, error)

// TestFlaskSession: the same for sessions on a server, whichever it is and whatever they are written in.
func TestFlaskSession(t *testing.T) {
	needPython(t, flaskPackages)
	redisServer, memcached, database := servers.Redis(t).Addr, servers.Memcached(t).Addr, servers.PostgreSQL(t)
	file := filepath.Join(t.TempDir(), "sessions.db")
	apps := flaskApps{
		"redis":        {"SESSION_TYPE": "redis", "SERVER": "redis://" + redisServer, "SERIALIZER": "msgpack"},
		"redis-json":   {"SESSION_TYPE": "redis", "SERVER": "redis://" + redisServer, "SERIALIZER": "json"},
		"redis-pickle": {"SESSION_TYPE": "redis", "SERVER": "redis://" + redisServer, "SERIALIZER": "pickle"},
		"memcached":    {"SESSION_TYPE": "memcached", "SERVER": memcached, "SERIALIZER": "msgpack"},
		"sqlite":       {"SESSION_TYPE": "sqlalchemy", "SERVER": "sqlite:///" + file, "SERIALIZER": "json"},
		"postgresql": {"SESSION_TYPE": "sqlalchemy", "SERIALIZER": "msgpack",
			"SERVER": "postgresql://postgres@" + database.Addr + "/postgres"},
	}
	for _, signed := range []string{"redis-json", "memcached", "postgresql"} {
		apps[signed]["SESSION_USE_SIGNER"] = true
	}
	redis := inRedis(t, redisServer)
	importers := map[string]flaskImporter{
		"redis": redis, "redis-json": redis,
		"memcached": func(c fromflask.Config) (session.Importer, error) {
			return fromflask.KeyValue(c, memcachestore.KeyValue(memcache.New(memcached)))
		},
		"sqlite":     inTable(t, sqlstore.SQLite, "sqlite", file),
		"postgresql": inTable(t, sqlstore.PostgreSQL, "pgx", servers.PostgreSQLURL(database)),
	}
	url := startFlask(t, apps)
	for name, importer := range importers {
		t.Run(name, func(t *testing.T) { onServer(t, importer, browseFlask(t, url+name), apps[name]) })
	}
	t.Run("tables", func(t *testing.T) { flaskTables(t, servers.PostgreSQLURL(database)) })
	t.Run("redis-pickle", func(t *testing.T) { pickleIsRefused(t, redis, browseFlask(t, url+"redis-pickle")) })
}

func inRedis(t *testing.T, addr string) flaskImporter {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr})
	t.Cleanup(func() { _ = client.Close() })
	return func(c fromflask.Config) (session.Importer, error) {
		return fromflask.KeyValue(c, redisstore.KeyValue(client))
	}
}

func inTable(t *testing.T, d sqlstore.Dialect, driver, source string) flaskImporter {
	t.Helper()
	db, err := sql.Open(driver, source)
	noError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return func(c fromflask.Config) (session.Importer, error) {
		return fromflask.SQLAlchemy(c, fromflask.Table{DB: db, Dialect: d})
	}
}

func onServer(t *testing.T, importer flaskImporter, b flaskBrowser, settings map[string]any) {
	t.Helper()
	c := fromflask.Config{Mirror: flaskMirror(true)}
	c.Mirror.JSON = settings["SERIALIZER"] == "json"
	if settings["SESSION_USE_SIGNER"] == true {
		c.Secrets = []string{flaskSecret}
	}
	i, err := importer(c)
	noError(t, err)
	kinds := []string{"tuple", "tag"}
	if !c.Mirror.JSON {
		kinds = append(kinds, "bytes", "when")
	}
	comesAlong(t, i, b, "", kinds...)
	before := b.cookie()
	logsIn(t, i, b, true)
	noError(t, i.Mirror.Logout(t.Context(), before)) // as the core does when the login has succeeded
	if _, err := i.Open(t.Context(), before); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the session of before the login: error is %v", err)
	}
	besideFlask(t, i, browseFlask(t, b.url.String()))
	after := b.cookie()
	noError(t, i.Mirror.Logout(t.Context(), after))
	if _, err := i.Open(t.Context(), after); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("after a logout here: error is %v", err)
	}
	if p := b.page(); p.User != "" || p.Values["cart"] != nil {
		t.Errorf("after a logout here the application shows %+v", p)
	}
}

// pickleIsRefused: Flask-Session 0.3.2 as it is writes pickles, and their refusal says what to do.
func pickleIsRefused(t *testing.T, importer flaskImporter, b flaskBrowser) {
	t.Helper()
	i, err := importer(fromflask.Config{})
	noError(t, err)
	b.send(http.MethodPost, "/login?user=42")
	_, err = i.Open(t.Context(), b.cookie())
	var refused *session.NotImportedError
	if !errors.As(err, &refused) || refused.Reason != session.ReasonCorrupt || !strings.Contains(refused.Detail, "0.7") {
		t.Errorf("a pickle: error is %v", err)
	}
}
