// Package fromdjango takes over the sessions of Django sites: of the back ends signed_cookies, db, cached_db, cache and
// file, as Django 3.1 and later write them. What it makes is for session.Options.Import:
//
//	old, err := fromdjango.DB(fromdjango.Config{
//		Secrets: []string{secretKey},
//		Users:   &fromdjango.Users{DB: db, Dialect: sqlstore.PostgreSQL},
//	}, fromdjango.Table{DB: db, Dialect: sqlstore.PostgreSQL})
//	old.Until = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
//	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
//		if f.Subject == "" {
//			return "", nil // a visitor who is not logged in
//		}
//		return "user:" + f.Subject, nil // f.Subject is _auth_user_id
//	}
//	old.Values = map[string]session.AnyKey{"cart": cart}
//
// A session comes in as long as Django would have the visitor logged in: the signature is right, its age is not over
// SESSION_COOKIE_AGE, request.session.set_expiry has not ended it, the user is there and may log in, and the password
// has not been changed since. That the back end by which he logged in is still in AUTHENTICATION_BACKENDS is checked
// with Config.AuthBackends only, and what a back end of one's own asks besides is for Importer.Subject. A session's
// end by set_expiry counts for every back end, because the browser's cookie ends with it; Django's signed_cookies and
// file would go on to accept a copy.
//
// Left out are pickles, signatures and password hashes by SHA-1 (DEFAULT_HASHING_ALGORITHM = "sha1" of Django 3.1 and
// 3.2), what Django before 3.1 wrote, and SessionStore classes of another name, which sign with that name.
package fromdjango

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	defaultAge     = 14 * 24 * time.Hour
	defaultCookie  = "sessionid"
	defaultBackend = "django.contrib.auth.backends.ModelBackend"
)

// Config is what the back ends have in common: settings of Django's, under their names there. Secrets are
// needed, and Users or PasswordHash.
type Config struct {
	// Secrets are SECRET_KEY and then SECRET_KEY_FALLBACKS. The first one signs what a Mirror writes.
	Secrets []string
	// Age is SESSION_COOKIE_AGE. Zero means Django's two weeks.
	Age time.Duration
	// CookieName is SESSION_COOKIE_NAME. Empty means sessionid.
	CookieName string
	// Location is the zone of dates that have none: TIME_ZONE where USE_TZ is False, or the database's TIME_ZONE. Nil
	// means UTC.
	Location *time.Location

	// Users is where users' passwords are looked up. A session that began with another password is refused, as Django
	// refuses it.
	Users *Users
	// PasswordHash is instead of Users, for programs that look passwords up in a way of their own. It returns the user's
	// password as Django keeps it, "pbkdf2_sha256$…", for the id that is in _auth_user_id, or session.ErrNotFound if there
	// is no such user, or none who may log in.
	PasswordHash func(ctx context.Context, userID string) (string, error)
	// AnyPassword leaves that check out: for user models without get_session_auth_hash. Then nobody asks whether the user
	// is still there and active either, which Importer.Subject can do.
	AnyPassword bool

	// UserID turns a subject of this package's, like "user:42", into Django's id of the user. It is for the Mirror, which
	// the importer has if UserID is set: a login here is one in Django then, and a logout on either side ends both. If it
	// returns session.ErrNotFound, Django does not know him, and the login is one here only.
	UserID func(ctx context.Context, subject string) (string, error)
	// AuthBackends is AUTHENTICATION_BACKENDS. A login by a back end that is not among them is refused, as Django has
	// nobody logged in then. Nil means that any will do, also one that Django knows no more.
	AuthBackends []string
	// AuthBackend is the member of AUTHENTICATION_BACKENDS that a Mirror's logins are by. Empty means Django's
	// ModelBackend.
	AuthBackend string

	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// place is where Django keeps its sessions.
type place interface {
	// open reads the session behind a cookie's value.
	open(ctx context.Context, value string) (stored, error)
	// save begins a session that is to end at a time, and returns its cookie's value.
	save(ctx context.Context, json []byte, ends time.Time) (string, error)
	// remove ends the session behind a cookie's value, which may be anything.
	remove(ctx context.Context, value string) error
}

// stored is a session as a place has it.
type stored struct {
	id      string
	json    []byte
	written time.Time // zero if the place does not know
}

func (c Config) importer(p place) session.Importer {
	i := session.Importer{
		Name: "django",
		Cookie: session.ForeignCookie{
			Name: c.CookieName, SameSite: http.SameSiteLaxMode, Insecure: true, MaxAge: c.Age,
		},
		Open: func(ctx context.Context, value string) (session.Foreign, error) {
			s, err := p.open(ctx, value)
			if err != nil {
				return session.Foreign{}, err
			}
			return c.foreign(ctx, s)
		},
	}
	if c.UserID != nil {
		i.Mirror = mirror{c, p}
	}
	return i
}

// complete checks a Config and fills in what it leaves to defaults.
func (c Config) complete() (Config, error) {
	switch {
	case len(c.Secrets) == 0 || slices.Contains(c.Secrets, ""):
		return c, errors.New("fromdjango: Config.Secrets: put SECRET_KEY there, none may be empty")
	case c.Age < 0:
		return c, errors.New("fromdjango: Config.Age: SESSION_COOKIE_AGE is not negative")
	case c.AuthBackends != nil && len(c.AuthBackends) == 0:
		return c, errors.New("fromdjango: Config.AuthBackends: put AUTHENTICATION_BACKENDS there; nil means any")
	}
	c.Secrets, c.AuthBackends = slices.Clone(c.Secrets), slices.Clone(c.AuthBackends)
	fallback(&c.Age, defaultAge)
	fallback(&c.CookieName, defaultCookie)
	fallback(&c.AuthBackend, defaultBackend)
	fallback(&c.Location, time.UTC)
	if c.UserID != nil && c.AuthBackends != nil && !slices.Contains(c.AuthBackends, c.AuthBackend) {
		return c, errors.New("fromdjango: Config.AuthBackend, which a Mirror's logins are by, is not among AuthBackends")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c.withUsers()
}

// withUsers makes a PasswordHash of Users.
func (c Config) withUsers() (Config, error) {
	ways := 0
	for _, given := range []bool{c.Users != nil, c.PasswordHash != nil, c.AnyPassword} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return c, errors.New("fromdjango: Config: one of Users, PasswordHash and AnyPassword is needed, and only one: " +
			"AnyPassword is for user models without get_session_auth_hash")
	}
	var err error
	if c.Users != nil {
		c.PasswordHash, err = c.Users.passwordHash()
	}
	return c, err
}

func fallback[T comparable](setting *T, standard T) {
	var zero T
	if *setting == zero {
		*setting = standard
	}
}
