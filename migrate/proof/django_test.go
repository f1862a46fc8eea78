package proof_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

const djangoSecret = "django's secret in the tests"

// djangoSite is a site of Django's, and what takes its sessions over.
type djangoSite struct {
	url      *url.URL
	importer session.Importer
	forgets  bool          // whether a logout is more than the browser's cookie
	store    session.Store // of the shop beside it
}

// djangoPlace is where a site's sessions are.
type djangoPlace struct {
	engine   string
	packages map[string]string
	env      []string
	importer djangoImporter
	store    session.Store // nil for memory
}

type djangoImporter func(c fromdjango.Config, t fromdjango.Table) (session.Importer, error)

func startDjango(t *testing.T, p djangoPlace, table fromdjango.Table, env ...string) djangoSite {
	t.Helper()
	packages := map[string]string{"django": "python3-django"}
	for module, name := range p.packages {
		packages[module] = name
	}
	env = slices.Concat(env, p.env, []string{"SECRET_KEY=" + djangoSecret, "ENGINE=" + p.engine})
	u, err := url.Parse(startPython(t, "django_app.py", packages, env...))
	noError(t, err)
	i, err := p.importer(fromdjango.Config{
		Secrets: []string{djangoSecret},
		Users:   &fromdjango.Users{DB: table.DB, Dialect: table.Dialect},
		UserID: func(_ context.Context, subject string) (string, error) {
			return strings.TrimPrefix(subject, "user:"), nil
		},
	}, table)
	noError(t, err)
	if p.store == nil {
		p.store = memstore.New()
	}
	return djangoSite{url: u, importer: i, forgets: p.engine != "signed_cookies", store: p.store}
}

func onSQLite(t *testing.T) (table fromdjango.Table, env string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "django.db")
	db := openDB(t, "sqlite", "file:"+file+"?_pragma=busy_timeout(10000)")
	return fromdjango.Table{DB: db, Dialect: sqlstore.SQLite}, "SQLITE=" + file
}

// TestDjango: who has logged in with the real Django comes along, and who logs in by the mirror is logged in there,
// until one of the two logs out, or the password changes.
func TestDjango(t *testing.T) {
	for name, place := range djangoPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, env := onSQLite(t)
			djangoScenario(t, startDjango(t, place(t), table, env))
		})
	}
}

// TestDjangoDatabases: the databases differ in how they keep a date. Where that has no zone, Django counts in Tokyo's
// time.
func TestDjangoDatabases(t *testing.T) {
	db := djangoPlace{engine: "db", importer: fromdjango.DB}
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		server := servers.PostgreSQL(t)
		table := fromdjango.Table{DB: openDB(t, "pgx", servers.PostgreSQLURL(server)), Dialect: sqlstore.PostgreSQL}
		db := db
		db.packages = map[string]string{"psycopg2": "python3-psycopg2"}
		store, err := sqlstore.New(table.DB, sqlstore.PostgreSQL, sqlstore.Options{})
		noError(t, err)
		noError(t, store.Migrate(t.Context()))
		db.store = store
		djangoScenario(t, startDjango(t, db, table, "POSTGRESQL="+server.Addr))
	})
	t.Run("MariaDB", func(t *testing.T) {
		t.Parallel()
		server := servers.MariaDB(t)
		pool := openDB(t, "mysql", servers.MariaDBURL(server)+"?parseTime=true")
		table := fromdjango.Table{DB: pool, Dialect: sqlstore.MySQL}
		db := inTokyo(db)
		db.packages = map[string]string{"MySQLdb": "python3-mysqldb"}
		djangoScenario(t, startDjango(t, db, table, "MARIADB="+server.Addr))
	})
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		table, env := onSQLite(t)
		djangoScenario(t, startDjango(t, inTokyo(db), table, env))
	})
}

func inTokyo(p djangoPlace) djangoPlace {
	p.env = []string{"NAIVE=1", "TZ=Asia/Tokyo"} // which Django sets itself when it has a settings module
	p.importer = func(c fromdjango.Config, t fromdjango.Table) (session.Importer, error) {
		c.Location = time.FixedZone("Asia/Tokyo", 9*60*60)
		// A session of 1000 seconds in the wrong zone is over, or lasts nine hours longer, which this clock shows.
		c.Now = func() time.Time { return time.Now().Add(900 * time.Second) }
		return fromdjango.DB(c, t)
	}
	return p
}

func openDB(t *testing.T, driver, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, url)
	noError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func djangoScenario(t *testing.T, site djangoSite) {
	djangoComes(t, site)
	djangoMirrors(t, site)
	djangoBeside(t, site)
	djangoLeaves(t, site)
	djangoPasswords(t, site)
}

func djangoComes(t *testing.T, site djangoSite) {
	t.Helper()
	anonymous := site.visitor(t)
	anonymous.get("/visit")
	anonymous.wantOpen("nobody", "")
	ann := site.visitor(t).login("ann")
	f := ann.wantOpen("ann", "1")
	if age := time.Since(f.Written); !f.Written.IsZero() && (age < 0 || age > time.Hour) {
		t.Errorf("written %v", f.Written)
	}
	old := ann.cookie()
	ann.get("/logout")
	if ann.cookie() != "" {
		t.Error("Django's logout leaves a cookie")
	}
	if _, err := site.importer.Open(t.Context(), old); site.forgets && !errors.Is(err, session.ErrNotFound) {
		t.Errorf("after Django's logout: %v", err)
	}
	short := site.visitor(t)
	short.get("/visit?expiry=1000")
	short.wantOpen("set_expiry", "")
}

func djangoMirrors(t *testing.T, site djangoSite) {
	t.Helper()
	mirror, before := site.importer.Mirror, site.visitor(t)
	before.get("/visit")
	old := before.cookie()
	f := session.Foreign{Subject: "user:2", Deadline: time.Now().Add(1000 * time.Second)} // over, in the wrong zone
	f.Values = map[string]any{"cart": json.RawMessage(`["apple","太郎 🍣"]`), "language": "fr"}
	value, err := mirror.Login(t.Context(), old, f)
	noError(t, err)
	bob := site.visitor(t).with(value)
	sees := bob.wantDjango("after a login here", "2")
	if !slices.Equal(sees.Cart, djangoCart) || sees.Language != "fr" {
		t.Errorf("Django sees %+v", sees)
	}
	bob.get("/visit") // Django writes the session too
	bob.wantDjango("after a visit there", "2")
	bob.wantOpen("the mirror's session", "2")
	if site.forgets {
		noError(t, mirror.Logout(t.Context(), old))
		before.wantDjango("with the session of before the login", "")
		if _, err := site.importer.Open(t.Context(), old); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("the session of before the login: %v", err)
		}
		noError(t, mirror.Logout(t.Context(), bob.cookie()))
		bob.wantDjango("after a logout here", "")
	}
	value, err = mirror.Login(t.Context(), "", session.Foreign{Subject: "user:2"})
	noError(t, err)
	bob = site.visitor(t).with(value)
	bob.get("/logout")
	if _, err := site.importer.Open(t.Context(), value); site.forgets && !errors.Is(err, session.ErrNotFound) {
		t.Errorf("after a logout there: %v", err)
	}
}

func djangoPasswords(t *testing.T, site djangoSite) {
	t.Helper()
	ann, bob := site.visitor(t).login("ann"), site.visitor(t).login("bob")
	site.visitor(t).get("/change?user=bob&password=secret+of+bob")
	ann.wantOpen("another user's new password", "1")
	bob.wantRefused("a new password", session.ReasonAlreadyEnded)
	bob.wantDjango("a new password", "")
	bob = site.visitor(t).login("bob")
	bob.wantOpen("a login with the new password", "2")
	old := bob.cookie()
	site.visitor(t).get("/change?user=bob&inactive&password=secret+of+bob")
	site.visitor(t).with(old).wantRefused("an inactive user", session.ReasonAlreadyEnded)
	_, err := site.importer.Mirror.Login(t.Context(), "", session.Foreign{Subject: "user:2"})
	if err == nil {
		t.Error("the mirror logs in an inactive user")
	}
}
