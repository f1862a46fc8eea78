package shop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// backend is a store on the server: new returns what -store takes for one that is empty and the test's own.
type backend struct {
	name string
	new  func(t *testing.T) string
}

// backends are all of them.
func backends() []backend {
	return append(durable(),
		backend{"memory", func(*testing.T) string { return "memory" }},
		backend{"redis", func(t *testing.T) string { return "redis://" + servers.Redis(t).Addr }},
		backend{"cluster", func(t *testing.T) string { return clusterURL(servers.RedisCluster(t)) }},
		backend{"memcached", func(t *testing.T) string { return "memcached://" + servers.Memcached(t).Addr }},
	)
}

// durable are the ones that promise to keep what they have answered, whatever happens to the shop.
func durable() []backend {
	return []backend{
		{"file", func(t *testing.T) string { return "file://" + filepath.Join(t.TempDir(), "sessions") }},
		{"sqlite", func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "sessions.db") }},
		{"postgresql", func(t *testing.T) string { return servers.PostgreSQLURL(servers.PostgreSQL(t)) }},
		{"mariadb", func(t *testing.T) string { return "mysql://root@" + servers.MariaDB(t).Addr + "/test" }},
	}
}

func clusterURL(c *servers.Cluster) string {
	addrs := c.Addrs()
	return "redis://" + addrs[0] + "?addr=" + strings.Join(addrs[1:], "&addr=")
}

// onBackends runs a test on every backend with the frameworks that answer in the most different ways.
func onBackends(t *testing.T, test func(t *testing.T, o options)) {
	for _, b := range backends() {
		t.Run(b.name, func(t *testing.T) {
			if testing.Short() && b.name != "memory" {
				t.Skip("a short run takes one store: the shop does the same on all, and each has tests of its own")
			}
			store := b.new(t)
			for _, framework := range []string{"gin", "fiber"} {
				t.Run(framework, func(t *testing.T) {
					test(t, options{framework: framework, store: store, allowDelay: true})
				})
			}
		})
	}
}
