package fromdjango

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// Cached says where django.contrib.sessions.backends.cache keeps its sessions: a member of CACHES.
type Cached struct {
	// KeyValue is the server. A Mirror needs a migrate.WritableKeyValue.
	KeyValue migrate.KeyValue
	// Prefix is KEY_PREFIX.
	Prefix string
	// Version is VERSION. Zero means Django's 1.
	Version int
}

// Cache takes over the sessions in a cache whose values are JSON. Django's default is to pickle them, and a pickle is
// refused: it is a program. Let Django use cached_db for the time of the migration, and then DB here, or give its cache
// a serializer that writes JSON, as django-redis has one. Nothing here is signed: who can write to the server can log
// in, as with Django.
func Cache(c Config, s Cached) (session.Importer, error) {
	c, err := c.complete()
	if err != nil {
		return session.Importer{}, err
	}
	p, err := newCache(c, s, "django.contrib.sessions.cache")
	if err != nil {
		return session.Importer{}, err
	}
	return c.importer(p), nil
}

type cache struct {
	Config
	server   migrate.KeyValue
	writable migrate.WritableKeyValue // nil without a Mirror
	prefix   string
}

func newCache(c Config, s Cached, name string) (*cache, error) {
	if s.KeyValue == nil {
		return nil, errors.New("fromdjango: Cached.KeyValue is missing")
	}
	fallback(&s.Version, 1)
	p := &cache{Config: c, server: s.KeyValue, prefix: s.Prefix + ":" + strconv.Itoa(s.Version) + ":" + name}
	if c.UserID == nil {
		return p, nil
	}
	var ok bool
	if p.writable, ok = s.KeyValue.(migrate.WritableKeyValue); !ok {
		return nil, errors.New("fromdjango: Cached.KeyValue: a Mirror (Config.UserID) needs a migrate.WritableKeyValue")
	}
	return p, nil
}

// pickled is how Python's pickles of protocol 2 and later begin.
const pickled = 0x80

func (p *cache) open(ctx context.Context, value string) (stored, error) {
	if !isKey(value) {
		return stored{}, errNoKey
	}
	json, err := p.server.Get(ctx, p.prefix+value)
	switch {
	case errors.Is(err, session.ErrNotFound):
		return stored{}, session.ErrNotFound
	case err != nil:
		return stored{}, fmt.Errorf("fromdjango: reading a session: %w", err)
	case len(json) > 0 && json[0] == pickled:
		return stored{}, strict.Refused(session.ReasonCorrupt, "a pickle, which is never read: set SESSION_ENGINE to "+
			"cached_db and use fromdjango.DB, or give the cache a serializer that writes JSON (OPTIONS)")
	}
	return stored{id: value, json: json}, nil
}

func (p *cache) save(ctx context.Context, json []byte, ends time.Time) (string, error) {
	key := newKey()
	if err := p.writable.Set(ctx, p.prefix+key, json, ends.Sub(p.Now())); err != nil {
		return "", fmt.Errorf("fromdjango: writing a session: %w", err)
	}
	return key, nil
}

func (p *cache) remove(ctx context.Context, value string) error {
	if !isKey(value) {
		return nil
	}
	if err := p.writable.Delete(ctx, p.prefix+value); err != nil {
		return fmt.Errorf("fromdjango: deleting a session: %w", err)
	}
	return nil
}
