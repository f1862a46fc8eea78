package redisstore_test

import (
	"context"
	"net"
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
	for name, wrap := range map[string]func(*redis.Client) redis.UniversalClient{
		"Plain":      func(c *redis.Client) redis.UniversalClient { return c },
		"Pipelining": func(c *redis.Client) redis.UniversalClient { return pipeline(t, "Blocking", c) },
	} {
		t.Run(name, func(t *testing.T) {
			server := servers.Redis(t)
			c := client(t, &redis.Options{Addr: server.Addr, PoolSize: pooled, ContextTimeoutEnabled: true, Dialer: together()})
			s := redisstore.New(wrap(c))
			r := newRecord("values")
			eachAtOnce(t, pooled, func() error { return c.Ping(t.Context()).Err() })
			check(t, s.Create(t.Context(), r))
			server.Kill()
			server.Start()
			eachAtOnce(t, 2*pooled, func() error { _, err := s.Load(t.Context(), r.ID); return err })
			check(t, s.Update(t.Context(), r))
			eachAtOnce(t, pooled, func() error { return s.Create(t.Context(), newRecord("values")) })
		})
	}
}

// together lets no connection be used before the pool is full of them.
func together() func(ctx context.Context, network, addr string) (net.Conn, error) {
	var mu sync.Mutex
	n, full := 0, make(chan struct{})
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		if n++; n == pooled {
			close(full)
		}
		mu.Unlock()
		select {
		case <-full:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return (&net.Dialer{}).DialContext(ctx, network, addr)
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
