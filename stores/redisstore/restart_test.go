package redisstore_test

import (
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

const pooled = 20

// TestRestartCostsNobodyAnAnswer: Redis is back, and the pool is full of connections that it does not know. The
// client leaves out those that it sees have ended, and tries again.
func TestRestartCostsNobodyAnAnswer(t *testing.T) {
	for name, wrap := range map[string]func(*testing.T, *redis.Client) redis.UniversalClient{
		"Plain":      func(_ *testing.T, c *redis.Client) redis.UniversalClient { return c },
		"Pipelining": pipelining,
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Redis(t)
			c := client(t, &redis.Options{Addr: server.Addr, PoolSize: pooled, ContextTimeoutEnabled: true})
			s := redisstore.New(wrap(t, c))
			r := newRecord("values")
			fillPool(t, c)
			check(t, s.Create(t.Context(), r))
			server.Kill()
			server.Start()
			eachAtOnce(t, 2*pooled, func() error { _, err := s.Load(t.Context(), r.ID); return err })
			check(t, s.Update(t.Context(), r))
			eachAtOnce(t, pooled, func() error { return s.Create(t.Context(), newRecord("values")) })
		})
	}
}

// fillPool has as many connections at a time as the pool keeps.
func fillPool(t *testing.T, c *redis.Client) {
	t.Helper()
	var held [pooled]*redis.Conn
	for i := range held {
		held[i] = c.Conn()
		check(t, held[i].Ping(t.Context()).Err())
	}
	for _, conn := range held {
		check(t, conn.Close()) // gives it back
	}
	if n := c.PoolStats().IdleConns; n != pooled {
		t.Fatalf("the pool has %d connections, want %d", n, pooled)
	}
}

func eachAtOnce(t *testing.T, n int, call func() error) {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
}
