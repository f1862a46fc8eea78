package redisstore_test

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/redisstore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func TestStore(t *testing.T) {
	server := servers.Redis(t)
	for name, options := range map[string]*redis.Options{
		"Plain":           {},
		"ContextTimeouts": {ContextTimeoutEnabled: true},
		"RESP2":           {Protocol: 2},
	} {
		t.Run(name, func(t *testing.T) {
			options.Addr = server.Addr
			store := redisstore.New(client(t, options))
			storetest.Run(t, func(*testing.T) session.Store { return store })
		})
	}
}

// TestRing has each subject's list on another shard than most of its records.
func TestRing(t *testing.T) {
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": servers.Redis(t).Addr,
		"two": servers.Redis(t).Addr}})
	t.Cleanup(func() { _ = ring.Close() })
	storetest.Run(t, func(*testing.T) session.Store { return redisstore.New(ring) })
}

func client(t testing.TB, o *redis.Options) *redis.Client {
	t.Helper()
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func connect(t testing.TB, s *servers.Server) *redis.Client {
	t.Helper()
	return client(t, &redis.Options{Addr: s.Addr})
}

// newRecord is a record of nobody that lives for half an hour.
func newRecord(data string) session.Record {
	seen := time.Now().Truncate(time.Millisecond)
	r := session.Record{Version: 1, Data: []byte(data), Seen: seen, Expires: seen.Add(30 * time.Minute)}
	_, _ = rand.Read(r.ID[:]) // never fails
	return r
}

func newRecordOf(subject string) session.Record {
	r := newRecord("values")
	r.Subject = subject
	return r
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, operation string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: error is %v, want %v", operation, got, want)
	}
}

// touched lets a record live longer. It was seen right now: these tests do not wait.
func touched(ctx context.Context, s *redisstore.Store, r session.Record, longer time.Duration) error {
	return s.Touch(ctx, r.ID, r.Seen, r.Expires.Add(longer))
}

// TestRoundTrips: the network is what a session in Redis costs.
func TestRoundTrips(t *testing.T) {
	var sent counter
	c := connect(t, servers.Redis(t))
	c.AddHook(&sent)
	s, ctx := redisstore.New(c), t.Context()
	r, known := newRecord("values"), newRecordOf("user:42")
	for _, warm := range []session.Record{newRecord(""), newRecordOf("user:7")} { // the scripts are known from here on
		check(t, s.Create(ctx, warm))
		check(t, s.Update(ctx, warm))
		check(t, touched(ctx, s, warm, 0))
		ids, err := s.Find(ctx, "user:7")
		check(t, err)
		_, err = s.LoadAll(ctx, append(ids, warm.ID))
		check(t, err)
	}
	costs := func(operation string, want int, run func() error) {
		t.Helper()
		sent.n.Store(0)
		check(t, run())
		if n := int(sent.n.Load()); n != want {
			t.Errorf("%s took %d round trips, want %d", operation, n, want)
		}
	}
	costs("Create", 1, func() error { return s.Create(ctx, r) })
	costs("Create with a subject", 2, func() error { return s.Create(ctx, known) })
	for _, r := range []*session.Record{&r, &known} {
		costs("Load", 1, func() error { _, err := s.Load(ctx, r.ID); return err })
		costs("Update", 1, func() error { return s.Update(ctx, *r) })
		r.Version++
		costs("Touch", 1, func() error { return touched(ctx, s, *r, time.Minute) })
	}
	costs("Touch past what the list promises", 3, func() error { return touched(ctx, s, known, 2*time.Hour) })
	costs("Touch soon after", 1, func() error { return touched(ctx, s, known, 3*time.Hour) })
	costs("Find", 1, func() error { _, err := s.Find(ctx, "user:42"); return err })
	costs("LoadAll", 1, func() error { _, err := s.LoadAll(ctx, []session.RecordID{r.ID, known.ID}); return err })
	costs("Walk", 2, func() error { _, _, err := s.Walk(ctx, "", 500); return err })
	costs("Delete", 1, func() error { return s.Delete(ctx, r.ID) })
}

// TestScriptFlush: a server forgets scripts when it starts, fails over or is told to, and nobody may notice.
func TestScriptFlush(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s, ctx := redisstore.New(c), t.Context()
	r := newRecordOf("user:42")
	for _, step := range []func() error{
		func() error { return s.Create(ctx, r) },
		func() error { return touched(ctx, s, r, time.Second) },
		func() error { return s.Update(ctx, r) },
		func() error { return touched(ctx, s, r, 5*time.Hour) },
		func() error { _, err := s.Find(ctx, r.Subject); return err },
	} {
		check(t, c.ScriptFlush(ctx).Err())
		check(t, step())
	}
}

// TestForeignValues: a record of a newer format, or of another program, is neither misread nor overwritten.
func TestForeignValues(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s, ctx := redisstore.New(c), t.Context()
	for name, spoil := range map[string]func(key string) error{
		"newer": func(key string) error { return c.SetRange(ctx, key, 0, "\x02").Err() },
		"short": func(key string) error { return c.Set(ctx, key, "\x01\x00short", 0).Err() },
		"text":  func(key string) error { return c.Set(ctx, key, `{"user":42}`, 0).Err() },
		"owner": func(key string) error { return c.SetRange(ctx, key, 1, "\xff").Err() },
		"list": func(key string) error {
			return errors.Join(c.Del(ctx, key).Err(), c.RPush(ctx, key, "element").Err())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecordOf("user:" + name)
			check(t, s.Create(ctx, r))
			key := keyOf(t, c)
			check(t, spoil(key))
			before := c.Dump(ctx, key).Val()
			_, loadErr := s.Load(ctx, r.ID)
			_, allErr := s.LoadAll(ctx, []session.RecordID{r.ID})
			for operation, err := range map[string]error{
				"Load": loadErr, "LoadAll": allErr, "Update": s.Update(ctx, r), "Touch": touched(ctx, s, r, time.Minute),
			} {
				if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) {
					t.Errorf("%s: error is %v, want one that says what is wrong", operation, err)
				}
			}
			wantError(t, "Create", s.Create(ctx, r), session.ErrExists)
			if c.Dump(ctx, key).Val() != before {
				t.Error("the value was changed")
			}
			check(t, s.Delete(ctx, r.ID))
		})
	}
}

// keyOf is the only record's key.
func keyOf(t *testing.T, c *redis.Client) string {
	t.Helper()
	for _, key := range c.Keys(t.Context(), "coatcheck:*").Val() {
		if !strings.HasPrefix(key, "coatcheck:subject:") {
			return key
		}
	}
	t.Fatal("there is no record")
	return ""
}

// TestPrefix: applications that share a Redis do not see each other's sessions.
func TestPrefix(t *testing.T) {
	c := connect(t, servers.Redis(t))
	one, ctx := redisstore.New(c), t.Context()
	other := one.WithPrefix("shop:")
	r := newRecordOf("user:42")
	check(t, one.Create(ctx, r))
	_, err := other.Load(ctx, r.ID)
	wantError(t, "Load", err, session.ErrNotFound)
	if ids, err := other.Find(ctx, r.Subject); len(ids) > 0 || err != nil {
		t.Errorf("Find: %v, %v, want nothing", ids, err)
	}
	check(t, other.Create(ctx, r))
	for _, key := range c.Keys(ctx, "*").Val() {
		if !strings.HasPrefix(key, "coatcheck:") && !strings.HasPrefix(key, "shop:") {
			t.Errorf("key %q has no prefix", key)
		}
		if strings.Contains(key, r.Subject) {
			t.Errorf("key %q tells the subject to everybody who can list keys", key)
		}
	}
}

// TestTimeToLive: Redis drops a record only when nobody's clock can call it alive, and then for certain.
func TestTimeToLive(t *testing.T) {
	c := connect(t, servers.Redis(t))
	s, ctx := redisstore.New(c), t.Context()
	r := newRecord("values")
	lives := func(after string, want time.Duration) {
		t.Helper()
		got := c.PTTL(ctx, keyOf(t, c)).Val()
		if want += 6 * time.Minute; got > want || got < want-time.Minute {
			t.Errorf("after %s the record is kept for %s, want %s", after, got, want)
		}
	}
	check(t, s.Create(ctx, r))
	lives("Create", 30*time.Minute)
	r.Seen, r.Expires = r.Seen.Add(time.Minute), r.Expires.Add(11*time.Minute)
	check(t, s.Touch(ctx, r.ID, r.Seen, r.Expires))
	lives("Touch", 40*time.Minute)
	check(t, s.Touch(ctx, r.ID, r.Seen, r.Expires.Add(-20*time.Minute)))
	lives("a Touch that comes late", 40*time.Minute)
	r.Expires = r.Expires.Add(time.Second)
	check(t, s.Touch(ctx, r.ID, r.Seen.Add(39*time.Minute), r.Expires))
	lives("a Touch by a clock that is ahead", 40*time.Minute)
	r.Expires = r.Seen.Add(5 * time.Minute)
	check(t, s.Update(ctx, r))
	lives("an Update that ends it sooner", 5*time.Minute)
	r.Version++
	r.Expires = r.Seen.Add(-time.Hour)
	check(t, s.Update(ctx, r))
	lives("an Update into the past", 0)
	check(t, s.Delete(ctx, r.ID))

	years := session.Record{Version: 1, Seen: time.UnixMilli(1000), Expires: time.UnixMilli(1000).Add(time.Hour)}
	check(t, s.Create(ctx, years))
	lives("Create on a clock of long ago", time.Hour)
}

// TestErrorsKeepSecrets: errors are logged, and logs are read by many.
func TestErrorsKeepSecrets(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	check(t, l.Close()) // so that nobody listens there
	options := &redis.Options{Addr: l.Addr().String(), Username: "SECRET", Password: "SECRET", MaxRetries: -1}
	setIfKnown(options, "DialerRetries", 1)
	s, ctx := redisstore.New(client(t, options)), t.Context()
	r := newRecordOf("SECRET")
	r.Data = []byte("SECRET")
	_, loadErr := s.Load(ctx, r.ID)
	_, findErr := s.Find(ctx, r.Subject)
	_, allErr := s.LoadAll(ctx, []session.RecordID{r.ID})
	_, _, walkErr := s.Walk(ctx, "", 500)
	for _, err := range []error{
		loadErr, findErr, allErr, walkErr, s.Create(ctx, r), s.Update(ctx, r), s.Delete(ctx, r.ID), touched(ctx, s, r, 0),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), "redisstore: ") || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("error is %v", err)
		}
	}
}
