package proof_test

import (
	"bytes"
	"context"
	"database/sql"
	"go/format"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	scsmemstore "github.com/alexedwards/scs/v2/memstore"
	"github.com/gofiber/fiber/v2"
	fibersessions "github.com/gofiber/fiber/v2/middleware/session"
	"github.com/gorilla/sessions"
	"github.com/markbates/goth/gothic"
	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const migrationPage = "../../docs/migration.md"

// TestMigrationPageShowsThisCode: what the page shows in Go is in page_code_test.go, where the compiler and the tests
// below see it.
func TestMigrationPageShowsThisCode(t *testing.T) {
	page, err := os.ReadFile(migrationPage)
	noError(t, err)
	code, err := os.ReadFile("page_code_test.go")
	noError(t, err)
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	for _, b := range blocks {
		if !strings.Contains(outdented(string(code)), outdented(b[1])) {
			t.Errorf("page_code_test.go does not have this:\n%s", b[1])
		}
		if formatted, err := format.Source([]byte(b[1])); err != nil || string(formatted) != b[1] {
			t.Errorf("gofmt would change this (error %v):\n%s", err, b[1])
		}
	}
	if len(blocks) < 15 {
		t.Errorf("%s has %d pieces of Go, want 15 or more", migrationPage, len(blocks))
	}
}

// TestMigrationPageNamesWhatThereIs: each field that the page names by its type exists.
func TestMigrationPageNamesWhatThereIs(t *testing.T) {
	page, err := os.ReadFile(migrationPage)
	noError(t, err)
	structs := map[string][]any{
		"Config": {fromgorilla.Config{}, fromscs.Config{}, fromfiber.Config{}, fromflask.Config{}, fromdjango.Config{},
			fromexpress.Config{}, fibersessions.Config{}},
		"Importer": {session.Importer{}}, "Event": {session.Event{}}, "ForeignCookie": {session.ForeignCookie{}},
		"Mirror": {fromflask.Mirror{}}, "Foreign": {session.Foreign{}}, "Options": {session.Options{}},
		"Cookie": {session.Cookie{}}, "Guard": {session.Guard{}}, "Table": {fromflask.Table{}, fromdjango.Table{}},
		"Users": {fromdjango.Users{}}, "SessionManager": {scs.SessionManager{}},
	}
	named := regexp.MustCompile("`([A-Z]\\w+)\\.([A-Z]\\w+)").FindAllStringSubmatch(string(page), -1)
	for _, name := range named {
		exists := slices.ContainsFunc(structs[name[1]], func(s any) bool {
			_, ok := reflect.TypeOf(s).FieldByName(name[2])
			return ok
		})
		if !exists {
			t.Errorf("there is no %s.%s", name[1], name[2])
		}
	}
	if len(named) < 40 {
		t.Errorf("%d names are found, want 40 or more", len(named))
	}
}

// outdented takes the tabs off that lines begin with.
func outdented(s string) string { return regexp.MustCompile(`(?m)^\t+`).ReplaceAllString(s, "") }

// TestMigrationPage: who has logged in with the code of before, or with the real Flask or Django, goes on logged in on
// the code of after, with cart and language, once, and a forged cookie brings nothing.
func TestMigrationPage(t *testing.T) {
	lastDay = time.Now().Add(30 * day)
	hashKey, blockKey := bytes.Repeat([]byte("h"), 64), bytes.Repeat([]byte("b"), 32)

	t.Run("CookieStore", func(t *testing.T) {
		i, err := fromCookieStore(hashKey, blockKey)
		noError(t, err)
		goesOn(t, i, cookieFrom(t, gorillaLogin(hashKey, blockKey)), "user:42 has [tea], in de")
	})
	t.Run("redistore", func(t *testing.T) {
		server := newGorillaServer(t)
		store, err := rediStore(server.addr, hashKey)
		noError(t, err)
		t.Cleanup(func() { _ = store.Close() })
		i, err := fromRediStore(server.client, hashKey)
		noError(t, err)
		goesOn(t, i, cookieFrom(t, storesUser(t, store)), "user:42 has [tea], in de")
	})
	t.Run("scs", func(t *testing.T) {
		m := scsSessions(scsmemstore.NewWithCleanupInterval(0))
		i, err := fromSCS(m.Store)
		noError(t, err)
		goesOn(t, i, cookieFrom(t, m.LoadAndSave(loginSCS(m))), "user:42 has [tea], in de")
	})
	t.Run("Fiber", func(t *testing.T) {
		storage, app := fibersessions.New().Storage, fiber.New()
		app.Get("/", fiberLogin2(storage))
		response, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil)) //nolint:bodyclose // it is in memory
		noError(t, err)
		i, err := fromFiber(storage)
		noError(t, err)
		goesOn(t, i, response.Cookies()[0], "user:42 has [tea], in de")
	})
	t.Run("express", func(t *testing.T) {
		i, err := fromExpress(expressRow{}, "keyboard cat")
		noError(t, err)
		cookie := "s%3AAAECAwQFBgcICQoLDA0ODxAREhMUFRYX.N0Id4opwqhaAYcoIYSsRkO1j3rAafXluGboH3Nk7dVc"
		goesOn(t, i, &http.Cookie{Name: "connect.sid", Value: cookie, HttpOnly: true}, "user:42 has [tea], in de")
	})
	t.Run("Flask", pageOnFlask)
	t.Run("Django", pageOnDjango)
}

// expressRow is what connect-redis keeps of the session that the cookie above, express-session's own, stands for.
type expressRow struct{}

func (expressRow) Get(context.Context, string) ([]byte, error) {
	return []byte(`{"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/"},"passport":{"user":42},` +
		`"cart":[{"name":"tea","count":2}],"language":"de"}`), nil
}

func pageOnFlask(t *testing.T) {
	needPython(t, flaskPackages)
	client := redis.NewClient(&redis.Options{Addr: servers.Redis(t).Addr})
	t.Cleanup(func() { _ = client.Close() })
	url := startFlask(t, flaskApps{
		"cookie": {"SESSION_COOKIE_SECURE": true, "SESSION_COOKIE_SAMESITE": "Lax"},
		"server": {
			"SESSION_COOKIE_SECURE": true, "SESSION_TYPE": "redis", "SERVER": "redis://" + client.Options().Addr,
			"SERIALIZER": "msgpack",
		},
	})
	for app, importer := range map[string]func() (session.Importer, error){
		"cookie": func() (session.Importer, error) { return fromFlask(flaskSecret) },
		"server": func() (session.Importer, error) { return fromFlaskSession(client) },
	} {
		i, err := importer()
		noError(t, err)
		login, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+app+"/login?user=42", nil)
		noError(t, err)
		answer, err := http.DefaultClient.Do(login)
		noError(t, err)
		noError(t, answer.Body.Close())
		goesOn(t, i, answer.Cookies()[0], "user:42 has [apple banana], in ja 太郎")
	}
}

func pageOnDjango(t *testing.T) {
	table, env := onSQLite(t)
	v := startDjango(t, djangoPlaces["db"](t), table, env).visitor(t).login("ann")
	i, err := fromDjango(djangoSecret, table.DB, sqlstore.SQLite)
	noError(t, err)
	cookie := &http.Cookie{Name: "sessionid", Value: v.cookie(), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	goesOn(t, i, cookie, "user:1 has [apple 太郎 🍣], in ja")
}

// storesUser is what the handler of the CookieStore does, on another store.
func storesUser(t *testing.T, store sessions.Store) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, "shop")
		noError(t, err)
		for key, value := range map[string]any{"user": 42, "cart": []string{"tea"}, "lang": "de"} {
			s.Values[key] = value
		}
		noError(t, s.Save(r, w))
	}
}

// cookieFrom is the first cookie that a site sets.
func cookieFrom(t *testing.T, site http.Handler) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, c := range w.Result().Cookies() {
		return c
	}
	t.Fatalf("status %d, and no cookie", w.Code)
	return nil
}

// goesOn visits the new site with the old one's cookie, without it, and with a forged one.
func goesOn(t *testing.T, old session.Importer, cookie *http.Cookie, want string) {
	t.Helper()
	told := logged(t)
	sessions, err := newSessions(memstore.New(), old)
	noError(t, err)
	site := httpsession.Middleware(sessions)(http.HandlerFunc(welcome))
	visit := func(value string, c ...*http.Cookie) *httptest.ResponseRecorder {
		r, w := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil), httptest.NewRecorder()
		for _, c := range append(c, &http.Cookie{Name: cookie.Name, Value: value}) {
			r.AddCookie(c)
		}
		site.ServeHTTP(w, r)
		return w
	}
	last := len(cookie.Value) - 1
	forged := cookie.Value[:last] + strings.Map(func(r rune) rune { return r ^ 1 }, cookie.Value[last:])
	if got := visit(forged).Body.String(); got != " has [], in " {
		t.Errorf("with a forged cookie the page says %q", got)
	}
	first := visit(cookie.Value)
	if got := first.Body.String(); got != want {
		t.Errorf("the page says %q, want %q", got, want)
	}
	var own *http.Cookie
	for _, c := range first.Result().Cookies() {
		if c.Name == cookie.Name {
			sameScope(t, cookie, c)
		} else {
			own = c
		}
	}
	if got := visit("", own).Body.String(); got != want || own.Name != "__Host-id" {
		t.Errorf("with the new cookie %s the page says %q, want %q", own.Name, got, want)
	}
	if n := strings.Count(told.String(), "session imported"); n != 1 || !strings.Contains(told.String(), old.Name) {
		t.Errorf("%d imports are logged:\n%s", n, told)
	}
}

// sameScope: a browser deletes the cookie that it has, and no other.
func sameScope(t *testing.T, set, deleted *http.Cookie) {
	t.Helper()
	if deleted.MaxAge >= 0 || set.Domain != deleted.Domain || set.Path != "" && set.Path != deleted.Path ||
		set.Secure != deleted.Secure || set.HttpOnly != deleted.HttpOnly || set.SameSite != deleted.SameSite {
		t.Errorf("the old site sets %q, and the new one deletes %q", set, deleted)
	}
}

// logged is what the default logger gets until the test ends.
func logged(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

// TestMigrationPageForHandlersOfGorilla: they run unchanged.
func TestMigrationPageForHandlersOfGorilla(t *testing.T) {
	before := gothic.Store
	t.Cleanup(func() { gothic.Store = before })
	m, err := newSessions(memstore.New())
	noError(t, err)
	site := onGorillaStore(m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		storesUser(t, gothic.Store)(w, r)
	}))
	if c := cookieFrom(t, site); c.Name != "__Host-id" {
		t.Errorf("the cookie is %s", c)
	}
}

// TestMigrationPageOpensTheOthers: the importers of which the page has a line or two can be made.
func TestMigrationPageOpensTheOthers(t *testing.T) {
	db, client := openDB(t, "sqlite", "file:"+filepath.Join(t.TempDir(), "site.db")), redis.NewClient(&redis.Options{})
	t.Cleanup(func() { _ = client.Close() })
	_, err := fromFlaskTable(db)
	noError(t, err)
	for _, engine := range []string{"signed_cookies", "cache", "file"} {
		c := djangoSettings(djangoSecret, db, sqlstore.SQLite)
		_, err := fromOtherDjango(engine, c, client, t.TempDir())
		noError(t, err)
	}
}

// TestMigrationPageShowsTheWarning: the log has the line of the page.
func TestMigrationPageShowsTheWarning(t *testing.T) {
	page, err := os.ReadFile(migrationPage)
	noError(t, err)
	i, err := fromFlask(flaskSecret)
	noError(t, err)
	i.Until = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)
	told := logged(t)
	o := session.Options{Import: []session.Importer{i}, Now: func() time.Time { return i.Until.Add(-day) }}
	_, err = session.New(memstore.New(), o)
	noError(t, err)
	_, line, _ := strings.Cut(told.String(), " ") // the time
	if line == "" || !strings.Contains(string(page), line) {
		t.Errorf("the page does not have this line:\n%s", line)
	}
}

// TestMigrationPageSharesLogins: what the page shows for both at once keeps Flask and Django in step.
func TestMigrationPageSharesLogins(t *testing.T) {
	t.Setenv("FLASK_SECRET_KEY", flaskSecret)
	t.Setenv("DJANGO_SECRET_KEY", djangoSecret)
	db, err := sql.Open("pgx", "postgres://127.0.0.1:1/nowhere") // nobody asks it anything
	noError(t, err)
	defer func() { _ = db.Close() }()
	sessions, err := together(memstore.New(), db, nil,
		func(_ context.Context, subject string) (string, error) {
			return strings.TrimPrefix(subject, "user"), nil
		},
		func(_ context.Context, f session.Foreign) (string, error) { return "user" + f.Subject, nil })
	noError(t, err)
	imports := sessions.Settings().Imports
	if len(imports) != 2 || !imports[0].Mirror || !imports[1].Mirror {
		t.Errorf("the importers are %+v, want two mirrors", imports)
	}
}
