package redisstore_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// walkFrom goes through a store from a cursor to the end, after a page that had some records.
func walkFrom(t *testing.T, s *redisstore.Store, cursor string, before ...session.Record) map[session.RecordID]bool {
	t.Helper()
	found := map[session.RecordID]bool{}
	for _, r := range before {
		found[r.ID] = true
	}
	for first := true; first || cursor != ""; first = false {
		page, next, err := s.Walk(t.Context(), cursor, 10)
		check(t, err)
		for _, r := range page {
			found[r.ID] = true
		}
		cursor = next
	}
	return found
}

// createMany returns records of a server or of all servers.
func createMany(t *testing.T, s *redisstore.Store, n int) (records []session.Record) {
	t.Helper()
	for i := range n {
		r := newRecordOf(fmt.Sprintf("user:%d", i))
		check(t, s.Create(t.Context(), r))
		records = append(records, r)
	}
	return records
}

func wantAll(t *testing.T, when string, found map[session.RecordID]bool, records []session.Record) {
	t.Helper()
	for _, r := range records {
		if !found[r.ID] {
			t.Fatalf("%s: record %s is missing; %d were found, want %d", when, r.ID, len(found), len(records))
		}
	}
}

// TestWalkKeepsToItsPrefix: applications that share a Redis do not move or count each other's sessions, whatever their
// prefixes mean in a pattern, and what is no record does not come out as one.
func TestWalkKeepsToItsPrefix(t *testing.T) {
	c := connect(t, servers.Redis(t))
	base, ctx := redisstore.New(c), t.Context()
	owned := map[string]session.Record{}
	for _, prefix := range []string{
		"shop:", "shop:eu:", "s*:", "*", "shop?", "[sh]op:", "[a-z]", "sho\\p:", "\\", "", "shop:subject:", "\xff\x00:", "sh{o}p:",
	} {
		owned[prefix] = newRecordOf("user:42")
		check(t, base.WithPrefix(prefix).Create(ctx, owned[prefix]))
	}
	id := func() string { r := newRecord(""); return base64.RawURLEncoding.EncodeToString(r.ID[:]) }
	check(t, c.RPush(ctx, "shop:"+id(), "a list").Err())
	check(t, c.Set(ctx, "shop:"+strings.Repeat("!", 43), "no id", 0).Err())
	check(t, c.Set(ctx, "shop:"+strings.Repeat("_", 43), "no id that is written as ids are", 0).Err())
	check(t, c.Set(ctx, "shop:"+id()[1:], "too short", 0).Err())
	for prefix, r := range owned {
		found := walkFrom(t, base.WithPrefix(prefix), "")
		if len(found) != 1 || !found[r.ID] {
			t.Errorf("prefix %q: %d records, want its own alone", prefix, len(found))
		}
	}
}

// TestWalkPassesDamage: one value of another program's must not hide the sessions beside it.
func TestWalkPassesDamage(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s := redisstore.New(c)
	good, bad := newRecord("values"), newRecord("values")
	check(t, s.Create(t.Context(), good))
	check(t, s.Create(t.Context(), bad))
	check(t, c.Set(t.Context(), "coatcheck:"+base64.RawURLEncoding.EncodeToString(bad.ID[:]), "another's", 0).Err())
	page, next, err := s.Walk(t.Context(), "", 500)
	if err == nil || len(page) != 1 || page[0].ID != good.ID || next != "" {
		t.Errorf("%d records, next %q, error %v; want the good one beside an error", len(page), next, err)
	}
}

// TestWalkAfterRestart: a server that starts again has its keys in another order, so that an old cursor leads past some.
func TestWalkAfterRestart(t *testing.T) {
	server := servers.Redis(t)
	s := redisstore.New(connect(t, server))
	records := createMany(t, s, 60)
	_, cursor, err := s.Walk(t.Context(), "", 10)
	check(t, err)
	server.Kill()
	server.Start()
	records = append(records, createMany(t, s, 20)...)
	found := walkFrom(t, s, cursor)
	for _, r := range records {
		if _, err := s.Load(t.Context(), r.ID); err == nil && !found[r.ID] {
			t.Fatalf("record %s is there and was not found from the cursor of before", r.ID)
		}
	}
	if len(found) < 20 {
		t.Fatalf("%d records were found", len(found))
	}
}

// TestForeignPlaces: a cursor's form is that of a place, and its place is one that there is.
func TestForeignPlaces(t *testing.T) {
	s := redisstore.New(connect(t, servers.Redis(t)))
	createMany(t, s, 40)
	_, own, err := s.Walk(t.Context(), "", 5)
	check(t, err)
	parts := strings.Split(own, "-")
	if len(parts) != 5 {
		t.Fatalf("a cursor is %q", own)
	}
	for at, texts := range map[int][]string{
		0: {"mem", ""}, 1: {"1", "-1", "00", "99999", "123456"}, 2: {"", "x", strings.Repeat("0", 15)}, 3: {"", "0"},
		4: {"", "0", "-1", "01", "18446744073709551616", "1e3", "1\n", "1 "},
	} {
		for _, text := range texts {
			changed := append([]string(nil), parts...)
			changed[at] = text
			cursor := strings.Join(changed, "-")
			if _, _, err := s.Walk(t.Context(), cursor, 5); err == nil || strings.Contains(err.Error(), cursor) {
				t.Errorf("from %q: error is %v, want one that does not repeat it", cursor, err)
			}
		}
	}
}

// walkOfChangingCluster moves slots and masters during walks.
func walkOfChangingCluster(t *testing.T, cluster *servers.Cluster) {
	c := clusterClient(t, &redis.ClusterOptions{Addrs: cluster.Addrs()})
	s, ctx := redisstore.New(c).WithPrefix("walk:"), t.Context()
	records := createMany(t, s, 60)
	wantAll(t, "at rest", walkFrom(t, s, ""), records)
	if _, _, err := redisstore.New(unknown{c}).Walk(ctx, "", 10); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("behind a client that hides the servers: error is %v, want %v", err, errors.ErrUnsupported)
	}
	before, cursor, err := s.Walk(ctx, "", 10)
	check(t, err)
	key := "walk:" + base64.RawURLEncoding.EncodeToString(records[0].ID[:])
	slot := c.ClusterKeySlot(ctx, key).Val()
	from, to := neighbours(t, c, cluster.Master(key).Addr)
	check(t, from.Do(ctx, "cluster", "setslot", slot, "migrating", to.Do(ctx, "cluster", "myid").Val()).Err())
	if err := walkError(ctx, s, cursor); err == nil || !strings.Contains(err.Error(), "moving slots") {
		t.Errorf("while a slot moves: error is %v, want one that says so", err)
	}
	check(t, from.Do(ctx, "cluster", "setslot", slot, "stable").Err())
	wantAll(t, "after it has not moved", walkFrom(t, s, cursor, before...), records)
	moveEmptySlot(t, c, from, to)
	cluster.Await()
	wantAll(t, "after a slot has moved", walkFrom(t, s, cursor), records) // anew, whatever was before
}

func walkError(ctx context.Context, s *redisstore.Store, cursor string) (err error) {
	for first := true; err == nil && (first || cursor != ""); first = false {
		_, cursor, err = s.Walk(ctx, cursor, 10)
	}
	return err
}

// neighbours returns clients of a master and of another one.
func neighbours(t *testing.T, c *redis.ClusterClient, addr string) (from, to *redis.Client) {
	t.Helper()
	from = client(t, &redis.Options{Addr: addr})
	for _, slots := range c.ClusterSlots(t.Context()).Val() {
		if slots.Nodes[0].Addr != addr {
			return from, client(t, &redis.Options{Addr: slots.Nodes[0].Addr})
		}
	}
	t.Fatal("the cluster has one master")
	return nil, nil
}

// moveEmptySlot gives a slot without keys to another master, as redis-cli does.
func moveEmptySlot(t *testing.T, c *redis.ClusterClient, from, to *redis.Client) {
	t.Helper()
	ctx := t.Context()
	target := to.Do(ctx, "cluster", "myid").Val()
	for _, slots := range c.ClusterSlots(ctx).Val() {
		if slots.Nodes[0].Addr != from.Options().Addr {
			continue
		}
		for slot := slots.Start; slot <= slots.End; slot++ {
			if from.ClusterCountKeysInSlot(ctx, slot).Val() == 0 {
				check(t, to.Do(ctx, "cluster", "setslot", slot, "node", target).Err())
				check(t, from.Do(ctx, "cluster", "setslot", slot, "node", target).Err())
				return
			}
		}
	}
	t.Fatal("every slot has keys")
}
