package session_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// Ten thousand who wait cost one goroutine, a kilobyte each, and twenty calls of the store in an interval.
func TestTenThousandWatchers(t *testing.T) {
	const many = 10_000
	synctest.Test(t, func(t *testing.T) {
		store := probe.New(memstore.New())
		m, err := session.New(store, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{Manager: m, store: store}
		cookies := make([]string, many)
		for i := range cookies {
			cookies[i] = w.start(t)
		}
		watched, cancels := make([]context.Context, many), make([]context.CancelFunc, many)
		parents := make([]context.Context, many)
		for i := range parents {
			parents[i], cancels[i] = context.WithCancel(context.Background())
		}
		goroutines, bytes := runtime.NumGoroutine(), heap()
		for i, cookie := range cookies {
			v := begin(t, m, cookie)
			watched[i] = v.Watch(parents[i])
			v.finish()
		}
		each := (heap() - bytes) / many
		t.Logf("%d bytes for each watcher", each)
		if each > 1024 {
			t.Errorf("%d bytes for each watcher, 1024 allowed", each)
		}
		if n := runtime.NumGoroutine() - goroutines; n > 5 { // other tests may leave some behind
			t.Errorf("%d goroutines for %d watchers, want 1", n, many)
		}
		store.Reset()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := store.Count(""); n != many/500 || store.Count("LoadAll") != n {
			t.Errorf("%d calls of the store in an interval, want %d", n, many/500)
		}
		for i, cancel := range cancels {
			if watched[i].Err() != nil {
				t.Fatalf("watch %d is over: %v", i, context.Cause(watched[i]))
			}
			if i > 0 {
				cancel()
			}
		}
		synctest.Wait()
		if n, running := session.Watched(m); n != 1 || !running {
			t.Errorf("%d sessions are watched after all but one have gone, the goroutine runs: %t", n, running)
		}
		cancels[0]()
		synctest.Wait()
		if n, running := session.Watched(m); n != 0 || running {
			t.Errorf("%d sessions are watched after all have gone, the goroutine runs: %t", n, running)
		}
		store.Reset()
		time.Sleep(time.Minute)
		if n := store.Count(""); n != 0 {
			t.Errorf("%d calls of the store though nobody watches", n)
		}
		runtime.KeepAlive(parents)
	})
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// All tabs of one visitor are one record to ask for, also when they came with tokens from before and after a renewal.
func TestManyWatchersOfOneSession(t *testing.T) {
	inOffice(t, session.Options{}, func(t *testing.T, w office) {
		cookie := w.login(t, "user:1")
		v := begin(t, w.Manager, cookie)
		v.Exists()
		var all []context.Context
		for range 500 {
			all = append(all, w.watch(t, cookie))
		}
		renewed := w.other.read(t, cookie, (*session.Session).Renew).issued()
		for range 500 {
			all = append(all, w.watch(t, renewed), v.Watch(t.Context()))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n, _ := session.Watched(w.Manager); n != 1 {
			t.Errorf("%d records are watched, want 1", n)
		}
		w.store.Reset()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := w.store.Count(""); n != 1 {
			t.Errorf("%d calls of the store in an interval, want 1", n)
		}
		w.other.read(t, renewed, (*session.Session).Destroy)
		time.Sleep(5 * time.Second)
		for _, ctx := range all {
			over(ctx, t, "already-ended")
		}
	})
}
