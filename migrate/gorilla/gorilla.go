// Package fromgorilla takes over the sessions of gorilla/sessions: those of its CookieStore, which gin-contrib/sessions
// and echo-contrib use too, and those of boj/redistore, which is gin-contrib's Redis store. See docs/migration.md.
//
//	old, err := fromgorilla.Cookie(fromgorilla.Config{
//		Cookie:   "session-name",
//		KeyPairs: [][]byte{hashKey, blockKey},
//		Types:    []any{Cart{}},
//	})
//	old.Until = time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
//	old.Subject = func(_ context.Context, f session.Foreign) (string, error) {
//		id, _ := f.Values["user_id"].(int)
//		…
//	}
//	old.Values = map[string]session.AnyKey{"cart": cart}
//	sessions, err := session.New(store, session.Options{Import: []session.Importer{old}})
//
// Foreign.Values has what the handlers over there have put into session.Values, flashes under "_flash" included.
//
// With the CookieStore every Save over there makes another cookie, and each of them opens: who has kept two has two
// sessions to take over. redistore's sessions have an id, so that each is taken over once.
package fromgorilla

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Config says how the sessions have been written. Cookie and KeyPairs are needed.
type Config struct {
	// Cookie is the cookie's name, which is what the handlers give to store.Get, or gin to sessions.Sessions. It is
	// signed with the value.
	Cookie string
	// KeyPairs are NewCookieStore's, or NewRediStore's: a hash key and a block key, or nil for none, and then the older
	// pairs. The last block key may be left out.
	KeyPairs [][]byte
	// MaxAge is how old a cookie may be: what store.MaxAge, or redistore's SetMaxAge, was called with. Zero means their
	// 30 days, and a negative value no limit. It is not what store.Options says, which the signature's age is not judged
	// by.
	MaxAge time.Duration
	// MaxLength is how long a cookie's value may be. Zero means their 4096 bytes, a negative value a megabyte.
	MaxLength int
	// Hash is what the signatures are made with. Nil means SHA-256.
	Hash func() hash.Hash
	// JSON says that values were written as JSON and not as a gob: with redistore.JSONSerializer, or in a cookie that the
	// program has written itself with securecookie.JSONEncoder. They are json.RawMessage then. A CookieStore cannot do it.
	JSON bool
	// Types has a value of each type that session.Values may hold, such as Cart{}: those that the program over there gave
	// to gob.Register. Basic types, slices of them, []any and map[string]any need no mention. A session with a value of
	// another type is refused, as ReasonCorrupt. They are registered here, under the name that gob makes of package and
	// type, unless the program has registered them under the name that they had over there.
	Types []any
	// KeyName names the values whose keys are no strings. Nil, or false, leaves them out.
	KeyName func(key any) (string, bool)
	// KeyPrefix stands before a session's id in Redis. Empty means redistore's "session_".
	KeyPrefix string
	// NoPrefix says that it is empty there.
	NoPrefix bool
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Cookie takes over sessions that are in the cookie itself.
func Cookie(c Config) (session.Importer, error) {
	f, err := newFormat(c)
	if err != nil {
		return session.Importer{}, err
	}
	// NewCookieStore's attributes.
	cookie := session.ForeignCookie{Name: c.Cookie, SameSite: http.SameSiteNoneMode, Readable: true}
	return session.Importer{Name: "gorilla", Cookie: cookie, Open: f.openCookie}, nil
}

// Redis takes over sessions that boj/redistore keeps in Redis. The cookie holds their id.
func Redis(kv migrate.KeyValue, c Config) (session.Importer, error) {
	f, err := newFormat(c)
	switch {
	case err != nil:
		return session.Importer{}, err
	case kv == nil:
		return session.Importer{}, errors.New("fromgorilla: Redis needs a KeyValue, such as redistore.KeyValue of the client")
	}
	f.KeyPrefix = strict.Prefix(c.KeyPrefix, "session_", c.NoPrefix)
	cookie := session.ForeignCookie{Name: c.Cookie, Insecure: true, Readable: true} // NewRediStore's attributes
	open := func(ctx context.Context, value string) (session.Foreign, error) { return f.openRedis(ctx, kv, value) }
	return session.Importer{Name: "redistore", Cookie: cookie, Open: open}, nil
}

// format opens what a Config describes.
type format struct {
	Config
	codecs []*securecookie.SecureCookie
	gob    *strict.Gob
}

func newFormat(c Config) (*format, error) {
	f := &format{Config: c}
	if f.Cookie == "" {
		return nil, errors.New("fromgorilla: Config.Cookie: say what the cookie is called over there")
	}
	var err error
	if f.codecs, err = newCodecs(c); err != nil {
		return nil, err
	}
	if f.gob, err = strict.NewGob(c.Types); err != nil {
		return nil, fmt.Errorf("fromgorilla: Config.Types: %w", err)
	}
	if f.MaxAge == 0 {
		f.MaxAge = 30 * 24 * time.Hour
	}
	if f.MaxLength == 0 {
		f.MaxLength = 4096
	}
	if f.MaxLength < 0 || f.MaxLength > strict.MaxSize {
		f.MaxLength = strict.MaxSize
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	return f, nil
}

func (f *format) openCookie(_ context.Context, value string) (session.Foreign, error) {
	var values map[string]any
	written, err := f.open(value, func(payload []byte) (err error) {
		values, err = f.values(payload)
		return err
	})
	if err != nil {
		return session.Foreign{}, err
	}
	return session.Foreign{Values: values, Written: written}, nil
}

func (f *format) openRedis(ctx context.Context, kv migrate.KeyValue, value string) (session.Foreign, error) {
	var id string
	written, err := f.open(value, func(payload []byte) error {
		id = ""
		if err := f.gob.Decode(payload, &id); err != nil || id == "" {
			return strict.Refused(session.ReasonCorrupt, "the cookie holds no id of a session")
		}
		return nil
	})
	if err != nil {
		return session.Foreign{}, err
	}
	row, err := kv.Get(ctx, f.KeyPrefix+id)
	if err != nil {
		return session.Foreign{}, err
	}
	values, err := f.values(row)
	if err != nil {
		return session.Foreign{}, err
	}
	return session.Foreign{ID: id, Values: values, Written: written}, nil
}

// values reads session.Values.
func (f *format) values(payload []byte) (map[string]any, error) {
	if f.JSON {
		values, err := strict.Object(payload)
		if err != nil {
			return nil, strict.Refused(session.ReasonCorrupt, "%v", err)
		}
		return values, nil
	}
	found := map[any]any{}
	if err := f.gob.Decode(payload, &found); err != nil {
		return nil, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	return f.byName(found)
}

func (f *format) byName(found map[any]any) (map[string]any, error) {
	values := make(map[string]any, len(found))
	for key, v := range found {
		name, ok := key.(string)
		if !ok && f.KeyName != nil {
			name, ok = f.KeyName(key)
		}
		if !ok {
			continue
		}
		if _, twice := values[name]; twice {
			return nil, strict.Refused(session.ReasonCorrupt, "two values have one name")
		}
		values[name] = v
	}
	return values, nil
}
