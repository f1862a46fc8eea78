package shop

import (
	"net/http"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// unlimited is more than a crowd can add while a test lasts.
const unlimited = 1 << 30

// Redis is restarted now and then. Meanwhile visitors are told so, and afterwards they have what they had.
func TestRedisOutage(t *testing.T) {
	redis := servers.Redis(t)
	url := open(t, options{framework: "gin", store: "redis://" + redis.Addr})
	c := gather(t, url, unlimited)
	c.await(http.StatusOK, 500, nil)
	redis.Stop()
	c.await(http.StatusServiceUnavailable, 4*writers, nil)
	redis.Start()
	c.await(http.StatusOK, 500, c.count())
	c.stop()
	only(t, c, http.StatusOK, http.StatusServiceUnavailable)
	if lost := c.check(url); lost > 0 {
		t.Errorf("%d writes that were answered 200 are lost", lost)
	}
}

// A replica takes over the sessions of a master that dies. It may lack the last writes, because Redis answers before a
// replica has them, but no session that was there for longer.
func TestClusterMasterDies(t *testing.T) {
	cluster := servers.RedisCluster(t)
	url := open(t, options{framework: "gin", store: clusterURL(cluster)})
	c := gather(t, url, unlimited)
	c.await(http.StatusOK, 2000, nil)
	const key = "any"
	dead := cluster.Master(key)
	dead.Kill()
	c.await(http.StatusServiceUnavailable, 1, nil)
	until(t, "another master", func() bool { return cluster.Master(key) != dead })
	c.stop()
	only(t, c, http.StatusOK, http.StatusServiceUnavailable)
	c.awaitService()
	t.Logf("%d answered writes are lost", c.check(url))
	const writes = 500
	all := gather(t, url, writes)
	all.await(http.StatusOK, writes, nil)
	all.stop()
	only(t, all, http.StatusOK)
}

// only says that there were no other answers.
func only(t *testing.T, c *crowd, statuses ...int) {
	t.Helper()
	all := c.count()
	t.Logf("answers by status: %v", all)
	for _, s := range statuses {
		delete(all, s)
	}
	if len(all) > 0 {
		t.Errorf("there were other answers than %v: %v", statuses, all)
	}
}
