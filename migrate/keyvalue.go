// Package migrate says what the importers below it need of the servers that other systems keep their sessions on. See
// docs/migration.md.
package migrate

import (
	"context"
	"time"
)

// KeyValue reads what another system keeps on a server like Redis or Memcached. Implementations are
// redisstore.KeyValue and memcachestore.KeyValue. It is safe for concurrent use.
type KeyValue interface {
	// Get returns session.ErrNotFound for a key that is not there.
	Get(ctx context.Context, key string) ([]byte, error)
}

// WritableKeyValue is for mirrors, which write too.
type WritableKeyValue interface {
	KeyValue
	// Set writes a value that the server drops after ttl.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Delete removes a key. That it is not there is fine.
	Delete(ctx context.Context, key string) error
}
