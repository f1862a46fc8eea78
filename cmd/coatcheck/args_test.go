package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	flags := map[string]bool{"store": true, "json": true}
	handle := "-" + strings.Repeat("h", 21)
	for _, test := range []struct {
		why       string
		args, out []string
	}{
		{"people write flags with one dash", []string{"-store", "u", "-json"}, []string{"--store", "u", "--json"}},
		{"the value may be behind an equals sign", []string{"-store=a=b"}, []string{"--store=a=b"}},
		{"two dashes are as good", []string{"--store", "u"}, []string{"--store", "u"}},
		{"a short flag stays one", []string{"-h", "-s"}, []string{"-h", "-s"}},
		{"a dash alone is standard input", []string{"-"}, []string{"-"}},
		{"a random handle may begin with a dash", []string{"u", handle}, []string{"u", protection + handle}},
		{"or with two", []string{"-" + handle}, []string{protection + "-" + handle}},
		{"behind -- nothing is a flag", []string{"--", "-store", handle}, []string{"--", "-store", handle}},
	} {
		if got := rewrite(test.args, flags); !slices.Equal(got, test.out) {
			t.Errorf("%s: %q became %q, want %q", test.why, test.args, got, test.out)
		}
	}
}

// A person may put a secret in the wrong place, and the parser says what it does not understand.
func TestWrongUsageDoesNotRepeatSecrets(t *testing.T) {
	for _, args := range [][]string{
		{"sweep", "redis://:hunter2@host:6379"},
		{"sweep", "--stores", "redis://:hunter2@host:6379"},
		{"sweep", "--stores=redis://:hunter2@host:6379"},
		{"keygen", "--store=redis://:hunter2@host:6379"},
		{"redis://:hunter2@host:6379", "sweep"},
		{"keygen", "2026-11:hunter2hunter2hunter2hunter2"},
		{"inspect", "value", "-hunter2hunter2hunter2hunter2hunter2"},
		{"inspect", "value", "--", "-hunter2hunter2hunter2hunter2hunter2"},
		{"inspect", "--sealer", "hunter2hunter2hunter2hunter2", "value"},
		{"sweep", "--json=redis://:hunter2@host:6379"},
		{"sweep", "--timeout=redis://:hunter2@host:6379"},
		{"sweep", "--timeout", "redis://:hunter2@host\x1b:6379"},
		{"inspect", "--sealer", "redis://:hunter2@host\u202e:6379", "value"},
		{"keygen", "--name", "2026-11:hunter2hunter2hunter2hunter2"},
		{"inspect", "--secrets=hunter2", "value"},
		{"inspect", "-secrets=Hunter2Hunter2Hunter2Hunter2", "value"}, // the parser writes it in lower case
		{"sweep", "--json=Hunter2 or no but got hunter2"},
	} {
		status, stdout, stderr := call(args...)
		if status != exitUsage || strings.Contains(strings.ToLower(stdout+stderr), "hunter2") {
			t.Errorf("%q: status %d, output %q", args, status, stdout+stderr)
		}
	}
}

// Whoever gives the keys where the name of their file belongs does not find them in a log.
func TestKeysInPlaceOfTheirFile(t *testing.T) {
	if status, stdout, stderr := call("inspect", "x", "--keys-file",
		"2026-11:hunter2hunter2hunter2"); status != exitFailed || strings.Contains(stdout+stderr, "hunter2") {
		t.Errorf("status %d, output %q", status, stdout+stderr)
	}
}
