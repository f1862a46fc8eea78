package memcachestore_test

import (
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
)

// TestKeyValue: an importer tells a key that is not there, or that cannot be one, from a server that does not answer.
// A lifetime of more than 30 days is not one that is over.
func TestKeyValue(t *testing.T) {
	server, ctx := servers.Memcached(t), t.Context()
	kv := memcachestore.KeyValue(connect(server.Addr))
	for _, absent := range []string{"session:a", strings.Repeat("a", 251), "session: a", "a\r\nflush_all"} {
		_, err := kv.Get(ctx, absent)
		want(t, "Get of nothing", err, session.ErrNotFound)
		want(t, "Delete of nothing", kv.Delete(ctx, absent), nil)
	}
	for _, ttl := range []time.Duration{time.Minute, 31 * 24 * time.Hour, 1 << 62} {
		want(t, "Set", kv.Set(ctx, "session:a", []byte("\x00\xff\r\n"), ttl), nil)
		value, err := kv.Get(ctx, "session:a")
		want(t, "Get", err, nil)
		if string(value) != "\x00\xff\r\n" {
			t.Errorf("the value is %q", value)
		}
		want(t, "Delete", kv.Delete(ctx, "session:a"), nil)
		_, err = kv.Get(ctx, "session:a")
		want(t, "Get after Delete", err, session.ErrNotFound)
	}
	if err := kv.Set(ctx, "session: a", nil, time.Minute); err == nil {
		t.Error("Set takes a key that Memcached does not")
	}
	server.Kill()
	if _, err := kv.Get(ctx, "session:a"); err == nil {
		t.Error("Get works without a server")
	}
}
