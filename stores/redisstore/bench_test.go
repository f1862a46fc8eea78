package redisstore_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// BenchmarkStore compares the store's calls with GET and SET by the same client, on data of 300 bytes.
func BenchmarkStore(b *testing.B) {
	server := servers.Redis(b)
	c := client(b, &redis.Options{Addr: server.Addr, ContextTimeoutEnabled: true})
	s, r, key := redisstore.New(c), newRecord(strings.Repeat("x", 300)), "raw:"+rand.Text()
	for _, call := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"op=set", func(ctx context.Context) error { return c.Set(ctx, key, r.Data, time.Hour).Err() }},
		{"op=get", func(ctx context.Context) error { return c.Get(ctx, key).Err() }},
		{"op=create", func(ctx context.Context) error {
			_, _ = rand.Read(r.ID[:])
			return s.Create(ctx, r)
		}},
		{"op=load", func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err }},
		{"op=update", func(ctx context.Context) error { err := s.Update(ctx, r); r.Version++; return err }},
		{"op=touch", func(ctx context.Context) error {
			r.Expires = r.Expires.Add(time.Millisecond)
			return s.Touch(ctx, r.ID, r.Seen, r.Expires)
		}},
	} {
		b.Run(call.name, func(b *testing.B) {
			b.ReportAllocs()
			ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
			defer cancel()
			for b.Loop() {
				if err := call.run(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSize reports what Redis itself needs for a session.
func BenchmarkSize(b *testing.B) {
	storetest.BenchmarkSize(b, 100_000, func(b *testing.B) (session.Store, func() int64) {
		c := client(b, &redis.Options{Addr: servers.Redis(b).Addr})
		return redisstore.New(c), func() int64 { return usedMemory(b, c) }
	})
}

func usedMemory(b *testing.B, c *redis.Client) (used int64) {
	b.Helper()
	info := c.Info(b.Context(), "memory").Val()
	_, after, _ := strings.Cut(info, "used_memory:")
	if _, err := fmt.Sscan(after, &used); err != nil {
		b.Fatal(err)
	}
	return used
}
