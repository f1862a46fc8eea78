package main

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// Each command is driven with a password in the URL, against a server that is not there and with URLs that are wrong.
func TestPasswordsAreNeverPrinted(t *testing.T) {
	const secret = "hunter2hunter2"
	t.Setenv(keysVariable, "2026-11:"+secret) // weak, so that ParseKeys has something to say about it
	urls := []string{
		"postgres://user:" + secret + "@127.0.0.1:1/db?sslmode=disable", "postgres://127.0.0.1:1/db?password=" + secret,
		"postgres://user:" + secret + "@127.0.0.1:1/db?connect_timeout=x", "mysql://user:" + secret + "@127.0.0.1:1/db",
		"mysql://user:" + secret + "@127.0.0.1:1", "mysql://user:" + secret + "@127.0.0.1:1/db?timeout=x",
		"redis://user:" + secret + "@127.0.0.1:1", "rediss://user:" + secret + "@127.0.0.1:1",
		"redis://user:" + secret + "@127.0.0.1:1/x",
		"redis://user:" + secret + "@127.0.0.1:1?addr=127.0.0.1:1", "memcached://user:" + secret + "@127.0.0.1:1",
		"sqlite://user:" + secret + "@/nowhere/x.db", "gopher://user:" + secret + "@host",
		"redis://user:" + secret + "%zz@host", "redis://user:" + secret + "@host:port",
	}
	commands := [][]string{
		{"inspect", strings.Repeat("A", 43)}, {"list", "user:42"}, {"revoke", "user:42", "handle"}, {"revoke-all", "user:42"},
		{"sweep"}, {"schema"}, {"schema", "--apply"}, {"check"}, {"check", "--json"},
	}
	t.Chdir(t.TempDir()) // where it may make files
	for _, address := range urls {
		for _, command := range commands {
			args := append(slices.Clone(command), "-store", address, "--timeout", "300ms")
			status, stdout, stderr := callWith(&console{now: time.Now}, args...)
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("%q prints the password: %s%s", args, stdout, stderr)
			}
			if status == exitOK && command[0] != "schema" && command[0] != "sweep" {
				t.Errorf("%q: status 0 without a server: %s", args, stdout)
			}
			t.Setenv(keysVariable, "") // the next time it is about the store
		}
	}
}

// A store that stays silent is given up when the time is over, by every command and every client.
func TestTimeout(t *testing.T) {
	address, _ := silent(t)
	for _, url := range []string{
		"redis://" + address, "redis://" + address + "?cluster=true", "postgres://u@" + address + "/db?sslmode=disable",
		"mysql://u@" + address + "/db", "memcached://" + address,
	} {
		s := &site{t: t, url: url}
		for _, command := range [][]string{
			{"inspect", strings.Repeat("A", 43)}, {"list", "user:42"}, {"revoke", "user:42", "handle"},
			{"revoke-all", "user:42"}, {"sweep"},
			{"schema", "--apply"}, {"check"},
		} {
			status, stdout, stderr := s.run(append(command, "--timeout", "50ms")...)
			silentStore := command[0] == "sweep" && strings.HasPrefix(stdout, "nothing to sweep")
			if status == exitOK && !silentStore || status == exitNobody {
				t.Errorf("%s %q: status %d, stdout %q, stderr %q", url, command, status, stdout, stderr)
			}
		}
		if _, stdout, _ := s.run("check", "--timeout", "50ms"); !strings.Contains(stdout, "raise --timeout") {
			t.Errorf("check says %s", stdout)
		}
	}
	(&site{t: t, url: "redis://" + address}).fails("coatcheck check", "list", "user:42", "--timeout", "50ms")
}

// stuck is a store whose every call lasts until its context ends, as those to a silent server do.
type stuck struct{}

func (stuck) Load(ctx context.Context, _ session.RecordID) (session.Record, error) {
	<-ctx.Done()
	return session.Record{}, ctx.Err()
}

func (stuck) Create(ctx context.Context, _ session.Record) error   { <-ctx.Done(); return ctx.Err() }
func (stuck) Update(ctx context.Context, _ session.Record) error   { <-ctx.Done(); return ctx.Err() }
func (stuck) Delete(ctx context.Context, _ session.RecordID) error { <-ctx.Done(); return ctx.Err() }

func (stuck) Sweep(ctx context.Context, _ time.Time, _ int) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func (stuck) Expired(ctx context.Context, _ time.Time) (int, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

// halfStuck answers once.
type halfStuck struct{ stuck }

func (halfStuck) Create(context.Context, session.Record) error { return nil }

// TestTimeoutBoundsAll: whoever allows three seconds does not wait for six, cleaning up included.
func TestTimeoutBoundsAll(t *testing.T) {
	for name, run := range map[string]func(*console, time.Duration) error{
		"check": func(c *console, timeout time.Duration) error {
			return check{timeFlag: timeFlag{timeout}}.on(c, &storeurl.Opened{Store: stuck{}}, stuck{})
		},
		"check of what it could make": func(c *console, timeout time.Duration) error {
			return check{timeFlag: timeFlag{timeout}}.on(c, &storeurl.Opened{Store: halfStuck{}}, stuck{})
		},
		"sweep": func(c *console, timeout time.Duration) error {
			return sweep{Timeout: timeout}.on(c, &storeurl.Opened{Store: stuck{}})
		},
		"sweep on a terminal": func(c *console, timeout time.Duration) error {
			c.terminal = true
			return sweep{Timeout: timeout}.on(c, &storeurl.Opened{Store: stuck{}})
		},
	} {
		for _, timeout := range []time.Duration{3 * time.Second, 20 * time.Second} {
			synctest.Test(t, func(t *testing.T) {
				c := (&console{ctx: t.Context(), now: time.Now}).complete(io.Discard, io.Discard)
				begun := time.Now()
				if err := run(c, timeout); err == nil || time.Since(begun) > timeout {
					t.Errorf("%s --timeout %v takes %v: %v", name, timeout, time.Since(begun), err)
				}
			})
		}
	}
}

// A sweep whose server falls silent does not wait for its hour to be over.
func TestSweepOfASilentServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := (&console{ctx: t.Context(), now: time.Now}).complete(io.Discard, io.Discard)
		begun := time.Now()
		if err := (sweep{Timeout: time.Hour}).on(c, &storeurl.Opened{Store: stuck{}}); err == nil ||
			time.Since(begun) > batchTimeout {
			t.Errorf("it takes %v: %v", time.Since(begun), err)
		}
	})
}

// A command that is interrupted says so, and ends.
func TestInterruption(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"list", "user:42"}, {"check"}, {"sweep"}, {"inspect"}} {
		store := sqliteURL(t)
		newSite(t, store)
		status, _, stderr := callWith(&console{ctx: ctx, now: time.Now, stdin: never{}}, append(args, "--store", store)...)
		if status != exitFailed || !strings.Contains(stderr, "interrupted") {
			t.Errorf("%q: status %d, stderr %q", args, status, stderr)
		}
	}
}

// never is a terminal at which nobody types.
type never struct{}

func (never) Read([]byte) (int, error) { select {} }

// silent returns the address of a server that accepts connections and says nothing, and what is closed by the first.
func silent(t *testing.T) (address string, accepted <-chan struct{}) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	first := make(chan struct{})
	go func() {
		if _, err := l.Accept(); err == nil {
			close(first)
		}
	}()
	return l.Addr().String(), first
}
