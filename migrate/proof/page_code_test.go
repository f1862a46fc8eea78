package proof_test

import (
	"context"
	"database/sql"
	"encoding/gob" //nolint:depguard // programs on gorilla/sessions register their types
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/boj/redistore"
	"github.com/gofiber/fiber/v2"
	fibersessions "github.com/gofiber/fiber/v2/middleware/session"
	"github.com/gorilla/sessions"
	"github.com/markbates/goth/gothic"
	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
	fromfiber "github.com/coatcheck/coatcheck/migrate/fiber"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
	"github.com/coatcheck/coatcheck/migrate/gorillastore"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// This is the Go that docs/migration.md shows. page_test.go holds the page to it, and runs it.

const (
	cart     session.Key[[]string] = "cart"
	language session.Key[string]   = "language"
)

const day = 24 * time.Hour

// moved says which values come along: their keys here, by their names over there.
var moved = map[string]session.AnyKey{"cart": cart, "lang": language}

// lastDay is a week after the last session of the old system has ended.
var lastDay = time.Date(2027, time.March, 1, 0, 0, 0, 0, time.UTC)

func newSessions(store session.Store, old ...session.Importer) (*session.Manager, error) {
	return session.New(store, session.Options{
		IdleTimeout:     14 * day, // as over there
		AbsoluteTimeout: 90 * day,
		Import:          old,
		OnEvent:         noteImports,
	})
}

func noteImports(ctx context.Context, e session.Event) {
	if e.Reason == session.ReasonImported {
		slog.InfoContext(ctx, "session imported", "importer", e.Importer)
	}
	session.LogFailure(ctx, e) // as without OnEvent
}

// userID is for formats that know where the user's id is.
func userID(_ context.Context, f session.Foreign) (string, error) {
	if f.Subject == "" {
		return "", nil // nobody, whose cart comes along
	}
	return "user:" + f.Subject, nil
}

// userNumber is for sites that keep the user's number in the session themselves.
func userNumber(_ context.Context, f session.Foreign) (string, error) {
	if id, ok := f.Values["user"].(int); ok {
		return fmt.Sprintf("user:%d", id), nil
	}
	return "", nil
}

func welcome(w http.ResponseWriter, r *http.Request) {
	s := httpsession.From(r)
	_, _ = fmt.Fprintf(w, "%s has %v, in %s", s.Subject(), cart.Get(s), language.Get(s))
}

// gorilla/sessions

func gorillaLogin(hashKey, blockKey []byte) http.HandlerFunc {
	gob.Register(time.Time{})
	store := sessions.NewCookieStore(hashKey, blockKey)
	store.MaxAge(14 * 24 * 60 * 60)
	store.Options.Secure, store.Options.HttpOnly = true, true
	store.Options.SameSite = http.SameSiteLaxMode

	return func(w http.ResponseWriter, r *http.Request) {
		s, err := store.Get(r, "shop")
		if err != nil {
			log.Print("a cookie of old keys: ", err)
		}
		s.Values["user"] = 42
		s.Values["since"] = time.Now()
		s.Values["cart"] = []string{"tea"}
		s.Values["lang"] = "de"
		if err := s.Save(r, w); err != nil {
			http.Error(w, "not saved", http.StatusInternalServerError)
		}
	}
}

func fromCookieStore(hashKey, blockKey []byte) (session.Importer, error) {
	old, err := fromgorilla.Cookie(fromgorilla.Config{
		Cookie:   "shop",
		KeyPairs: [][]byte{hashKey, blockKey},
		MaxAge:   14 * day,
		Types:    []any{time.Time{}}, // what gob.Register was given
	})
	old.Cookie.Readable = false // HttpOnly
	old.Cookie.SameSite = http.SameSiteLaxMode
	old.Until, old.Subject, old.Values = lastDay, userNumber, moved
	return old, err
}

func rediStore(address string, hashKey []byte) (*redistore.RediStore, error) {
	store, err := redistore.NewRediStore(10, "tcp", address, "", "", hashKey)
	if err != nil {
		return nil, err
	}
	store.SetMaxAge(14 * 24 * 60 * 60)
	return store, nil
}

func fromRediStore(rdb *redis.Client, hashKey []byte) (session.Importer, error) {
	old, err := fromgorilla.Redis(redisstore.KeyValue(rdb), fromgorilla.Config{
		Cookie:   "shop",
		KeyPairs: [][]byte{hashKey},
		MaxAge:   14 * day,
		Types:    []any{time.Time{}},
	})
	old.Until, old.Subject, old.Values = lastDay, userNumber, moved
	return old, err
}

// scs

func scsSessions(store scs.Store) *scs.SessionManager {
	m := scs.New()
	m.Store = store // redisstore.New(pool), postgresstore.New(db) and so on
	m.Lifetime = 14 * 24 * time.Hour
	m.Cookie.Secure = true
	return m
}

func loginSCS(m *scs.SessionManager) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if err := m.RenewToken(ctx); err != nil {
			http.Error(w, "not logged in", http.StatusInternalServerError)
			return
		}
		m.Put(ctx, "user", 42)
		m.Put(ctx, "cart", []string{"tea"})
		m.Put(ctx, "lang", "de")
	}
}

func fromSCS(store scs.Store) (session.Importer, error) {
	old, err := fromscs.Sessions(fromscs.Config{
		Store:    store, // the same one
		Lifetime: 14 * day,
	})
	old.Cookie.Insecure = false // Secure
	old.Until, old.Subject, old.Values = lastDay, userNumber, moved
	return old, err
}

// Fiber

func fiberLogin2(storage fiber.Storage) fiber.Handler {
	store := fibersessions.New(fibersessions.Config{
		Storage: storage, CookieHTTPOnly: true, CookieSecure: true,
	})

	return func(c *fiber.Ctx) error {
		s, err := store.Get(c)
		if err != nil {
			return err
		}
		s.Set("user", 42)
		s.Set("cart", []string{"tea"})
		s.Set("lang", "de")
		return s.Save()
	}
}

func fromFiber(storage fiber.Storage) (session.Importer, error) {
	old, err := fromfiber.V2(fromfiber.Config{Storage: storage})
	old.Cookie.Insecure, old.Cookie.Readable = false, false
	old.Until, old.Subject, old.Values = lastDay, userNumber, moved
	return old, err
}

// Flask

func fromFlask(secretKey string) (session.Importer, error) {
	old, err := fromflask.Cookie(fromflask.Config{
		Secrets:  []string{secretKey}, // then SECRET_KEY_FALLBACKS
		Lifetime: 7 * day,             // PERMANENT_SESSION_LIFETIME
	})
	old.Cookie.Insecure = false                // SESSION_COOKIE_SECURE
	old.Cookie.SameSite = http.SameSiteLaxMode // SESSION_COOKIE_SAMESITE
	old.Until, old.Subject = lastDay, userID
	old.Values = map[string]session.AnyKey{"cart": cart, "language": language}
	return old, err
}

func fromFlaskSession(rdb *redis.Client) (session.Importer, error) {
	old, err := fromflask.KeyValue(fromflask.Config{}, redisstore.KeyValue(rdb))
	old.Cookie.Insecure = false // SESSION_COOKIE_SECURE
	old.Until, old.Subject = lastDay, userID
	old.Values = map[string]session.AnyKey{"cart": cart, "language": language}
	return old, err
}

func fromFlaskTable(db *sql.DB) (session.Importer, error) {
	table := fromflask.Table{DB: db, Dialect: sqlstore.PostgreSQL}
	return fromflask.SQLAlchemy(fromflask.Config{}, table)
}

// Django

func fromDjango(secretKey string, db *sql.DB, d sqlstore.Dialect) (session.Importer, error) {
	old, err := fromdjango.DB(djangoSettings(secretKey, db, d), fromdjango.Table{DB: db, Dialect: d})
	old.Until, old.Subject = lastDay, userID
	old.Values = map[string]session.AnyKey{"cart": cart, "language": language}
	return old, err
}

func djangoSettings(secretKey string, db *sql.DB, d sqlstore.Dialect) fromdjango.Config {
	return fromdjango.Config{
		Secrets: []string{secretKey}, // then SECRET_KEY_FALLBACKS
		Age:     14 * day,            // SESSION_COOKIE_AGE
		Users:   &fromdjango.Users{DB: db, Dialect: d},
	}
}

func fromOtherDjango(
	engine string, c fromdjango.Config, rdb *redis.Client, sessionFilePath string,
) (session.Importer, error) {
	switch engine {
	case "signed_cookies":
		return fromdjango.SignedCookies(c)
	case "file":
		return fromdjango.Files(c, sessionFilePath)
	default: // "cache"
		return fromdjango.Cache(c, fromdjango.Cached{
			KeyValue: redisstore.KeyValue(rdb),
			Prefix:   "site", // KEY_PREFIX of CACHES
			Version:  1,      // VERSION
		})
	}
}

// express-session

func fromExpress(server migrate.KeyValue, secret string) (session.Importer, error) {
	old, err := fromexpress.ConnectRedis(fromexpress.Config{
		Secrets: []string{secret}, // all of them, if secret is a list
		Server:  server,           // redisstore.KeyValue(rdb)
	})
	old.Until, old.Subject = lastDay, userID
	old.Values = map[string]session.AnyKey{"language": language}
	old.Fill = fillCart
	return old, err
}

// fillCart keeps the names of what is in the cart: Node has objects there.
func fillCart(_ context.Context, s *session.Session, f session.Foreign) error {
	text, ok := f.Values["cart"].(json.RawMessage)
	if !ok {
		return nil // no cart
	}
	var items []struct{ Name string }
	if err := json.Unmarshal(text, &items); err != nil {
		return &session.NotImportedError{Reason: session.ReasonCorrupt, Detail: "the cart is no list of items"}
	}
	var names []string
	for _, item := range items {
		names = append(names, item.Name)
	}
	cart.Set(s, names)
	return nil
}

// gorillastore

func onGorillaStore(sessions *session.Manager, handlers http.Handler) http.Handler {
	gothic.Store = gorillastore.New()
	return httpsession.Middleware(sessions)(handlers)
}

// Both at once

func together(
	store session.Store, db *sql.DB, client func(context.Context) (address, userAgent string),
	idOf func(ctx context.Context, subject string) (string, error),
	nameOf func(context.Context, session.Foreign) (string, error),
) (*session.Manager, error) {
	flask, err := fromflask.Cookie(fromflask.Config{
		Secrets: []string{os.Getenv("FLASK_SECRET_KEY")},
		Mirror:  &fromflask.Mirror{Client: client}, // whoever has sent the request, for Flask-Login
	})
	if err != nil {
		return nil, err
	}
	django, err := fromdjango.DB(fromdjango.Config{
		Secrets: []string{os.Getenv("DJANGO_SECRET_KEY")},
		Users:   &fromdjango.Users{DB: db, Dialect: sqlstore.PostgreSQL},
		UserID:  idOf, // "user1" here is 1 there; this makes it a mirror
	}, fromdjango.Table{DB: db, Dialect: sqlstore.PostgreSQL})
	if err != nil {
		return nil, err
	}
	django.Subject = nameOf // 1 there is "user1" here
	for _, im := range []*session.Importer{&flask, &django} {
		im.Until = lastDay
		im.Values = map[string]session.AnyKey{"language": language}
	}
	return session.New(store, session.Options{Import: []session.Importer{flask, django}})
}
