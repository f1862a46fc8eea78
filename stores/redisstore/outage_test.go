package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
)

// patience is far more than a call takes that ends at all.
const patience = time.Minute

// TestCallsEndWithTheirContext: Redis has taken the command and does not answer. The client waits for ever, as it is
// told to here, and the visitor must not.
func TestCallsEndWithTheirContext(t *testing.T) {
	for name, options := range map[string]*redis.Options{
		"IgnoringContexts": {}, "ContextTimeouts": {ContextTimeoutEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, servers.Redis(t).Addr)
			options.Addr, options.ReadTimeout, options.MaxRetries = p.addr, -1, -1
			s := redisstore.New(client(t, options))
			r := newRecordOf("user:42")
			check(t, s.Create(t.Context(), r))
			for operation, run := range map[string]func(ctx context.Context) error{
				"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
				"Create": func(ctx context.Context) error { return s.Create(ctx, newRecord("")) },
				"Update": func(ctx context.Context) error { return s.Update(ctx, r) },
				"Touch":  func(ctx context.Context) error { return touched(ctx, s, r, 0) },
				"Delete": func(ctx context.Context) error { return s.Delete(ctx, r.ID) },
				"Find":   func(ctx context.Context) error { _, err := s.Find(ctx, r.Subject); return err },
				"LoadAll": func(ctx context.Context) error {
					_, err := s.LoadAll(ctx, []session.RecordID{r.ID})
					return err
				},
				"Walk": func(ctx context.Context) error { _, _, err := s.Walk(ctx, "", 500); return err },
			} {
				endsWhenCancelled(t, p, operation, run)
			}
		})
	}
}

func endsWhenCancelled(t *testing.T, p *proxy, operation string, run func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := func() { cancel() }
	p.onRequest.Store(&told)
	defer p.onRequest.Store(nil)
	answer := make(chan error, 1)
	go func() { answer <- run(ctx) }()
	select {
	case err := <-answer:
		wantError(t, operation, err, context.Canceled)
	case <-time.After(patience):
		t.Fatalf("%s goes on after its context has ended", operation)
	}
}

// TestPanicInClient: hooks are foreign code, and in a goroutine of the store's their panic would end the program.
func TestPanicInClient(t *testing.T) {
	c := connect(t, servers.Redis(t))
	c.AddHook(&between{before: 1, run: func() { panic("a hook's") }})
	if _, err := redisstore.New(c).Load(t.Context(), session.RecordID{}); err == nil ||
		errors.Is(err, session.ErrNotFound) {
		t.Errorf("error is %v, want one about the panic", err)
	}
}

// TestRequestsEndWithTheirTime: Redis takes a visitor's command and does not answer, and the client waits for ever,
// as it is told to here. Whoever gives up, the store or the client, the visitor is answered.
func TestRequestsEndWithTheirTime(t *testing.T) {
	for name, options := range map[string]*redis.Options{
		"IgnoringContexts": {}, "ContextTimeouts": {ContextTimeoutEnabled: true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, servers.Redis(t).Addr)
			options.Addr, options.ReadTimeout, options.MaxRetries = p.addr, -1, -1
			visitor := &browser{t: t, page: counting(t, redisstore.New(client(t, options)))}
			if code, body := visitor.see("/"); code != http.StatusOK {
				t.Fatalf("first visit: status %d, %q", code, body)
			}
			mute := func() {}
			p.onRequest.Store(&mute)
			if code, _ := visitor.see("/"); code != http.StatusServiceUnavailable {
				t.Errorf("status %d while Redis does not answer, want 503", code)
			}
			p.onRequest.Store(nil)
			if code, body := visitor.see("/"); code != http.StatusOK || body != "2" {
				t.Errorf("status %d, %q once Redis answers, want the second visit", code, body)
			}
		})
	}
}

const visits session.Key[int] = "visits"

// visit counts a visit and says which it was.
func visit(s *session.Session) int { return visits.Update(s, func(n int) int { return n + 1 }) }

func counting(t *testing.T, store session.Store) http.Handler {
	t.Helper()
	sessions, err := session.New(store, session.Options{
		StoreTimeout: 2 * time.Second, OnEvent: func(context.Context, session.Event) {},
	})
	check(t, err)
	return httpsession.Middleware(sessions)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, visit(httpsession.From(r))) // to a recorder
	}))
}

// TestLostAnswers: Redis has done what it was told, the connection ends before the answer, and the client tells it
// again. The visit counts once, and nobody hears of a conflict.
func TestLostAnswers(t *testing.T) {
	p := newProxy(t, servers.Redis(t).Addr)
	store := redisstore.New(client(t, &redis.Options{Addr: p.addr, MinRetryBackoff: -1}))
	visitor := &browser{t: t, page: counting(t, store)}
	for want := 1; want <= 5; want++ {
		var writes atomic.Bool
		store := losing{store, func() {
			if !writes.Swap(true) {
				p.loseAnswers.Store(1)
			}
		}}
		visitor.page = counting(t, store)
		if code, body := visitor.see("/"); code != http.StatusOK || body != fmt.Sprint(want) {
			t.Errorf("visit %d: status %d, %q", want, code, body)
		}
	}
}

// losing says when a write begins.
type losing struct {
	*redisstore.Store
	begin func()
}

func (l losing) Create(ctx context.Context, r session.Record) error {
	l.begin()
	return l.Store.Create(ctx, r)
}

func (l losing) Update(ctx context.Context, r session.Record) error {
	l.begin()
	return l.Store.Update(ctx, r)
}

// load is what a site's visitors do: each one's browser sends requests, one after the other, until they are over.
type load struct {
	t        *testing.T
	visitors []*browser
	saved    []atomic.Int64 // the last number that a visitor was shown
	asked    []atomic.Int64
	failures atomic.Int64
	over     atomic.Bool
	wg       sync.WaitGroup
}

func newLoad(t *testing.T, page http.Handler, visitors int) *load {
	t.Helper()
	l := &load{t: t, saved: make([]atomic.Int64, visitors), asked: make([]atomic.Int64, visitors)}
	for i := range visitors {
		l.visitors = append(l.visitors, &browser{t: t, page: page})
		l.request(i)
	}
	return l
}

func (l *load) request(i int) {
	l.asked[i].Add(1)
	code, body := l.visitors[i].see("/")
	var n int64
	switch code {
	case http.StatusOK:
		if _, err := fmt.Sscan(body, &n); err != nil {
			l.t.Error(err)
		}
		l.saved[i].Store(n)
	case http.StatusServiceUnavailable:
		l.failures.Add(1)
	default:
		l.t.Errorf("status %d: %s", code, body)
	}
}

func (l *load) start() {
	for i := range l.visitors {
		l.wg.Go(func() {
			for !l.over.Load() {
				l.request(i)
			}
		})
	}
}

func (l *load) stop() {
	l.over.Store(true)
	l.wg.Wait()
}

// progress waits until every visitor has been served again.
func (l *load) progress() {
	l.t.Helper()
	for i := range l.saved {
		before := l.saved[i].Load()
		l.until("visits by everybody", func() bool { return l.saved[i].Load() != before })
	}
}

func (l *load) until(what string, done func() bool) {
	l.t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-deadline:
			l.t.Fatalf("waited %s for %s", patience, what)
		case <-poll.C:
		}
	}
}

// TestOutage: while Redis is away visitors get errors; afterwards they find their sessions as they were last told,
// by the same client.
func TestOutage(t *testing.T) {
	server := servers.Redis(t)
	l := newLoad(t, counting(t, redisstore.New(connect(t, server))), 4)
	l.start()
	defer l.stop()
	for range 2 {
		l.progress()
		server.Stop()
		failures := l.failures.Load()
		l.until("an error", func() bool { return l.failures.Load() > failures })
		server.Start()
	}
	l.progress()
	l.stop()
	for i := range l.visitors {
		shown, asked := l.saved[i].Load(), l.asked[i].Load()
		if l.request(i); l.saved[i].Load() <= shown || l.saved[i].Load() > asked+1 {
			t.Errorf("a visitor was told %d after %d requests, and then %d", shown, asked, l.saved[i].Load())
		}
		if l.visitors[i].cookies != 1 {
			t.Error("a visitor's session was lost")
		}
	}
}
