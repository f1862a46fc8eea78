package proof_test

import (
	"context"
	"database/sql"
	"encoding/gob" //nolint:depguard // scs writes it
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/mysqlstore"
	"github.com/alexedwards/scs/postgresstore"
	scsredisstore "github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/sqlite3store"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	_ "github.com/go-sql-driver/mysql"
	"github.com/gomodule/redigo/redis"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
)

type scsItem struct {
	Name  string
	Count int
}

// scsStores are scs's stores, with the tables that their documentation has.
var scsStores = map[string]func(*testing.T) scs.Store{
	"memory": func(*testing.T) scs.Store { return memstore.NewWithCleanupInterval(0) },
	"redis": func(t *testing.T) scs.Store {
		addr := servers.Redis(t).Addr
		pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", addr) }}
		t.Cleanup(func() { _ = pool.Close() })
		return scsredisstore.New(pool)
	},
	"sqlite": func(t *testing.T) scs.Store {
		db := scsTable(t, "sqlite", filepath.Join(t.TempDir(), "sessions.db"), "TEXT", "BLOB", "REAL")
		return sqlite3store.NewWithCleanupInterval(db, 0)
	},
	"postgresql": func(t *testing.T) scs.Store {
		db := scsTable(t, "pgx", servers.PostgreSQLURL(servers.PostgreSQL(t)), "TEXT", "BYTEA", "TIMESTAMPTZ")
		return postgresstore.NewWithCleanupInterval(db, 0)
	},
	"mariadb": func(t *testing.T) scs.Store {
		db := scsTable(t, "mysql", servers.MariaDBURL(servers.MariaDB(t)), "CHAR(43)", "BLOB", "TIMESTAMP(6)")
		return mysqlstore.NewWithCleanupInterval(db, 0)
	},
}

func scsTable(t *testing.T, driver, source, token, data, expiry string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	_, err = db.ExecContext(t.Context(), "CREATE TABLE sessions (token "+token+" PRIMARY KEY, data "+data+
		" NOT NULL, expiry "+expiry+" NOT NULL)")
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// scsLogin logs a visitor in as an application with scs does, and returns the cookie.
func scsLogin(t *testing.T, m *scs.SessionManager) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	m.LoadAndSave(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		m.Put(r.Context(), "cart", []scsItem{{"tea", 2}})
		m.Put(r.Context(), "language", "de")
		if err := m.RenewToken(r.Context()); err != nil {
			t.Error(err)
		}
		m.Put(r.Context(), "user", 42)
	})).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies %v, status %d", cookies, w.Code)
	}
	return cookies[0]
}

func TestSCS(t *testing.T) {
	gob.Register([]scsItem{})
	for name, newStore := range scsStores {
		t.Run(name, func(t *testing.T) {
			m := scs.New()
			m.Store = newStore(t)
			for _, m.HashTokenInStore = range []bool{false, true} {
				scsSessionGoesOn(t, m)
				scsSessionEnds(t, m)
			}
		})
	}
}

func scsImporter(t *testing.T, m *scs.SessionManager, later time.Duration, types ...any) session.Importer {
	t.Helper()
	i, err := fromscs.Sessions(fromscs.Config{
		Store: m.Store, HashTokenInStore: m.HashTokenInStore, Lifetime: m.Lifetime, Types: types,
		Now: func() time.Time { return time.Now().Add(later) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func scsSessionGoesOn(t *testing.T, m *scs.SessionManager) {
	t.Helper()
	cookie := scsLogin(t, m)
	i := scsImporter(t, m, 0, []scsItem{})
	f, err := i.Open(t.Context(), cookie.Value)
	if err != nil {
		t.Fatal(err)
	}
	cart, _ := f.Values["cart"].([]scsItem)
	if !slices.Equal(cart, []scsItem{{"tea", 2}}) || f.Values["language"] != "de" || f.Values["user"] != 42 {
		t.Errorf("values %v", f.Values)
	}
	openShop(t, i, func(f session.Foreign) any { return f.Values["user"] }).takesOver(cookie)
	if age := time.Since(f.Created); age < 0 || age > time.Minute || !f.Deadline.Equal(f.Created.Add(m.Lifetime)) {
		t.Errorf("created %s, deadline %s", f.Created, f.Deadline)
	}
	// MySQL finds a token in capitals too. It is the same session, to be taken over once.
	twin, err := i.Open(t.Context(), strings.ToUpper(cookie.Value[:42])+cookie.Value[42:])
	if err == nil && twin.ID != f.ID {
		t.Error("one session has two IDs")
	}
	if c := i.Cookie; c.Name != cookie.Name || c.Insecure == cookie.Secure || c.Readable == cookie.HttpOnly ||
		c.SameSite != cookie.SameSite || c.Domain != cookie.Domain || cookie.Path != "/" {
		t.Errorf("scs sets %q, the importer %+v", cookie, c)
	}
}

func scsSessionEnds(t *testing.T, m *scs.SessionManager) {
	t.Helper()
	cookie := scsLogin(t, m)
	for why, test := range map[string]struct {
		value string
		i     session.Importer
		want  session.Reason
	}{
		"forged":                   {strings.Repeat("A", 43), scsImporter(t, m, 0, []scsItem{}), session.ReasonUnknown},
		"too old":                  {cookie.Value, scsImporter(t, m, m.Lifetime, []scsItem{}), session.ReasonExpiredAbsolute},
		"of types nobody has said": {cookie.Value, scsImporter(t, m, 0), session.ReasonCorrupt},
		"expired in the store":     {scsExpired(t, m), scsImporter(t, m, 0, []scsItem{}), session.ReasonUnknown},
		"logged out":               {scsLoggedOut(t, m), scsImporter(t, m, 0, []scsItem{}), session.ReasonUnknown},
	} {
		_, err := test.i.Open(t.Context(), test.value)
		if got := refusedFor(t, err); got != test.want {
			t.Errorf("%s: %s, want %s", why, got, test.want)
		}
	}
}

// refusedFor is the reason for which a session has not been opened.
func refusedFor(t *testing.T, err error) session.Reason {
	t.Helper()
	if errors.Is(err, session.ErrNotFound) {
		return session.ReasonUnknown
	}
	refused, ok := errors.AsType[*session.NotImportedError](err)
	if !ok {
		t.Fatalf("error %v, want a refusal", err)
	}
	return refused.Reason
}

func scsExpired(t *testing.T, m *scs.SessionManager) string {
	t.Helper()
	lifetime := m.Lifetime
	m.Lifetime = -time.Hour
	defer func() { m.Lifetime = lifetime }()
	return scsLogin(t, m).Value
}

func scsLoggedOut(t *testing.T, m *scs.SessionManager) string {
	t.Helper()
	value := scsLogin(t, m).Value
	ctx, err := m.Load(context.Background(), value)
	if err == nil {
		err = m.Destroy(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	return value
}
