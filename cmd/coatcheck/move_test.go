package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/crowd"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/internal/soak"
	"github.com/coatcheck/coatcheck/stores/movingstore"
)

// idle is how many sessions nobody uses during the move, and patience how long it may take.
func idle() (n int, patience time.Duration) {
	if soak.Wanted() {
		return 100_000, time.Hour
	}
	return 200, time.Minute
}

// house is a site whose sessions are in a store. Visitors wait when the machine is busy, which this is not about.
func house(t *testing.T, store session.Store) http.Handler {
	t.Helper()
	m, err := session.New(store, session.Options{
		StoreTimeout: time.Minute,
		OnEvent: func(_ context.Context, e session.Event) {
			if errors.Is(e.Err, session.ErrUnavailable) {
				t.Logf("%s: %v", e.Reason, e.Err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return crowd.Site(m)
}

// each calls f for every visitor, many at a time.
func each(t *testing.T, visitors []crowd.Visitor, f func(v *crowd.Visitor) error) {
	t.Helper()
	var working sync.WaitGroup
	for part := range 16 {
		working.Go(func() {
			for i := part; i < len(visitors) && !t.Failed(); i += 16 {
				if err := f(&visitors[i]); err != nil {
					t.Error(err)
				}
			}
		})
	}
	if working.Wait(); t.Failed() {
		t.FailNow()
	}
}

// TestMoveWithVisitorsAtWork moves all sessions from Redis to PostgreSQL and back while 20 clients work. No client is
// logged out and no update gets lost; what nobody used is there too.
func TestMoveWithVisitorsAtWork(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves the servers out; package movingstore moves with visitors between stores in memory")
	}
	n, patience := idle()
	redis := newSite(t, "redis://"+servers.Redis(t).Addr)
	postgres := newSite(t, servers.PostgreSQLURL(servers.PostgreSQL(t)))
	sleepers := make([]crowd.Visitor, n)
	start := time.Now()
	each(t, sleepers, func(v *crowd.Visitor) error {
		v.Subject = fmt.Sprintf("sleeper:%p", v)
		return v.Login(t.Context(), house(t, redis.store))
	})
	t.Logf("%d sessions in %v", n, time.Since(start).Round(time.Millisecond))
	moveBetween(t, redis, postgres, patience)
	moveBetween(t, postgres, redis, patience)
	each(t, sleepers, func(v *crowd.Visitor) error { return v.Check(t.Context(), house(t, redis.store)) })
}

// moveBetween does the steps that package movingstore describes.
func moveBetween(t *testing.T, from, to *site, patience time.Duration) {
	t.Helper()
	pair := func(o movingstore.Options) http.Handler { return house(t, movingstore.New(from.store, to.store, o)) }
	alone, holding, moving := house(t, from.store), pair(movingstore.Options{Hold: true}), pair(movingstore.Options{})
	done := house(t, to.store)
	fleet, over := crowd.NewFleet(alone), make(chan struct{})
	go func() {
		defer close(over)
		for _, running := range [][]http.Handler{{alone, holding}, {holding}, {holding, moving}, {moving}} {
			fleet.Deploy(running...)
			fleet.Await(100)
		}
		requests := fleet.Served()
		var out, diagnostics bytes.Buffer
		c := (&console{now: time.Now, ctx: t.Context()}).complete(&out, &diagnostics)
		k := copySessions{Move: true, longTimeFlag: longTimeFlag{patience}}
		if err := k.between(c, opened(t, from.url), opened(t, to.url)); err != nil {
			t.Error(err)
		}
		t.Logf("%s: %s with %d requests meanwhile", from.url[:8], bytes.TrimSpace(out.Bytes()), fleet.Served()-requests)
		for _, running := range [][]http.Handler{{moving, done}, {done}} {
			fleet.Deploy(running...)
			fleet.Await(100)
		}
	}()
	crowd.Run(t, 20, fleet, over)
}

func opened(t *testing.T, url string) *storeurl.Opened {
	t.Helper()
	o, err := storeurl.OpenExisting(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.Close() })
	return o
}
