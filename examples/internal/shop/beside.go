package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	session "github.com/coatcheck/coatcheck/core"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// A site that moves to the shop may have a Flask and a Django application beside it for some weeks, behind one host.
// Until the day of -beside-until a login at one of them is one at all. What opens their sessions comes from the
// environment, where their own programs have it:
//
//	FLASK_SECRET_KEY     Flask's SECRET_KEY: its sessions are in its cookie
//	FLASK_SESSION_REDIS  or the URL of the Redis where Flask-Session keeps them, as JSON
//	DJANGO_SECRET_KEY    Django's SECRET_KEY, and
//	DJANGO_DATABASE_URL  the URL of its PostgreSQL, where its sessions and users are
//
// Flask knows users by the names that they have here, and Django by numbers.
func (o options) beside(a *App, getenv func(string) string) (all []session.Importer, err error) {
	if o.besideUntil.IsZero() {
		return nil, nil
	}
	for _, open := range []func(*App, func(string) string) (session.Importer, error){besideFlask, besideDjango} {
		im, err := open(a, getenv)
		if err != nil {
			return nil, fmt.Errorf("-beside-until: %w", err)
		}
		if im.Name == "" { // it is not there
			continue
		}
		im.Until, im.Cookie.Insecure = o.besideUntil, !o.https()
		im.Values = map[string]session.AnyKey{"language": chosenLanguage}
		all = append(all, im)
	}
	if len(all) == 0 {
		return nil, errors.New("-beside-until: set FLASK_SECRET_KEY or FLASK_SESSION_REDIS, DJANGO_SECRET_KEY with " +
			"DJANGO_DATABASE_URL, or both")
	}
	a.beside = true
	return all, nil
}

func besideFlask(a *App, getenv func(string) string) (im session.Importer, err error) {
	c := fromflask.Config{Now: a.now, Mirror: &fromflask.Mirror{Client: sender}}
	secret, server := getenv("FLASK_SECRET_KEY"), getenv("FLASK_SESSION_REDIS")
	switch {
	case server != "":
		at, failed := redis.ParseURL(server)
		if failed != nil {
			return im, errors.New("FLASK_SESSION_REDIS is no URL of a Redis server") // the error may hold a password
		}
		logging.Disable()                      // errors come back and are in the shop's own log
		at.MaxRetries, at.DialerRetries = 1, 1 // a visitor has little patience
		c.Mirror.JSON, c.Mirror.Permanent = true, true
		im, err = fromflask.KeyValue(c, redisstore.KeyValue(redis.NewClient(at)))
	case secret != "":
		c.Secrets = []string{secret}
		im, err = fromflask.Cookie(c)
	}
	im.Subject = func(_ context.Context, f session.Foreign) (string, error) { return a.accounts.known(f.Subject) }
	return im, err
}

func besideDjango(a *App, getenv func(string) string) (im session.Importer, err error) {
	secret, server := getenv("DJANGO_SECRET_KEY"), getenv("DJANGO_DATABASE_URL")
	if secret == "" && server == "" {
		return im, nil
	}
	if at, failed := url.Parse(server); failed != nil || at.Scheme != "postgres" && at.Scheme != "postgresql" {
		return im, errors.New("DJANGO_DATABASE_URL is no URL of a PostgreSQL server")
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		return im, err
	}
	im, err = fromdjango.DB(fromdjango.Config{
		Secrets: []string{secret},
		Users:   &fromdjango.Users{DB: db, Dialect: sqlstore.PostgreSQL},
		UserID: func(ctx context.Context, name string) (string, error) {
			return find(ctx, db, "SELECT id FROM auth_user WHERE username = $1", name)
		},
		Now: a.now,
	}, fromdjango.Table{DB: db, Dialect: sqlstore.PostgreSQL})
	im.Subject = func(ctx context.Context, f session.Foreign) (string, error) {
		if f.Subject == "" {
			return "", nil
		}
		name, err := find(ctx, db, "SELECT username FROM auth_user WHERE id = $1", f.Subject)
		if err != nil {
			return "", err
		}
		return a.accounts.known(name)
	}
	return im, err
}

// find returns what one user has in a column.
func find(ctx context.Context, db *sql.DB, query, of string) (found string, err error) {
	err = db.QueryRowContext(ctx, query, of).Scan(&found)
	if errors.Is(err, sql.ErrNoRows) {
		return "", session.ErrNotFound
	}
	return found, err
}

// known returns the name of somebody who has an account here, or "" for nobody.
func (a *accounts) known(name string) (string, error) {
	if _, known := a.find(name); !known && name != "" {
		return "", &session.NotImportedError{Reason: session.ReasonUnknown, Detail: "the shop has no such account"}
	}
	return name, nil
}

// senderKey is where a request's context has its address and User-Agent.
type senderKey struct{}

// sender returns a client as Flask-Login sees it behind the same proxy.
func sender(ctx context.Context) (address, userAgent string) {
	known, _ := ctx.Value(senderKey{}).([2]string)
	return known[0], known[1]
}

// noteSender lets sender know who has sent a request.
func noteSender(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		address := r.Header.Get("X-Forwarded-For")
		if address == "" {
			address, _, _ = net.SplitHostPort(r.RemoteAddr)
		}
		ctx := context.WithValue(r.Context(), senderKey{}, [2]string{address, r.UserAgent()})
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// endOf reads a day and returns its end.
func endOf(day string) (time.Time, error) {
	begins, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, errors.New("it is a day like 2027-03-01")
	}
	return begins.Add(24 * time.Hour), nil
}

// speaks says whether the shop has a language, which another system's session may name.
func speaks(language string) bool { return slices.Contains(languages, language) }
