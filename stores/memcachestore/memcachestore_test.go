package memcachestore_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

// connect returns a client with time for a slow machine.
func connect(addr string) *memcache.Client {
	client := memcache.New(addr)
	client.Timeout, client.MaxIdleConns = 20*time.Second, 64
	return client
}

func newStore(t *testing.T, options ...string) *memcachestore.Store {
	t.Helper()
	return memcachestore.New(connect(servers.MemcachedWith(t, options...).Addr))
}

func newRecord(data string) session.Record {
	seen := time.Now().Truncate(time.Millisecond)
	r := session.Record{Version: 1, Data: []byte(data), Seen: seen, Expires: seen.Add(time.Hour)}
	_, _ = rand.Read(r.ID[:]) // never fails
	return r
}

func want(t *testing.T, operation string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: error is %v, want %v", operation, got, want)
	}
}

func TestStore(t *testing.T) {
	s := newStore(t)
	storetest.Run(t, func(*testing.T) session.Store { return s })
}

// TestListSaysWhatToDo: whoever calls Manager.RevokeAll must hear that it did nothing, and what would.
func TestListSaysWhatToDo(t *testing.T) {
	sessions, err := session.New(memcachestore.New(memcache.New("127.0.0.1:1")), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sessions.RevokeAll(t.Context(), "user:42")
	want(t, "RevokeAll", err, errors.ErrUnsupported)
	if !strings.Contains(err.Error(), "tieredstore") {
		t.Errorf("%q does not say what to do", err)
	}
}

// TestPrefixesAreApart: two applications on one server must not open each other's sessions.
func TestPrefixesAreApart(t *testing.T) {
	one := newStore(t)
	other := one.WithPrefix("other:")
	r := newRecord("values")
	want(t, "Create", one.Create(t.Context(), r), nil)
	_, err := other.Load(t.Context(), r.ID)
	want(t, "Load with another prefix", err, session.ErrNotFound)
	want(t, "Create with another prefix", other.Create(t.Context(), r), nil)
}

// TestPrefixLimits: a key that Memcached refuses would fail each request, so the prefix is refused at the start.
func TestPrefixLimits(t *testing.T) {
	s := newStore(t)
	long := s.WithPrefix(strings.Repeat("p", 207))
	want(t, "Create with the longest prefix", long.Create(t.Context(), newRecord("values")), nil)
	for _, prefix := range []string{strings.Repeat("p", 208), "my app:", "a\nb", "a\x7f"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("the prefix %.20q was taken", prefix)
				}
			}()
			s.WithPrefix(prefix)
		}()
	}
}

// TestRestart: a server that restarts ends its sessions, but not the service.
func TestRestart(t *testing.T) {
	server := servers.Memcached(t)
	s := memcachestore.New(connect(server.Addr))
	r := newRecord("values")
	want(t, "Create", s.Create(t.Context(), r), nil)
	server.Stop()
	if _, err := s.Load(t.Context(), r.ID); err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("Load without a server: error is %v; an outage must not look like a logout", err)
	}
	server.Start()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := s.Load(ctx, r.ID)
		if errors.Is(err, session.ErrNotFound) {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("Load after the restart: error is %v, want %v", err, session.ErrNotFound)
		}
	}
	want(t, "Update after the restart", s.Update(t.Context(), r), session.ErrNotFound)
	want(t, "Create after the restart", s.Create(t.Context(), r), nil)
}

// TestServerThatDoesNotAnswer: a hanging server may hold up a request for as long as the context says, not for as
// long as the client's timeout.
func TestServerThatDoesNotAnswer(t *testing.T) {
	connected := make(chan struct{}, 16)
	s := memcachestore.New(connect(blackHole(t, connected)))
	r := newRecord("values")
	for name, call := range map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
		"Create": func(ctx context.Context) error { return s.Create(ctx, r) },
		"Update": func(ctx context.Context) error { return s.Update(ctx, r) },
		"Touch":  func(ctx context.Context) error { return s.Touch(ctx, r.ID, r.Seen, r.Expires) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, r.ID) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		answer := make(chan error, 1)
		go func() { answer <- call(ctx) }()
		<-connected
		cancel()
		select {
		case err := <-answer:
			want(t, name, err, context.Canceled)
		case <-time.After(10 * time.Second): // half of the client's timeout
			t.Errorf("%s goes on after its context has ended", name)
		}
	}
}

// blackHole accepts connections and says nothing.
func blackHole(t *testing.T, connected chan<- struct{}) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
			connected <- struct{}{}
		}
	}()
	return l.Addr().String()
}

// TestNothingListens: without a deadline too, a server that is down is an error and not a long wait.
func TestNothingListens(t *testing.T) {
	server := servers.Memcached(t)
	server.Stop()
	_, err := memcachestore.New(memcache.New(server.Addr)).Load(context.WithoutCancel(t.Context()), session.RecordID{})
	if err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("error is %v, want an outage", err)
	}
}

// TestLargestItem: what the store takes the server must take, and what neither takes is ErrTooLarge and leaves the
// record as it was, whether the store knows the server's limit or not.
func TestLargestItem(t *testing.T) {
	const size = 512 << 10
	unaware := newStore(t, "-I", "512k")
	aware := unaware.WithItemSize(size)
	largest := newRecord(strings.Repeat("x", size-160))
	want(t, "Create of the largest record", aware.Create(t.Context(), largest), nil)
	want(t, "Update of the largest record", aware.Update(t.Context(), largest), nil)
	for name, s := range map[string]*memcachestore.Store{"unaware": unaware, "aware": aware} {
		r := newRecord("values")
		want(t, name+": Create", s.Create(t.Context(), r), nil)
		larger := r
		larger.Data = bytes.Repeat([]byte("x"), size)
		want(t, name+": Update", s.Update(t.Context(), larger), session.ErrTooLarge)
		if got, err := s.Load(t.Context(), r.ID); err != nil || got.Version != 1 || string(got.Data) != "values" {
			t.Errorf("%s: after a refused Update the record is %v (%v)", name, got, err)
		}
		larger.ID[0]++
		want(t, name+": Create", s.Create(t.Context(), larger), session.ErrTooLarge)
	}
}

// TestDefaultItemSize: the default has to fit a server that was started without options.
func TestDefaultItemSize(t *testing.T) {
	s := newStore(t)
	want(t, "Create", s.Create(t.Context(), newRecord(strings.Repeat("x", 1<<20-160))), nil)
	want(t, "Create", s.Create(t.Context(), newRecord(strings.Repeat("x", 1<<20))), session.ErrTooLarge)
}

// TestServerWithoutCAS: Update must neither overwrite nor try for ever on a server that cannot compare.
func TestServerWithoutCAS(t *testing.T) {
	s := newStore(t, "-C")
	r := newRecord("values")
	want(t, "Create", s.Create(t.Context(), r), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for name, err := range map[string]error{
		"Update": s.Update(ctx, r),
		"Touch":  s.Touch(ctx, r.ID, r.Seen, r.Expires.Add(time.Hour)),
	} {
		if err == nil || !strings.Contains(err.Error(), "without -C") {
			t.Errorf("%s: error is %v, which does not say what to do", name, err)
		}
	}
}

// TestForeignItem: what a newer version wrote is an outage to this one, never a session, and never overwritten.
func TestForeignItem(t *testing.T) {
	server := servers.Memcached(t)
	client := connect(server.Addr)
	s := memcachestore.New(client)
	r := newRecord("values")
	want(t, "Create", s.Create(t.Context(), r), nil)
	key := keyOf(r.ID)
	item, err := client.Get(key)
	want(t, "Get of "+key, err, nil)
	newer := append([]byte{2}, item.Value[1:]...)
	for _, foreign := range [][]byte{nil, []byte("text"), item.Value[:24], newer} {
		want(t, "Set", client.Set(&memcache.Item{Key: key, Value: foreign}), nil)
		_, err := s.Load(t.Context(), r.ID)
		for name, err := range map[string]error{
			"Load":   err,
			"Create": s.Create(t.Context(), r),
			"Update": s.Update(t.Context(), r),
			"Touch":  s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Hour)),
		} {
			if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) {
				t.Errorf("%s of %.10q: error is %v", name, foreign, err)
			}
		}
		if now, err := client.Get(key); err != nil || !bytes.Equal(now.Value, foreign) {
			t.Errorf("%.10q was overwritten (%v)", foreign, err)
		}
	}
}
