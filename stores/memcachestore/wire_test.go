package memcachestore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
)

// wire notes what is sent to a real server.
type wire struct {
	mu    sync.Mutex
	lines []string
}

type tapped struct {
	net.Conn
	w *wire
}

func (c tapped) Write(b []byte) (int, error) {
	line, _, _ := bytes.Cut(b, []byte("\r\n")) // a client writes a command at a time
	c.w.mu.Lock()
	c.w.lines = append(c.w.lines, string(line))
	c.w.mu.Unlock()
	return c.Conn.Write(b)
}

// sent returns the commands since the last call.
func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := w.lines
	w.lines = nil
	return lines
}

// commands returns the names of the commands since the last call.
func (w *wire) commands() string {
	var names []string
	for _, line := range w.sent() {
		name, _, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return strings.Join(names, " ")
}

func tap(t *testing.T) (*memcachestore.Store, *wire) {
	t.Helper()
	client, w := connect(servers.Memcached(t).Addr), &wire{}
	client.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		return tapped{c, w}, err
	}
	return memcachestore.New(client), w
}

func keyOf(id session.RecordID) string {
	return "coatcheck:" + base64.RawURLEncoding.EncodeToString(id[:])
}

// TestExpirationOnTheWire: Memcached takes more than 30 days for a date in 1970 and forgets the session at once; zero it
// takes for "never"; and the client's 32 bits end in 2038.
func TestExpirationOnTheWire(t *testing.T) {
	const day, month = 24 * 60 * 60, 30 * 24 * 60 * 60
	now := time.Now().Truncate(time.Second)
	unix := now.Unix()
	in2037 := time.Unix(math.MaxInt32-10*day, 0)
	for _, c := range []struct {
		name     string
		seen     time.Time
		lifetime time.Duration // seconds
		want     int64
	}{
		{"an hour", now, time.Hour, 3960},
		{"under a second", now, time.Millisecond, 361},
		{"none left", now, 0, 360},
		{"expired", now, -time.Hour, 360},
		{"long expired", now, now.Sub(time.Now().AddDate(30, 0, 0)), 360},
		{"the longest relative one", now, (month - 360) * time.Second, month},
		{"the shortest absolute one", now, (month-360)*time.Second + time.Millisecond, unix + month + 1},
		{"31 days", now, 31 * day * time.Second, unix + 31*day + 360},
		{"400 days", now, 400 * day * time.Second, unix + 400*day + 360},
		{"beyond 2038", now, 100 * 365 * day * time.Second, math.MaxInt32},
		{"relative in 2037", in2037, 20 * day * time.Second, 20*day + 360},
		{"absolute in 2037", in2037, 40 * day * time.Second, month},
		{"in 2039", in2037.AddDate(2, 0, 0), 40 * day * time.Second, month},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, w := tap(t)
			r := newRecord("values")
			r.Seen, r.Expires = c.seen, c.seen.Add(c.lifetime)
			want(t, "Create", s.Create(t.Context(), r), nil)
			sendsExpiration(t, w, "add", c.want)
			want(t, "Update", s.Update(t.Context(), r), nil)
			sendsExpiration(t, w, "cas", c.want)

			touched := newRecord("values")
			touched.Seen, touched.Expires = time.UnixMilli(1), time.UnixMilli(1)
			want(t, "Create", s.Create(t.Context(), touched), nil)
			w.sent()
			if r.Expires.After(touched.Expires) {
				want(t, "Touch", s.Touch(t.Context(), touched.ID, r.Seen, r.Expires), nil)
				sendsExpiration(t, w, "cas", c.want)
			}
		})
	}
}

// sendsExpiration checks the last command, whose fields are name, key, flags, expiration, length.
func sendsExpiration(t *testing.T, w *wire, command string, want int64) {
	t.Helper()
	lines := w.sent()
	fields := strings.Fields(lines[len(lines)-1])
	if fields[0] != command || fields[3] != strconv.FormatInt(want, 10) {
		t.Errorf("%s sends the expiration %s, want %s %d", fields[0], fields[3], command, want)
	}
}

// TestRoundTrips: what each call costs is in the package comment.
func TestRoundTrips(t *testing.T) {
	s, w := tap(t)
	r := newRecord("values")
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"Create", func() error { return s.Create(t.Context(), r) }, "add"},
		{"Load", func() error { _, err := s.Load(t.Context(), r.ID); return err }, "gets"},
		{"Touch", func() error { return s.Touch(t.Context(), r.ID, r.Seen, r.Expires.Add(time.Minute)) }, "gets cas"},
		{"a Touch that moves nothing", func() error { return s.Touch(t.Context(), r.ID, r.Seen, r.Expires) }, "gets"},
		{"Update", func() error { return s.Update(t.Context(), r) }, "gets cas"},
		{"a late Update", func() error {
			if err := s.Update(t.Context(), r); !errors.Is(err, session.ErrConflict) {
				return errors.Join(errors.New("no conflict"), err)
			}
			return nil
		}, "gets"},
		{"Delete", func() error { return s.Delete(t.Context(), r.ID) }, "delete"},
	} {
		want(t, c.name, c.call(), nil)
		if got := w.commands(); got != c.want {
			t.Errorf("%s sends %q, want %q", c.name, got, c.want)
		}
	}
}

// over has ended and has nothing to wait for.
type over struct{ context.Context }

func (over) Err() error { return context.Canceled }

// TestCancelledCallsSendNothing: a request that is over must not reach the server.
func TestCancelledCallsSendNothing(t *testing.T) {
	s, w := tap(t)
	r := newRecord("values")
	ctx := over{context.WithoutCancel(t.Context())} // calls under it are not left behind in a goroutine
	_, err := s.Load(ctx, r.ID)
	want(t, "Load", err, context.Canceled)
	want(t, "Create", s.Create(ctx, r), context.Canceled)
	want(t, "Update", s.Update(ctx, r), context.Canceled)
	want(t, "Delete", s.Delete(ctx, r.ID), context.Canceled)
	if sent := w.sent(); sent != nil {
		t.Errorf("cancelled calls sent %q", sent)
	}
}

// TestErrorsKeepSecrets: errors go to logs, which ids, keys and data stay out of.
func TestErrorsKeepSecrets(t *testing.T) {
	server := servers.Memcached(t)
	s := memcachestore.New(connect(server.Addr))
	r := newRecord("secret values")
	server.Stop()
	_, err := s.Load(t.Context(), r.ID)
	for _, err := range []error{err, s.Create(t.Context(), r), s.Update(t.Context(), r), s.Delete(t.Context(), r.ID)} {
		if err == nil || !strings.HasPrefix(err.Error(), "memcachestore: ") {
			t.Fatalf("error is %v, want one that names the package", err)
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), keyOf(r.ID)) {
			t.Errorf("%q gives something away", err)
		}
	}
}

// TestTooLargeIsNotSent: what cannot fit is not worth sending, and a server with room for more must be used.
func TestTooLargeIsNotSent(t *testing.T) {
	s, w := tap(t)
	r := newRecord(strings.Repeat("x", 2000))
	want(t, "Create", s.WithItemSize(2000).Create(t.Context(), r), session.ErrTooLarge)
	if sent := w.sent(); sent != nil {
		t.Errorf("sent %q", sent)
	}
	roomy := newStore(t, "-I", "2m")
	r.Data = bytes.Repeat([]byte("x"), 3<<19)
	want(t, "Create without room", roomy.Create(t.Context(), r), session.ErrTooLarge)
	want(t, "Create with room", roomy.WithItemSize(2<<20).Create(t.Context(), r), nil)
}
