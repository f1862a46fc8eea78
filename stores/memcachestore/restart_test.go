package memcachestore_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
)

const pooled = 20

// withPool is a store whose client has idle connections: no call gets its connection before all have asked for one.
func withPool(t *testing.T, addr string) *memcachestore.Store {
	t.Helper()
	client := connect(addr)
	s := memcachestore.New(client)
	var all, calls sync.WaitGroup
	all.Add(pooled)
	client.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		all.Done()
		all.Wait()
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	}
	for range pooled {
		calls.Go(func() {
			if _, err := s.Load(t.Context(), newRecord("").ID); !errors.Is(err, session.ErrNotFound) {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	client.DialContext = nil
	return s
}

// TestRestartCostsNobodyAnAnswer: the server is back, and the pool is full of connections that it does not know.
func TestRestartCostsNobodyAnAnswer(t *testing.T) {
	server := servers.Memcached(t)
	type store = *memcachestore.Store
	for name, call := range map[string]func(s store, r session.Record) error{
		"Load":   func(s store, r session.Record) error { _, err := s.Load(t.Context(), r.ID); return absent(err) },
		"Create": func(s store, r session.Record) error { return s.Create(t.Context(), r) },
		"Update": func(s store, r session.Record) error { return absent(s.Update(t.Context(), r)) },
		"Touch":  func(s store, r session.Record) error { return absent(s.Touch(t.Context(), r.ID, r.Seen, r.Expires)) },
		"Delete": func(s store, r session.Record) error { return s.Delete(t.Context(), r.ID) },
	} {
		s := withPool(t, server.Addr)
		server.Stop()
		server.Start()
		var calls sync.WaitGroup
		var failed atomic.Int64
		for range 2 * pooled {
			calls.Go(func() {
				if err := call(s, newRecord("values")); err != nil {
					failed.Add(1)
				}
			})
		}
		if calls.Wait(); failed.Load() > 0 {
			t.Errorf("%d of %d calls of %s failed after the restart", failed.Load(), 2*pooled, name)
		}
	}
}

// absent is nil for what a server says that has forgotten everything.
func absent(err error) error {
	if err == nil {
		return errors.New("the record is still there")
	}
	if errors.Is(err, session.ErrNotFound) {
		return nil
	}
	return err
}

// proxy stands between client and server. It ends the connections of commands that drop chooses, before the server
// has the command or after it has carried it out.
type proxy struct {
	addr string

	mu       sync.Mutex
	commands []string
	drop     func(command string) (before, after bool)
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	want(t, "Listen", err, nil)
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{addr: l.Addr().String(), drop: never}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c, server)
		}
	}()
	return p
}

func never(string) (before, after bool) { return false, false }

// serve passes on one command and its answer at a time, which is how the client speaks.
func (p *proxy) serve(client net.Conn, addr string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		before, after := p.note(buffer[:n])
		if before {
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
		if n, err = server.Read(buffer); err != nil || after {
			return
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *proxy) note(sent []byte) (before, after bool) {
	command, _, _ := bytes.Cut(sent, []byte(" "))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commands = append(p.commands, string(command))
	return p.drop(string(command))
}

// dropping lets the connections of the next commands of a name end, and returns what was sent since the last call.
func (p *proxy) dropping(name string, times int, carriedOut bool) (sent string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent, p.commands = strings.Join(p.commands, " "), nil
	p.drop = func(command string) (before, after bool) {
		if command != name || times == 0 {
			return false, false
		}
		times--
		return !carriedOut, carriedOut
	}
	return sent
}

// TestLostAnswers: whether the server has carried out a command whose connection ended, nobody knows. So a write is not
// sent again before a look at the record has shown that it has not happened, and never applies twice.
func TestLostAnswers(t *testing.T) {
	p := newProxy(t, servers.Memcached(t).Addr)
	s := memcachestore.New(connect(p.addr))
	r := newRecord("values")
	later := r.Expires.Add(time.Hour)
	for _, c := range []struct {
		lost       string
		carriedOut bool
		call       func() error
		sent       string
	}{
		{"add", false, func() error { return s.Create(t.Context(), r) }, "add gets add"},
		{"gets", true, func() error { _, err := s.Load(t.Context(), r.ID); return err }, "gets gets"},
		{"cas", false, func() error { return s.Update(t.Context(), r) }, "gets cas gets cas"},
		{"cas", true, func() error { r.Version = 2; return s.Update(t.Context(), r) }, "gets cas gets"},
		{"cas", true, func() error { return s.Touch(t.Context(), r.ID, r.Seen, later) }, "gets cas gets"},
		{"delete", true, func() error { return s.Delete(t.Context(), r.ID) }, "delete delete"},
		{"add", true, func() error { return s.Create(t.Context(), r) }, "add gets"},
	} {
		p.dropping(c.lost, 1, c.carriedOut)
		want(t, c.sent, c.call(), nil)
		if sent := p.dropping("", 0, false); sent != c.sent {
			t.Errorf("%q was sent, want %q", sent, c.sent)
		}
	}
	got, err := s.Load(t.Context(), r.ID)
	want(t, "Load", err, nil)
	if got.Version != 2 || string(got.Data) != "values" {
		t.Errorf("the record is %v", got)
	}
}

// TestLostAnswerToOthers: another write has come in between, so that nothing tells whether this one has happened
// before.
func TestLostAnswerToOthers(t *testing.T) {
	server := servers.Memcached(t)
	p := newProxy(t, server.Addr)
	s, direct := memcachestore.New(connect(p.addr)), memcachestore.New(connect(server.Addr))
	r := newRecord("values")
	want(t, "Create", s.Create(t.Context(), r), nil)
	p.mu.Lock()
	p.drop = func(command string) (before, after bool) {
		if command != "cas" {
			return false, false
		}
		want(t, "Update by another", direct.Update(t.Context(), r), nil)
		return true, false
	}
	p.mu.Unlock()
	other := r
	other.Data = []byte("other values")
	want(t, "Update", s.Update(t.Context(), other), session.ErrConflict)
}

// TestServerThatHangsUp: a server that ends every connection is an outage, not a reason to try for ever.
func TestServerThatHangsUp(t *testing.T) {
	p := newProxy(t, servers.Memcached(t).Addr)
	s := memcachestore.New(connect(p.addr))
	r := newRecord("values")
	want(t, "Create", s.Create(t.Context(), r), nil)
	for lost, sent := range map[string]string{"gets": "gets gets", "cas": "gets cas gets cas"} {
		p.dropping(lost, -1, false)
		if err := s.Update(t.Context(), r); err == nil || errors.Is(err, session.ErrConflict) {
			t.Errorf("Update: error is %v, want an outage", err)
		}
		if got := p.dropping("", 0, false); got != sent {
			t.Errorf("%q was sent, want %q", got, sent)
		}
	}
}
