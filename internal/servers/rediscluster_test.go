package servers_test

import (
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// TestRedisCluster: a test that kills a master relies on being told the right one, and its successor.
func TestRedisCluster(t *testing.T) {
	c := servers.RedisCluster(t)
	before := c.Master("{visits}")
	if c.Master("{visits}:1") != before {
		t.Error("keys of one hash tag have different masters")
	}
	masters := map[*servers.Server]bool{}
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		masters[c.Master(key)] = true
	}
	if len(masters) != 3 {
		t.Errorf("%d masters for different keys, want 3", len(masters))
	}
	before.Kill()
	if after := c.Master("{visits}"); after == before {
		t.Error("the master is dead and said to be master")
	}
	before.Start()
	c.Await()
}
