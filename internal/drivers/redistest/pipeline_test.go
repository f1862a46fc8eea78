// Package redistest tests redisstore with what recent versions of go-redis have and older ones lack.
package redistest

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// pipelining are go-redis's settings for calls that share round trips.
var pipelining = map[string]*redis.AutoPipelineOptions{
	"Default":    nil,
	"Sharded":    {NumShards: 4, Unordered: true, MaxConcurrentBatches: 4},
	"FullDuplex": {FullDuplex: true},
}

// pipelined is a store whose client pipelines and ends with the test.
func pipelined(t *testing.T, c *redis.Client, o *redis.AutoPipelineOptions) *redisstore.Store {
	t.Helper()
	var p *redis.AutoPipeliner
	var err error
	if o == nil {
		p, err = c.AsyncAutoPipeline()
	} else {
		p, err = c.AsyncAutoPipelineWithOptions(o)
	}
	check(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return redisstore.NewPipelined(p)
}

func client(t *testing.T, o *redis.Options) *redis.Client {
	t.Helper()
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestPipelining: commands of several requests travel together, so that they must not mix, and none may wait for
// another.
func TestPipelining(t *testing.T) {
	addr := servers.Redis(t).Addr
	run := func(name string, store func(t *testing.T) session.Store) {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "Default" && name != "NewDeferred" {
				t.Skip("a short run takes one setting of the client's for each way in which the store calls it")
			}
			s := store(t)
			storetest.Run(t, func(*testing.T) session.Store { return s })
		})
	}
	for name, o := range pipelining {
		run(name, func(t *testing.T) session.Store { return pipelined(t, client(t, &redis.Options{Addr: addr}), o) })
	}
	run("ClientSideCache", func(t *testing.T) session.Store {
		return pipelined(t, client(t, &redis.Options{Addr: addr, ClientSideCacheConfig: &redis.ClientSideCacheConfig{}}), nil)
	})
	// Whoever gives New such a client has a store that works too.
	for name, connect := range map[string]func(*redis.Client) (*redis.AutoPipeliner, error){
		"NewBlocking": (*redis.Client).AutoPipeline, "NewDeferred": (*redis.Client).AsyncAutoPipeline,
	} {
		run(name, func(t *testing.T) session.Store {
			p, err := connect(client(t, &redis.Options{Addr: addr}))
			check(t, err)
			t.Cleanup(func() { _ = p.Close() })
			return redisstore.New(p)
		})
	}
}

// TestPipelinedCallsEndWithTheirContext: the client heeds no context once it has a command, so the store has to.
func TestPipelinedCallsEndWithTheirContext(t *testing.T) {
	addr, asked := mute(t)
	for name, o := range pipelining {
		t.Run(name, func(t *testing.T) {
			c := client(t, &redis.Options{Addr: addr, DialTimeout: time.Second, ReadTimeout: time.Second, MaxRetries: -1})
			s := pipelined(t, c, o)
			ctx, cancel := context.WithCancel(t.Context())
			answer := make(chan error, 1)
			go func() { _, err := s.Load(ctx, session.RecordID{}); answer <- err }()
			<-asked
			cancel()
			if err := <-answer; !errors.Is(err, context.Canceled) {
				t.Errorf("Load: error is %v, want %v", err, context.Canceled)
			}
		})
	}
}

// mute listens, says when it has been asked something, and never answers.
func mute(t *testing.T) (addr string, asked <-chan struct{}) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	signal := make(chan struct{}, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				for buffer := make([]byte, 4<<10); ; {
					if _, err := c.Read(buffer); err != nil {
						return
					}
					select {
					case signal <- struct{}{}:
					default:
					}
				}
			}()
		}
	}()
	return l.Addr().String(), signal
}

// counter counts round trips: commands that are sent alone, and pipelines.
type counter struct{ n atomic.Int64 }

func (c *counter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c *counter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { c.n.Add(1); return next(ctx, cmd) }
}

func (c *counter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error { c.n.Add(1); return next(ctx, cmds) }
}

// TestPipelinedLoadsShareRoundTrips: what the first command has to wait for, the others of that moment go with.
func TestPipelinedLoadsShareRoundTrips(t *testing.T) {
	c := client(t, &redis.Options{Addr: servers.Redis(t).Addr})
	s := pipelined(t, c, nil)
	now := time.Now()
	r := session.Record{Version: 1, Data: []byte("values"), Seen: now, Expires: now.Add(time.Hour)}
	_, _ = rand.Read(r.ID[:]) // never fails
	check(t, s.Create(t.Context(), r))
	trips := &counter{}
	c.AddHook(trips)
	const loads = 200
	errs := make(chan error, loads)
	for range loads {
		go func() { _, err := s.Load(t.Context(), r.ID); errs <- err }()
	}
	for range loads {
		check(t, <-errs)
	}
	if n := trips.n.Load(); n > loads/2 {
		t.Errorf("%d round trips for %d loads at a time", n, loads)
	}
}
