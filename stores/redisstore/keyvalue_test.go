package redisstore_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// TestKeyValue: an importer tells a key that is not there from a server that does not answer, and what a mirror writes
// lasts as long as it says.
func TestKeyValue(t *testing.T) {
	server, ctx := servers.Redis(t), t.Context()
	c := connect(t, server)
	kv := redisstore.KeyValue(c)
	_, err := kv.Get(ctx, "session:a")
	wantError(t, "Get of nothing", err, session.ErrNotFound)
	check(t, kv.Delete(ctx, "session:a"))
	check(t, kv.Set(ctx, "session:a", []byte("\x00\xff\r\n"), time.Hour))
	value, err := kv.Get(ctx, "session:a")
	check(t, err)
	if string(value) != "\x00\xff\r\n" {
		t.Errorf("the value is %q", value)
	}
	if ttl := c.TTL(ctx, "session:a").Val(); ttl <= 59*time.Minute || ttl > time.Hour {
		t.Errorf("it lasts for %v, want an hour", ttl)
	}
	check(t, kv.Delete(ctx, "session:a"))
	_, err = kv.Get(ctx, "session:a")
	wantError(t, "Get after Delete", err, session.ErrNotFound)
	check(t, c.SAdd(ctx, "session:b", "x").Err()) // another program's, under a name that a visitor's cookie may have
	_, err = kv.Get(ctx, "session:b")
	wantError(t, "Get of a set", err, session.ErrNotFound)
	server.Kill()
	if _, err = kv.Get(ctx, "session:a"); err == nil {
		t.Error("Get works without a server")
	}
}
