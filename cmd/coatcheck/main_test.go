package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var november = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

func call(args ...string) (status int, stdout, stderr string) {
	var out, diagnostics bytes.Buffer
	status = run(args, &out, &diagnostics, november)
	return status, out.String(), diagnostics.String()
}

func TestHelpGoesToStdout(t *testing.T) {
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"keygen", "Exit status: 0 done, 1 failed, 2 wrong"}},
		{[]string{"-h"}, []string{"keygen"}},
		{[]string{"keygen", "--help"}, []string{"--name=NAME", "COATCHECK_KEYS", "NEW,OLD"}},
	} {
		status, stdout, stderr := call(test.args...)
		if status != exitOK || stderr != "" {
			t.Errorf("%q: status %d, stderr %q; want status 0 and silence", test.args, status, stderr)
		}
		for _, want := range test.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%q: the help does not mention %q:\n%s", test.args, want, stdout)
			}
		}
	}
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
		{[]string{"keygen", "stray"}, "stray"},
		{[]string{"keygen", "--nonesuch"}, "--nonesuch"},
		{[]string{"keygen", "--name"}, "--name"},
		{[]string{"keygen", "--name="}, "--name"},
		{[]string{"keygen", "--name", "two words"}, "two words"},
		{[]string{"keygen", "--name", "a:b"}, "a:b"},
		{[]string{"keygen", "--name", "a,b"}, "a,b"},
		{[]string{"keygen", "--name", twoKeys}, "1 to 32"},
		{[]string{"keygen", "--name", strings.Repeat("x", 33)}, "1 to 32"},
	} {
		status, stdout, stderr := call(test.args...)
		if status != exitUsage || stdout != "" {
			t.Errorf("%q: status %d, stdout %q; want status 2 and no output", test.args, status, stdout)
		}
		if !strings.HasPrefix(stderr, "coatcheck: ") || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, "--help") {
			t.Errorf("%q: stderr %q; want it to name %q and to point to --help", test.args, stderr, test.want)
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

// full is a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestFailureToWriteIsAFailure(t *testing.T) {
	var stderr bytes.Buffer
	if status := run([]string{"keygen"}, full{}, &stderr, november); status != exitFailed {
		t.Errorf("status %d, want 1", status)
	}
	if got := stderr.String(); got != "coatcheck: keygen: no space left\n" {
		t.Errorf("stderr %q", got)
	}
}

// TestProcess checks what run cannot: that the process ends with the status and writes to the right streams.
func TestProcess(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "coatcheck.exe")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
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
