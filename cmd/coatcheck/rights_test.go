package main

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
)

// TestRedisRights: the commands that the error names are enough, and the check misses each of them.
func TestRedisRights(t *testing.T) {
	server := servers.Redis(t)
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { admin.Close() })
	grant := func(rights ...string) {
		t.Helper()
		args := []any{"acl", "setuser", "app", "reset", "on", ">pw", "~coatcheck:*"}
		for _, right := range rights {
			args = append(args, right)
		}
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{t: t, url: "redis://app:pw@" + server.Addr}
	needed := strings.Fields(storeurl.RedisRights)
	grant(needed...)
	s.done("check")
	s.done("list", "user:42", "--json")
	for i, missing := range needed {
		grant(append(append([]string{}, needed[:i]...), needed[i+1:]...)...)
		status, stdout, _ := s.run("check")
		if status != exitFailed || !strings.Contains(stdout, "FAILED") || !strings.Contains(stdout, storeurl.RedisRights) {
			t.Errorf("without %s: status %d, want a failure that names what is needed:\n%s", missing, status, stdout)
		}
	}
	grant()
	s.fails(storeurl.RedisRights, "list", "user:42")
}
