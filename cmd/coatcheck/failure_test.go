package main

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// Each command is driven with a password in the URL, against a server that is not there and with URLs that are wrong.
func TestPasswordsAreNeverPrinted(t *testing.T) {
	const secret = "hunter2hunter2"
	t.Setenv(keysVariable, "2026-11:"+secret) // weak, so that ParseKeys has something to say about it
	urls := []string{
		"postgres://user:" + secret + "@127.0.0.1:1/db?sslmode=disable", "postgres://127.0.0.1:1/db?password=" + secret,
		"postgres://user:" + secret + "@127.0.0.1:1/db?connect_timeout=x", "mysql://user:" + secret + "@127.0.0.1:1/db",
		"mysql://user:" + secret + "@127.0.0.1:1", "mysql://user:" + secret + "@127.0.0.1:1/db?timeout=x",
		"redis://user:" + secret + "@127.0.0.1:1", "rediss://user:" + secret + "@127.0.0.1:1", "redis://user:" + secret + "@127.0.0.1:1/x",
		"redis://user:" + secret + "@127.0.0.1:1?addr=127.0.0.1:1", "memcached://user:" + secret + "@127.0.0.1:1",
		"sqlite://user:" + secret + "@/nowhere/x.db", "gopher://user:" + secret + "@host", "redis://user:" + secret + "%zz@host", "redis://user:" + secret + "@host:port",
	}
	commands := [][]string{
		{"inspect", strings.Repeat("A", 43)}, {"list", "user:42"}, {"revoke", "user:42", "handle"}, {"revoke-all", "user:42"},
		{"sweep"}, {"schema"}, {"schema", "--apply"}, {"check"}, {"check", "--json"},
	}
	t.Chdir(t.TempDir()) // where it may make files
	for _, address := range urls {
		for _, command := range commands {
			args := append(slices.Clone(command), "-store", address)
			if command[0] != "sweep" {
				args = append(args, "--timeout", "300ms")
			}
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

// A store that stays silent is given up when the time is over.
func TestTimeout(t *testing.T) {
	address, _ := silent(t)
	s := &site{t: t, url: "redis://" + address}
	s.fails("coatcheck check", "list", "user:42", "--timeout", "50ms")
	_, stdout, _ := s.run("check", "--timeout", "50ms")
	if !strings.Contains(stdout, "raise --timeout") {
		t.Errorf("check says %s", stdout)
	}
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
