// Package fromfiber takes over the sessions of Fiber's middleware/session, versions 2 and 3, from the fiber.Storage
// that they are in. Sessions whose id comes with a header or in the query are not taken over, only those with a cookie.
// See docs/migration.md.
package fromfiber

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Getter is the part of a fiber.Storage that is asked. One that has GetWithContext too is asked by that. It must be
// safe for concurrent use, as those of Fiber are.
type Getter interface {
	// Get returns nothing, and no error, for a key that is not there.
	Get(key string) ([]byte, error)
}

// Config says how the application has set Fiber's sessions up.
type Config struct {
	// Storage is session.Config.Storage: the same one, or one made anew on the same server. That of a session.Store
	// that was made without one is its field Storage.
	Storage Getter
	// ValidID reports whether a cookie's value can be an id, for applications that set session.Config.KeyGenerator. Two
	// ids that differ only in the case of letters count as one. Nil means that ids are Fiber's: a UUID or 32 bytes in
	// base64url. The storage is not asked for anything else, because other things may be in it too.
	ValidID func(id string) bool
	// Types has a value of each type that sessions hold besides Go's basic ones, slices of these, []any and
	// map[string]any: those that the application gives to RegisterType. Others refuse the session.
	Types []any
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// V2 takes over sessions of Fiber 2. Their values are Go values. They end when the storage forgets them.
func V2(c Config) (session.Importer, error) {
	return c.importer(func(g *strict.Gob, data []byte) (f session.Foreign, err error) {
		err = g.Decode(data, &f.Values)
		return f, err
	})
}

// V3 takes over sessions of Fiber 3. Their values are Go values, and left out if their key is not a string. They end
// when the storage forgets them, and after session.Config.AbsoluteTimeout.
func V3(c Config) (session.Importer, error) {
	registerExpiration()
	c.Types = append([]any{expirationKey(0), time.Time{}}, c.Types...)
	return c.importer(decodeV3)
}

// importer has Fiber's default cookie, which is neither Secure nor HttpOnly.
func (c Config) importer(decode func(*strict.Gob, []byte) (session.Foreign, error)) (session.Importer, error) {
	if c.Storage == nil {
		return session.Importer{}, errors.New("fromfiber: no Storage: give the fiber.Storage that the sessions are in")
	}
	gob, err := strict.NewGob(c.Types)
	if err != nil {
		return session.Importer{}, fmt.Errorf("fromfiber: Types: %w", err)
	}
	gob.Rename(expirationName, ownExpirationName) // to version 2 neither has a type
	if c.ValidID == nil {
		c.ValidID = idOfFiber.MatchString
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return session.Importer{
		Name: "fiber",
		Cookie: session.ForeignCookie{
			Name: "session_id", SameSite: http.SameSiteLaxMode, Insecure: true, Readable: true,
		},
		Open: func(ctx context.Context, id string) (session.Foreign, error) {
			data, err := c.get(ctx, id)
			if err != nil {
				return session.Foreign{}, err
			}
			f, err := decode(gob, data)
			if err != nil {
				return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
			}
			return c.judge(id, f)
		},
	}, nil
}

var idOfFiber = regexp.MustCompile(`^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9A-Za-z_-]{43})$`)

// maxID is how many bytes an id may have, whatever ValidID says.
const maxID = 256

func (c Config) get(ctx context.Context, id string) ([]byte, error) {
	if id == "" || len(id) > maxID || !c.ValidID(id) {
		return nil, strict.Refused(session.ReasonMalformed, "not an id of a session")
	}
	get := func(_ context.Context, id string) ([]byte, error) { return c.Storage.Get(id) }
	if s, ok := c.Storage.(interface {
		GetWithContext(context.Context, string) ([]byte, error)
	}); ok {
		get = s.GetWithContext
	}
	data, err := get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("fromfiber: get: %w", err)
	}
	if len(data) == 0 {
		return nil, session.ErrNotFound
	}
	return data, nil
}

// judge gives the session an ID that it has in every spelling: storages on MySQL find keys without regard to case.
func (c Config) judge(id string, f session.Foreign) (session.Foreign, error) {
	if !f.Deadline.IsZero() && !c.Now().Before(f.Deadline) {
		return session.Foreign{}, strict.Refused(session.ReasonExpiredAbsolute, "its deadline has passed")
	}
	f.ID = strings.ToLower(id)
	return f, nil
}
