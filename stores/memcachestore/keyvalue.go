package memcachestore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
)

// KeyValue is for the packages under migrate: it reads and writes what another system keeps in Memcached. It has no
// prefix of its own. It panics if the client is nil, which stays the caller's to configure and close. For the server to
// be the one on which the other system looks, both need the same way of choosing: with more than one server, give the
// client a selector that chooses as that system's client does.
func KeyValue(client *memcache.Client) migrate.WritableKeyValue { return keyValue{New(client)} }

type keyValue struct{ s *Store }

func (kv keyValue) Get(ctx context.Context, key string) ([]byte, error) {
	var got *memcache.Item // nobody else's once await has returned without an error
	err := kv.s.repeatable(ctx, func() (err error) {
		got, err = kv.s.client.Get(key)
		return err
	})
	if err != nil {
		return nil, kv.failed("get", err)
	}
	return got.Value, nil
}

func (kv keyValue) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	item := &memcache.Item{Key: key, Value: value, Expiration: secondsOf(ttl)}
	return kv.failed("set", kv.s.repeatable(ctx, func() error { return kv.s.client.Set(item) }))
}

func (kv keyValue) Delete(ctx context.Context, key string) error {
	err := kv.failed("delete", kv.s.repeatable(ctx, func() error { return kv.s.client.Delete(key) }))
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

// failed wraps an error. Memcached has no key that is too long or has a space in it.
func (kv keyValue) failed(command string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, memcache.ErrCacheMiss), command != "set" && errors.Is(err, memcache.ErrMalformedKey):
		return session.ErrNotFound
	}
	return fmt.Errorf("memcachestore: %s of another system's key: %w", command, err)
}

// secondsOf is a lifetime in Memcached's terms, for which more than 30 days are a time since 1970.
func secondsOf(ttl time.Duration) int32 {
	seconds := max(1, int64((ttl+time.Second-1)/time.Second))
	if seconds > maxRelative {
		seconds += time.Now().Unix()
	}
	return int32(min(seconds, math.MaxInt32))
}
