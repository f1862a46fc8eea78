package redisstore_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// pipelining are go-redis's clients that let calls share round trips.
var pipelining = map[string]func(c redis.UniversalClient) (*redis.AutoPipeliner, error){
	"Blocking": redis.UniversalClient.AutoPipeline,
	"Deferred": redis.UniversalClient.AsyncAutoPipeline,
	"Sharded": func(c redis.UniversalClient) (*redis.AutoPipeliner, error) {
		return c.AutoPipelineWithOptions(&redis.AutoPipelineOptions{NumShards: 4, Unordered: true, MaxConcurrentBatches: 4})
	},
	"FullDuplex": func(c redis.UniversalClient) (*redis.AutoPipeliner, error) {
		return c.AutoPipelineWithOptions(&redis.AutoPipelineOptions{FullDuplex: true})
	},
}

// pipeline returns a client that pipelines and ends with the test.
func pipeline(t testing.TB, name string, c redis.UniversalClient) *redis.AutoPipeliner {
	t.Helper()
	p, err := pipelining[name](c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestPipelining: commands of several requests travel together, so that they must not mix, and none may wait for
// another.
func TestPipelining(t *testing.T) {
	server := servers.Redis(t)
	for name := range pipelining {
		t.Run(name, func(t *testing.T) {
			store := redisstore.New(pipeline(t, name, connect(t, server)))
			storetest.Run(t, func(*testing.T) session.Store { return store })
		})
	}
	t.Run("ClientSideCache", func(t *testing.T) {
		c := client(t, &redis.Options{Addr: server.Addr, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}})
		store := redisstore.New(pipeline(t, "Blocking", c))
		storetest.Run(t, func(*testing.T) session.Store { return store })
	})
}

// TestPipelinedCallsEndWithTheirContext: the client heeds no context once it has a command, so the store has to.
func TestPipelinedCallsEndWithTheirContext(t *testing.T) {
	for name := range pipelining {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, servers.Redis(t).Addr)
			c := client(t, &redis.Options{Addr: p.addr, ReadTimeout: time.Second, MaxRetries: -1})
			s := redisstore.New(pipeline(t, name, c))
			r := newRecordOf("user:42")
			check(t, s.Create(t.Context(), r))
			endsWhenCancelled(t, p, "Load", func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err })
		})
	}
}

// TestPipelinedLoadsShareRoundTrips: what the first command has to wait for, the others of that moment go with.
func TestPipelinedLoadsShareRoundTrips(t *testing.T) {
	c := connect(t, servers.Redis(t))
	trips := &counter{}
	s := redisstore.New(pipeline(t, "Blocking", c))
	r := newRecord("values")
	check(t, s.Create(t.Context(), r))
	c.AddHook(trips)
	const loads = 200
	errs := make(chan error, loads)
	for range loads {
		go func() { _, err := s.Load(t.Context(), r.ID); errs <- err }()
	}
	for range loads {
		check(t, <-errs)
	}
	if n := trips.n.Load(); n > loads/2 {
		t.Errorf("%d round trips for %d loads at a time", n, loads)
	}
}

// TestPipelinedVisits: an application sees nothing of it.
func TestPipelinedVisits(t *testing.T) {
	server := servers.Redis(t)
	visitor := &browser{t: t, page: counting(t, redisstore.New(pipeline(t, "Blocking", connect(t, server))))}
	for _, want := range []string{"1", "2", "3"} {
		if code, body := visitor.see("/"); code != http.StatusOK || body != want {
			t.Errorf("status %d, %q, want visit %s", code, body, want)
		}
	}
}
