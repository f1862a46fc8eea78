package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var november = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// folder is where the command's program is while the tests run.
var folder string

// TestMain keeps the tests from the stores and keys of whoever runs them.
func TestMain(m *testing.M) {
	_ = os.Unsetenv("COATCHECK_STORE") // it fails for impossible names only
	_ = os.Unsetenv(keysVariable)
	_ = os.Unsetenv(foreignKeysVariable)
	var err error
	if folder, err = os.MkdirTemp("", "coatcheck"); err != nil {
		fmt.Fprintln(os.Stderr, "coatcheck:", err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder) // what the system cleans up too
	os.Exit(status)
}

func call(args ...string) (status int, stdout, stderr string) {
	return callWith(&console{}, args...)
}

// callWith runs a command on a console whose empty fields stand for an ordinary one.
func callWith(c *console, args ...string) (status int, stdout, stderr string) {
	var out, diagnostics bytes.Buffer
	status = run(args, c.complete(&out, &diagnostics))
	return status, out.String(), diagnostics.String()
}

func (c *console) complete(stdout, stderr io.Writer) *console {
	c.stdout, c.stderr = stdout, stderr
	if c.ctx == nil {
		c.ctx = context.Background()
	}
	if c.stdin == nil {
		c.stdin = strings.NewReader("")
	}
	if c.now == nil {
		c.now = func() time.Time { return november }
	}
	return c
}

func TestHelpGoesToStdout(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"keygen", "Exit status: 0 done, 1 failed or interrupted, 2 wrong usage, 3 "}},
		{[]string{"-h"}, []string{"keygen"}},
		{[]string{"keygen", "--help"}, []string{"--name=NAME", "COATCHECK_KEYS", "NEW,OLD"}},
		{[]string{"inspect", "--help"}, []string{"--secrets", "COATCHECK_KEYS", "$COATCHECK_STORE", "standard input"}},
		{[]string{"list", "-help"}, []string{"--store=URL", "--json", "--timeout"}},
		{[]string{"revoke", "--help"}, []string{"<subject>", "<handle>"}},
		{[]string{"revoke-all", "--help"}, []string{"<subject>"}},
		{[]string{"sweep", "--help"}, []string{"--store=URL", "--timeout"}},
		{[]string{"schema", "--help"}, []string{"--dialect=DIALECT", "--apply"}},
		{[]string{"check", "--help"}, []string{"--store=URL", "Nobody's session"}},
	} {
		status, stdout, stderr := call(test.args...)
		if status != exitOK || stderr != "" {
			t.Errorf("%q: status %d, stderr %q; want status 0 and silence", test.args, status, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stdout, want) || !strings.HasSuffix(stdout, "\n"+statuses+"\n") {
				t.Errorf("%q: the help does not mention %q:\n%s", test.args, want, stdout)
			}
		}
	}
}

// help is where whoever called a command the wrong way can read about it.
func help(args []string) string {
	if len(args) > 0 && args[0] == "--json" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "nonesuch" {
		return `Run "coatcheck --help"`
	}
	return `Run "coatcheck ` + args[0] + ` --help"`
}

func TestWrongUsage(t *testing.T) {
	_, twoKeys, _ := call("keygen", "--name", "a")
	twoKeys = strings.TrimSpace(twoKeys) + ",b" // as a name it would make a list of two keys
	for _, test := range []struct {
		args []string
		want string // what the message has to name
	}{
		{nil, "keygen"},
		{[]string{"nonesuch"}, "nonesuch"},
		{[]string{"--json", "list", "user:42"}, "--json"}, // flags stand behind the command
		{[]string{"keygen", "stray"}, "stray"},
		{[]string{"keygen", "--nonesuch"}, "--nonesuch"},
		{[]string{"keygen", "--name"}, "--name"},
		{[]string{"keygen", "--name="}, "--name"},
		{[]string{"keygen", "--name", "two words"}, "two words"},
		{[]string{"keygen", "--name", "a:b"}, "a:b"},
		{[]string{"keygen", "--name", "a,b"}, "a,b"},
		{[]string{"keygen", "--name", twoKeys}, "1 to 32"},
		{[]string{"keygen", "--name", strings.Repeat("x", 33)}, "1 to 32"},
		{[]string{"list", "user:42"}, "COATCHECK_STORE"},
		{[]string{"list", "--store", "gopher://host"}, "sqlite://"},
		{[]string{"list", "user:42", "--store", "gopher://host"}, "sqlite://"},
		{[]string{"list", "user:42", "--store", "sqlite:///x", "--timeout", "2h"}, "--timeout 2h"},
		{[]string{"list", "user:42", "--store", "sqlite:///x", "--timeout", "0s"}, "--timeout 0s"},
		{[]string{"revoke", "user:42"}, "<handle>"},
		{[]string{"sweep", "--timeout", "25h"}, "24h"},
		{[]string{"schema"}, "--dialect"},
		{[]string{"schema", "--dialect", "oracle"}, "oracle"},
		{[]string{"schema", "--dialect", "sqlite", "--apply"}, "--apply"},
		{[]string{"schema", "--store", "redis://127.0.0.1:1"}, "no tables"},
		{[]string{"schema", "--store", "sqlite:///x?table=DROP"}, "DROP"},
		{[]string{"inspect", "x"}, "COATCHECK_KEYS"},
		{[]string{"inspect", "x", "--sealer", "wax"}, "wax"},
		{[]string{"inspect", "--store", "redis://127.0.0.1:1"}, "NAME=VALUE"},
		{[]string{"inspect", "x", "--store", "redis://127.0.0.1:1", "--name", "a b"}, "a b"},
	} {
		status, stdout, stderr := call(test.args...)
		if status != exitUsage || stdout != "" {
			t.Errorf("%q: status %d, stdout %q; want status 2 and no output", test.args, status, stdout)
		}
		if !strings.HasPrefix(stderr, "coatcheck: ") || !strings.Contains(stderr, test.want) ||
			!strings.Contains(stderr, help(test.args)) {
			t.Errorf("%q: stderr %q; want it to name %q and to point to %q", test.args, stderr, test.want, help(test.args))
		}
	}
}

func TestKeygen(t *testing.T) {
	for _, test := range []struct {
		args []string
		name string
	}{
		{[]string{"keygen"}, "2026-11-21"},
		{[]string{"keygen", "--name", "blue_2.a"}, "blue_2.a"},
		{[]string{"keygen", "--name=blue"}, "blue"},
	} {
		status, stdout, stderr := call(test.args...)
		if status != exitOK || stderr != "" {
			t.Fatalf("%q: status %d, stderr %q; want status 0 and silence", test.args, status, stderr)
		}
		key, ok := strings.CutSuffix(stdout, "\n")
		if !ok || strings.ContainsAny(key, " \n") || !strings.HasPrefix(key, test.name+":") {
			t.Errorf("%q: stdout %q; want one line that starts with %q", test.args, stdout, test.name+":")
		}
		keys, err := session.ParseKeys(key)
		if err != nil {
			t.Fatalf("%q: ParseKeys refuses the key: %v", test.args, err)
		}
		if _, err := session.NewSealed(keys, session.Options{}); err != nil {
			t.Errorf("%q: NewSealed refuses the key: %v", test.args, err)
		}
	}
}

func TestKeygenNeverRepeats(t *testing.T) {
	_, first, _ := call("keygen")
	_, second, _ := call("keygen")
	if first == second {
		t.Error("two calls printed the same key")
	}
}

func TestVersion(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"-version"}, {"list", "--version"}} {
		status, stdout, stderr := call(args...)
		if fields := strings.Fields(stdout); status != exitOK || stderr != "" || len(fields) != 4 ||
			fields[0] != "coatcheck" || fields[2] != runtime.Version() {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

// full is a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFailureToWriteIsAFailure(t *testing.T) {
	for _, args := range [][]string{
		{"keygen"}, {"--help"}, {"list", "--help"}, {"--version"}, {"schema", "--dialect", "sqlite"},
		{"schema", "--dialect", "sqlite", "--json"},
	} {
		var stderr bytes.Buffer
		if status := run(args, (&console{}).complete(full{}, &stderr)); status != exitFailed {
			t.Errorf("%q: status %d, want 1", args, status)
		}
		if got := stderr.String(); !strings.HasPrefix(got, "coatcheck: ") || !strings.HasSuffix(got, "no space left\n") ||
			strings.Count(got, "\n") != 1 {
			t.Errorf("%q: stderr %q", args, got)
		}
	}
}

// build compiles the command, without what only a debugger reads.
var build = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(folder, "coatcheck.exe")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary, ".").CombinedOutput()
	if err != nil {
		err = fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, err
})

// program is the command. The first test that runs it builds it.
func program(t *testing.T) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// TestProcess checks what run cannot: that the process ends with the status and writes to the right streams.
func TestProcess(t *testing.T) {
	binary := program(t)
	out, err := exec.Command(binary, "keygen", "--name", "process").Output()
	if err != nil {
		t.Fatalf("keygen: %v", err)
	}
	if _, err := session.ParseKeys(string(out)); err != nil || !strings.HasPrefix(string(out), "process:") {
		t.Errorf("keygen printed %q; ParseKeys: %v", out, err)
	}

	out, err = exec.Command(binary, "nonesuch").Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != exitUsage || len(out) != 0 || !strings.Contains(string(exit.Stderr), "nonesuch") {
		t.Errorf("nonesuch: error %v, stdout %q, want exit status 2 and a message on stderr", err, out)
	}
}

// TestProcessInterrupted is about a program that waits for a store, and a person who does not.
func TestProcessInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("processes cannot send each other an interrupt")
	}
	address, accepted := silent(t)
	cmd := exec.Command(program(t), "list", "user:42", "--timeout", "10m")
	cmd.Env = append(os.Environ(), "COATCHECK_STORE=redis://"+address)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-accepted
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	exit, ok := errors.AsType[*exec.ExitError](cmd.Wait())
	if !ok || exit.ExitCode() != exitFailed || !strings.HasPrefix(stderr.String(), "coatcheck: interrupted") {
		t.Errorf("%v, stderr %q; want status 1 and to hear of the interruption", exit, stderr.String())
	}
}
