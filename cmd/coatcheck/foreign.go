package main

import (
	"context"
	"errors"
	"sort"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	fromdjango "github.com/coatcheck/coatcheck/migrate/django"
	fromexpress "github.com/coatcheck/coatcheck/migrate/express"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	fromgorilla "github.com/coatcheck/coatcheck/migrate/gorilla"
	fromscs "github.com/coatcheck/coatcheck/migrate/scs"
)

const day = 24 * time.Hour

// system is another system whose cookies inspect reads.
type system struct {
	cookie   string          // its name by default, "" if there is none
	signs    bool            // keys are needed
	lifetime time.Duration   // by default, from when the cookie was written; zero if the cookie does not say when
	formats  []foreignFormat // those that tell more first
}

// foreignFormat is what a cookie may be.
type foreignFormat struct {
	format   string
	importer func(foreignSettings) (session.Importer, error)
}

// foreignSettings are how an application has set the other system up.
type foreignSettings struct {
	cookie   string
	keys     []string
	lifetime time.Duration
	now      func() time.Time
}

// systems are the values of --as.
var systems = map[string]system{
	"flask": {"session", true, 31 * day, []foreignFormat{
		{"Flask's cookie, which holds the session and is signed", func(s foreignSettings) (session.Importer, error) {
			return fromflask.Cookie(fromflask.Config{Secrets: s.keys, Lifetime: s.lifetime, Now: s.now})
		}},
		{"Flask-Session's cookie: an id, signed", func(s foreignSettings) (session.Importer, error) {
			return fromflask.KeyValue(fromflask.Config{Secrets: s.keys, Now: s.now}, emptyStore{})
		}},
		{"Flask-Session's cookie: an id, not signed", func(s foreignSettings) (session.Importer, error) {
			return fromflask.KeyValue(fromflask.Config{Now: s.now}, emptyStore{})
		}},
	}},
	"django": {"sessionid", true, 14 * day, []foreignFormat{
		{"Django's cookie of signed_cookies, which holds the session", func(s foreignSettings) (session.Importer, error) {
			return fromdjango.SignedCookies(s.django())
		}},
		{"Django's cookie: a key, not signed", func(s foreignSettings) (session.Importer, error) {
			return fromdjango.Cache(s.django(), fromdjango.Cached{KeyValue: emptyStore{}})
		}},
	}},
	"gorilla": {"", true, 30 * day, []foreignFormat{
		{"CookieStore's cookie, which holds the session and is signed", func(s foreignSettings) (session.Importer, error) {
			return fromgorilla.Cookie(s.gorilla(false))
		}},
		{"CookieStore's cookie, as JSON", func(s foreignSettings) (session.Importer, error) {
			return fromgorilla.Cookie(s.gorilla(true))
		}},
		{"redistore's cookie: an id, signed", func(s foreignSettings) (session.Importer, error) {
			return fromgorilla.Redis(emptyStore{}, s.gorilla(false))
		}},
	}},
	"express": {"connect.sid", true, 0, []foreignFormat{
		{"express-session's cookie: an id, signed", func(s foreignSettings) (session.Importer, error) {
			return fromexpress.ConnectRedis(fromexpress.Config{Secrets: s.keys, Server: emptyStore{}})
		}},
	}},
	"scs": {"session", false, 0, []foreignFormat{
		{"scs's cookie: a token, not signed", func(s foreignSettings) (session.Importer, error) {
			return fromscs.Sessions(fromscs.Config{Store: emptyStore{}, Now: s.now})
		}},
	}},
}

func (s foreignSettings) django() fromdjango.Config {
	return fromdjango.Config{Secrets: s.keys, Age: s.lifetime, AnyPassword: true, Now: s.now}
}

func (s foreignSettings) gorilla(asJSON bool) fromgorilla.Config {
	c := fromgorilla.Config{Cookie: s.cookie, MaxAge: s.lifetime, JSON: asJSON, Now: s.now}
	for _, key := range s.keys {
		var bytes []byte // nil for no block key
		if key != "" {
			bytes = []byte(key)
		}
		c.KeyPairs = append(c.KeyPairs, bytes)
	}
	return c
}

// emptyStore has no session, so that a cookie that carries an id opens none for this reason only.
type emptyStore struct{}

func (emptyStore) Get(context.Context, string) ([]byte, error) { return nil, session.ErrNotFound }

func (emptyStore) Find(string) ([]byte, bool, error) { return nil, false, nil }

// foreignFinding is what a format makes of a cookie.
type foreignFinding struct {
	cookie, format  string
	reason          session.Reason // "" if it opens
	detail          string
	opened          bool // also if it has expired, but not if that is due to what is in it
	session.Foreign      // if it was opened
	expires         time.Time
}

// ageless is a lifetime that is never over.
const ageless = 100 * 365 * day

// read opens a cookie in the way that tells most.
func (o system) read(ctx context.Context, value string, s foreignSettings) (best *foreignFinding, err error) {
	for _, format := range o.formats {
		found, err := format.read(ctx, value, s)
		if err != nil {
			return nil, err
		}
		if best == nil || found.tells() > best.tells() {
			best = &found
		}
	}
	return best, nil
}

// read opens a cookie. What has expired is opened all the same, to say what it was.
func (o foreignFormat) read(ctx context.Context, value string, s foreignSettings) (foreignFinding, error) {
	found := foreignFinding{cookie: s.cookie, format: o.format}
	for _, lifetime := range []time.Duration{s.lifetime, ageless} {
		ever := s
		ever.lifetime = lifetime
		i, err := o.importer(ever)
		if err != nil {
			return found, err
		}
		f, err := i.Open(ctx, value)
		if err == nil {
			found.opened, found.Foreign, found.expires = true, f, o.expires(ctx, value, s, f)
			return found, nil
		}
		if found.reason == "" {
			found.reason, found.detail = refusal(err)
		}
		if found.reason != session.ReasonExpiredIdle && found.reason != session.ReasonExpiredAbsolute {
			break
		}
	}
	return found, nil
}

// expires is when a session ends that is not written again. Within its lifetime only the importer knows, since a
// session may say so itself: so it is asked at several times.
func (o foreignFormat) expires(ctx context.Context, value string, s foreignSettings, f session.Foreign) time.Time {
	if !f.Deadline.IsZero() || f.Written.IsZero() {
		return f.Deadline
	}
	at := func(seconds int) time.Time { return f.Written.Add(time.Duration(seconds) * time.Second) }
	return at(sort.Search(int(s.lifetime/time.Second), func(seconds int) bool {
		s.now = func() time.Time { return at(seconds) }
		i, err := o.importer(s)
		if err == nil {
			_, err = i.Open(ctx, value)
		}
		return err != nil
	}))
}

func refusal(err error) (session.Reason, string) {
	if refused, ok := errors.AsType[*session.NotImportedError](err); ok {
		return refused.Reason, refused.Detail
	}
	return session.ReasonUnknown, "" // nothing else can fail
}

// tells ranks findings by how much they tell.
func (f foreignFinding) tells() int {
	switch f.reason {
	case "":
		return 5
	case session.ReasonExpiredIdle, session.ReasonExpiredAbsolute:
		return 4
	case session.ReasonUnknown: // it carries an id
		return 3
	case session.ReasonCorrupt: // the signature is right
		return 2
	case session.ReasonUnopenable:
		return 1
	}
	return 0
}
