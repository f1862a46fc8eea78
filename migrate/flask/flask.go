// Package fromflask takes over the sessions of Flask, so that a site can move from it, or share its logins with it for
// a while, and log nobody out:
//
//   - Cookie reads Flask's own signed cookies.
//   - KeyValue reads Flask-Session's sessions in Redis and Memcached.
//   - SQLAlchemy and PostgreSQL read Flask-Session's sessions in SQL.
//
// Each returns a session.Importer for session.Options.Import. The program that uses it sets Until, and says which
// values come along. Values are JSON, as Go's types decode it: a tuple is an array, bytes are their base64, Markup is
// its text, a UUID is written as usual, and a datetime is RFC 3339, so that []byte and time.Time take what was bytes
// and datetime.
//
// Its Cookie is Flask's as it is by default: set what SESSION_COOKIE_NAME, _DOMAIN, _PATH, _SAMESITE and _SECURE say.
// With a Config's Mirror a login here is a login there as well. See docs/migration.md.
//
// # What is refused
//
// A cookie is read strictly, so that each session has one spelling: what Flask itself writes is accepted, and nothing
// that its decoders would let pass besides. A session with NaN or Infinity in it is not JSON and is refused. Pickles
// are never read: whoever can write to their store could run programs where they are. Flask-Session 0.5 and older write
// them. Let Flask-Session 0.7 or 0.8 run for as long as sessions last: it reads pickles, and writes MessagePack or
// JSON, except with SESSION_TYPE "filesystem" or "cachelib".
package fromflask

import (
	"context"
	"crypto/sha1" //nolint:gosec // what Flask signs with, in HMAC
	"errors"
	"fmt"
	"hash"
	"slices"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Config says how an application sets Flask up. The names in capitals are those of Flask's settings.
type Config struct {
	// Secrets are SECRET_KEY, then SECRET_KEY_FALLBACKS. Any of them opens; the first signs what a Mirror writes. The
	// sessions of Flask-Session are signed with SESSION_USE_SIGNER alone: without it, leave Secrets empty.
	Secrets []string
	// Lifetime is PERMANENT_SESSION_LIFETIME. Zero means Flask's 31 days. Older cookies are refused, permanent or not.
	Lifetime time.Duration
	// User names the value that becomes Foreign.Subject. Empty means "_user_id", Flask-Login's. If it is neither a text
	// nor a number, Foreign.Subject is empty, and without an Importer.Subject that looks into Foreign.Values the visitor
	// comes in as nobody.
	User string
	// Prefix is SESSION_KEY_PREFIX, for Flask-Session. Empty means "session:".
	Prefix string
	// NoPrefix says that it is empty there.
	NoPrefix bool
	// Signer is for applications with a session interface of their own.
	Signer Signer
	// Mirror makes a login here one in Flask too. Nil means one way: sessions move here.
	Mirror *Mirror
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Signer says how a key is made of a secret and what signs with it: salt, digest_method and key_derivation of Flask's
// SecureCookieSessionInterface. What is left out is Flask's.
type Signer struct {
	Salt       string           // empty: "cookie-session", and for Flask-Session "flask-session"
	Digest     func() hash.Hash // nil: SHA-1
	Derivation string           // empty: "hmac"; otherwise "concat", "django-concat" or "none"
}

const defaultLifetime = 31 * 24 * time.Hour

// prepared is a checked configuration with what it leaves out filled in.
type prepared struct {
	Config
	signers []signer
}

func (c Config) prepare(salt string) (*prepared, error) {
	if c.Lifetime < 0 || c.Lifetime > 0 && c.Lifetime < time.Second {
		return nil, fmt.Errorf("fromflask: the lifetime is %v: set it to PERMANENT_SESSION_LIFETIME, or not at all",
			c.Lifetime)
	}
	if slices.Contains(c.Secrets, "") {
		return nil, errors.New("fromflask: a secret is empty: set SECRET_KEY and SECRET_KEY_FALLBACKS, without empty ones")
	}
	fill(&c.Lifetime, defaultLifetime)
	fill(&c.User, "_user_id")
	c.Prefix = strict.Prefix(c.Prefix, "session:", c.NoPrefix)
	fill(&c.Signer.Salt, salt)
	fill(&c.Signer.Derivation, "hmac")
	if c.Signer.Digest == nil {
		c.Signer.Digest = sha1.New
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	p := &prepared{Config: c}
	for _, secret := range c.Secrets {
		s, err := newSigner(c.Signer, secret)
		if err != nil {
			return nil, err
		}
		p.signers = append(p.signers, s)
	}
	return p, nil
}

func fill[T comparable](field *T, standard T) {
	var none T
	if *field == none {
		*field = standard
	}
}

// importer is what all constructors return, with the cookie's attributes as they are unless Flask is told otherwise.
func (p *prepared) importer(
	open func(context.Context, string) (session.Foreign, error), m session.Mirror,
) session.Importer {
	i := session.Importer{Name: "flask", Cookie: session.ForeignCookie{Name: "session", Insecure: true}, Open: open}
	if p.Mirror != nil {
		i.Mirror = m
		if p.Mirror.Permanent {
			i.Cookie.MaxAge = p.Lifetime
		}
	}
	return i
}
