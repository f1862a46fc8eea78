package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func clusterClient(t *testing.T, o *redis.ClusterOptions) *redis.ClusterClient {
	t.Helper()
	c := redis.NewClusterClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestCluster(t *testing.T) {
	cluster := servers.RedisCluster(t)
	for name, options := range map[string]*redis.ClusterOptions{
		"Plain":           {},
		"ContextTimeouts": {ContextTimeoutEnabled: true},
		"Replicas":        {RouteRandomly: true}, // which are behind
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "Plain" {
				t.Skip("a short run takes the default settings only")
			}
			options.Addrs = cluster.Addrs()
			store := redisstore.New(clusterClient(t, options))
			storetest.Run(t, func(*testing.T) session.Store { return store })
		})
	}
	t.Run("ScriptFlush", func(t *testing.T) {
		c := clusterClient(t, &redis.ClusterOptions{Addrs: cluster.Addrs()})
		s, ctx := redisstore.New(c), t.Context()
		for range 10 { // on different servers
			r := newRecordOf("user:42")
			check(t, s.Create(ctx, r))
			check(t, c.ScriptFlush(ctx).Err())
			check(t, s.Update(ctx, r))
			check(t, touched(ctx, s, r, 5*time.Hour))
		}
	})
	t.Run("WalkOfChangingCluster", func(t *testing.T) { walkOfChangingCluster(t, cluster) })
	t.Run("LostMaster", func(t *testing.T) { lostMaster(t, cluster) })
}

// lostMaster kills a server that visitors' sessions are on. They get errors until its replica takes over and are
// served from then on. What they were told may be lost: Redis replicates after it has answered. So visits may count
// less than the visitors saw, but never more than they made, and no session is lost that its replica knew before.
func lostMaster(t *testing.T, cluster *servers.Cluster) {
	options := &redis.ClusterOptions{Addrs: cluster.Addrs()}
	setIfKnown(options, "ClusterStateReloadInterval", time.Hour) // the store asks for it sooner
	c := clusterClient(t, options)
	const together = "{visits}:" // a hash tag keeps all of them on one server
	l := newLoad(t, counting(t, redisstore.New(c).WithPrefix(together)), 6)
	err := c.ForEachMaster(t.Context(), func(ctx context.Context, master *redis.Client) error {
		return master.Wait(ctx, 1, patience).Err()
	})
	check(t, err)
	l.start()
	defer l.stop()
	l.progress()
	master := cluster.Master(together)
	master.Kill()
	l.until("an error", func() bool { return l.failures.Load() > 0 })
	l.progress()
	master.Start()
	cluster.Await()
	l.progress()
	l.stop()
	for i := range l.visitors {
		if l.request(i); l.saved[i].Load() > l.asked[i].Load() {
			t.Errorf("a visitor was told %d after %d requests", l.saved[i].Load(), l.asked[i].Load())
		}
		if l.visitors[i].cookies != 1 {
			t.Errorf("a visitor's session was lost")
		}
	}
}
