package memcachestore_test

import (
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

// TestInFrontOfMemory: Memcached is the fast store of two, and only makes the durable one faster. The options keep a
// slow machine from passing for a failing fast store.
func TestInFrontOfMemory(t *testing.T) {
	client := memcache.New(servers.Memcached(t).Addr)
	client.Timeout, client.MaxIdleConns = time.Minute, 64
	options := tieredstore.Options{
		MaxStale: time.Hour, FastTimeout: time.Minute, OnError: func(err error) { t.Error(err) },
	}
	storetest.Run(t, func(*testing.T) session.Store {
		return tieredstore.New(memcachestore.New(client), memstore.New(), options)
	})
}
