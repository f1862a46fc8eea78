package redisstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate"
)

// KeyValue is for the packages under migrate: it reads and writes what another system keeps in Redis. It has no prefix
// of its own, and a key of another type than text is not there for it. The client must not be nil, and stays the
// caller's to configure and close. A user of Redis's own needs GET, and for a mirror SET and DEL; GETEX instead of GET
// where the client reads from replicas or keeps a cache.
func KeyValue(client redis.UniversalClient) migrate.WritableKeyValue { return keyValue{New(client)} }

type keyValue struct{ s *Store }

func (kv keyValue) Get(ctx context.Context, key string) ([]byte, error) {
	cmd := redis.NewStringCmd(ctx, kv.s.read, key)
	if err := kv.s.do(ctx, cmd); err != nil {
		return nil, kv.failed("get", err)
	}
	return cmd.Bytes()
}

func (kv keyValue) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return kv.failed("set", kv.s.do(ctx, redis.NewStatusCmd(ctx, "set", key, value, "px", max(1, ttl.Milliseconds()))))
}

func (kv keyValue) Delete(ctx context.Context, key string) error {
	return kv.failed("del", kv.s.do(ctx, redis.NewIntCmd(ctx, "del", key)))
}

func (kv keyValue) failed(command string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, redis.Nil), redis.HasErrorPrefix(err, "WRONGTYPE"):
		return session.ErrNotFound
	}
	return fmt.Errorf("redisstore: %s of another system's key: %w", command, err)
}
