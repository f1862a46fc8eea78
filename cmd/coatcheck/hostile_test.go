package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
)

// hostile is text that a terminal obeys, or shows in another order than it is in.
const hostile = "a\x1b[2J\x07\x7f\u009b31m\u202e\u2066\u200f\u061c\u2028\ufeff\U000e0041\r\n\tz"

// obeyed reports whether text has a character that a terminal may obey, but for ends of lines.
func obeyed(text string) bool {
	line := strings.ReplaceAll(text, "\n", " ")
	return visible(line) != line
}

// TestHostileText: visitors choose the names of their browsers and, at some sites, their own.
func TestHostileText(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	subject := "user" + hostile
	cookie := sessiontest.Login(t, s.manager(session.Options{}, 0), subject, func(s *session.Session) {
		session.Key[string]("note"+hostile).Set(s, hostile)
	})
	listed := s.done("list", subject, "--json")
	var all []shown
	if err := json.Unmarshal([]byte(listed), &all); err != nil || len(all) != 1 || all[0].Subject != subject {
		t.Errorf("list --json: %v in %s", err, listed)
	}
	inspected := s.done("inspect", cookie.Value, "--json")
	var p struct {
		Subject string
		Values  map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(inspected), &p); err != nil || p.Subject != subject || len(p.Values) != 1 {
		t.Errorf("inspect --json: %v in %s", err, inspected)
	}
	var note string
	if err := json.Unmarshal(p.Values["note"+hostile], &note); err != nil || note != hostile {
		t.Errorf("the value became %q (%v)", note, err)
	}
	for _, text := range []string{listed, inspected, s.done("list", subject), s.done("inspect", cookie.Value)} {
		if obeyed(text) {
			t.Errorf("a terminal obeys %q", text)
		}
	}
}

// An agent is a header, which cannot hold all of it.
func TestHostileAgent(t *testing.T) {
	agent := strings.NewReplacer("\r", "", "\n", "").Replace(hostile)
	i := session.Info{Handle: hostile, Subject: hostile, Agent: agent, Network: hostile}
	var b strings.Builder
	c := (&console{}).complete(&b, &b)
	if err := (outputFlag{JSON: true}).print(c, show(i), ""); err != nil {
		t.Fatal(err)
	}
	var back shown
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || back != show(i) || obeyed(b.String()) {
		t.Errorf("%v: %q", err, b.String())
	}
}

// TestHostileArguments: what a person pastes, or a script passes on, comes back in the error.
func TestHostileArguments(t *testing.T) {
	for _, args := range [][]string{
		{hostile}, {"keygen", hostile}, {"keygen", "--" + hostile}, {"keygen", "--name", hostile},
		{"sweep", "--timeout", hostile},
		{"check", "--json=" + hostile}, {"inspect", "x", "--sealer", hostile}, {"list", "u", "--store", hostile},
		{"list", "u", "--store", "sqlite:///tmp/none" + hostile},
		{"list", "u", "--store", "sqlite:///tmp/none%1b%e2%80%ae%0a"},
		{"check", "--store", "file:///tmp/none%1b%e2%80%ae%0acoatcheck: ok"},
		{"inspect", "x", "--keys-file", "/tmp/none" + hostile},
		{"schema", "--store", "sqlite:x?table=%1b%0a"}, {"check", "--store", "redis://h?prefix=%1b%0a"},
	} {
		status, stdout, stderr := call(args...)
		lines := strings.Count(stderr, "\n")
		if stdout != "" || obeyed(stderr) || status == exitFailed && lines != 1 || status == exitUsage && lines != 2 ||
			status == exitOK {
			t.Errorf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

// A server's error is no better than a visitor's text, and several errors stay several lines.
func TestHostileErrors(t *testing.T) {
	var b strings.Builder
	report(&b, errors.Join(errors.New("one"+hostile), errors.New("two\n\tsteps")), exitFailed, "")
	if text := b.String(); obeyed(text) || strings.Count(text, "\n") != 2 ||
		!strings.HasSuffix(text, "coatcheck: two steps\n") {
		t.Errorf("%q", text)
	}
}

// The handle that a person mistypes is no reason to obey it.
func TestHostileHandle(t *testing.T) {
	s := newSite(t, sqliteURL(t))
	s.login("user:42", 0)
	if _, _, stderr := s.run("revoke", "user:42", hostile); obeyed(stderr) {
		t.Errorf("stderr %q", stderr)
	}
}
