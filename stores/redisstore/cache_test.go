package redisstore_test

import (
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// caching is a client that keeps what it has read.
func caching(t *testing.T, server *servers.Server, others ...string) *redis.Client {
	t.Helper()
	return client(t, cached(t, &redis.Options{Addr: server.Addr}, others...))
}

// TestStoreBehindACache: the client's cache makes no difference.
func TestStoreBehindACache(t *testing.T) {
	server := servers.Redis(t)
	for name, others := range map[string][]string{
		"ClientSideCache": nil,
		"RefreshingCache": {"ClientSideCacheRefreshOnInvalidate", "ClientSideCacheCoalesceMisses"},
	} {
		t.Run(name, func(t *testing.T) {
			store := redisstore.New(caching(t, server, others...))
			storetest.Run(t, func(*testing.T) session.Store { return store })
		})
	}
}

// TestNoStaleReads: a cache learns late of what other servers write. A visitor who has logged out there would still be
// let in, and one whose form was saved there would see the page as it was before.
func TestNoStaleReads(t *testing.T) {
	server := servers.Redis(t)
	here, there := redisstore.New(caching(t, server)), redisstore.New(connect(t, server))
	listing := redisstore.New(caching(t, server)) // another one, since any command may bring a cache up to date
	ctx, r := t.Context(), newRecordOf("user:42")
	_, err := here.Load(ctx, r.ID)
	wantError(t, "Load", err, session.ErrNotFound)
	check(t, there.Create(ctx, r))
	listed := []session.Record{r}
	for range 50 {
		got, err := here.Load(ctx, r.ID)
		check(t, err)
		if got.Version != r.Version {
			t.Fatalf("version %d was loaded after version %d had been written", got.Version, r.Version)
		}
		lists(t, listing, r.Subject, listed...)
		check(t, there.Update(ctx, r))
		r.Version++
		listed = append(listed, newRecordOf(r.Subject))
		check(t, there.Create(ctx, listed[len(listed)-1]))
	}
	check(t, there.Delete(ctx, r.ID))
	_, err = here.Load(ctx, r.ID)
	wantError(t, "Load", err, session.ErrNotFound)
	lists(t, listing, r.Subject, listed[1:]...)
}

// TestVisitsCount lets one visitor's browser send many requests at once, to two servers of which one keeps a cache.
// Each request changes the same value, and all of them count.
func TestVisitsCount(t *testing.T) {
	const tabs, requests = 4, 50
	server := servers.Redis(t)
	pages := []http.Handler{
		counting(t, redisstore.New(caching(t, server))), counting(t, redisstore.New(connect(t, server))),
	}
	visitor := &browser{t: t, page: pages[0]}
	visitor.get("/")
	var wg sync.WaitGroup
	for i := range tabs * len(pages) {
		wg.Go(func() {
			tab := *visitor
			tab.page = pages[i%len(pages)]
			for range requests {
				if code, body := tab.see("/"); code != http.StatusOK {
					t.Errorf("status %d: %s", code, body)
				}
			}
		})
	}
	wg.Wait()
	want := strconv.Itoa(tabs*len(pages)*requests + 2)
	if _, body := visitor.see("/"); body != want {
		t.Errorf("the visits count %s, want %s", body, want)
	}
}
