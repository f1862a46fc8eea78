package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
)

// peopled is a site with three sessions of one subject, one of another, and an anonymous one.
func peopled(t *testing.T) *site {
	t.Helper()
	s := newSite(t, sqliteURL(t))
	for _, shift := range []time.Duration{-10 * time.Hour, -2 * time.Hour, 0} {
		sessiontest.Login(t, s.manager(session.Options{IdleTimeout: 12 * time.Hour}, shift), "user:1")
	}
	s.login("user"+hostile, 0)
	sessiontest.Start(t, s.manager(session.Options{}, 0), func(s *session.Session) { theme.Set(s, "dark") })
	return s
}

func TestCount(t *testing.T) {
	s := peopled(t)
	k := readJSON[counted](s, "count")
	want := "{5 1 [{up to an hour 3} {up to a day 2} {up to a week 0} {up to 30 days 0} {older 0}] [{ 5}] " +
		"[{user:1 3} {user" + hostile + " 1}] 0}"
	if got := fmt.Sprint(k); got != want {
		t.Errorf("%q\nwant %q", got, want)
	}
	if k := readJSON[counted](s, "count", "--top", "1"); len(k.Subjects) != 1 || k.Subjects[0].Sessions != 3 {
		t.Errorf("%v", k)
	}
	text := s.done("count")
	for _, part := range []string{
		"5 sessions alive, 1 of them anonymous\n", "\nBY AGE\n", "  not known  5\n", "  user:1",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
	if obeyed(text) {
		t.Errorf("a terminal obeys %q", text)
	}
	empty := newSite(t, sqliteURL(t))
	if text := empty.done("count"); text != "0 sessions alive, 0 of them anonymous\n" {
		t.Errorf("%q", text)
	}
}

// TestMostFrequent: with more subjects than counters, those with the most sessions are found all the same.
func TestMostFrequent(t *testing.T) {
	f := frequent{most: 4, counts: map[string]int{}}
	for i := range 1000 {
		f.add(fmt.Sprintf("once:%d", i))
		if i%2 == 0 {
			f.add("often")
		}
		if len(f.counts) > 4 {
			t.Fatalf("%d counters", len(f.counts))
		}
	}
	if top := f.top(1); top[0].Name != "often" || top[0].Sessions+f.forgone < 500 || top[0].Sessions > 500 {
		t.Errorf("%v, too low by %d", top, f.forgone)
	}
}

func TestListEverybody(t *testing.T) {
	s := peopled(t)
	all := readJSON[[]shown](s, "list")
	if len(all) != 5 || !strings.Contains(s.done("list"), "SUBJECT") || obeyed(s.done("list")) {
		t.Errorf("%v", all)
	}
	for _, order := range []string{"created", "last-seen", "expires"} {
		listed := readJSON[[]shown](s, "list", "user:1", "--sort", order, "--limit", "2")
		if len(listed) != 2 || !listed[0].Created.After(listed[1].Created) {
			t.Errorf("%s: %v", order, listed)
		}
	}
	_, stdout, stderr := s.run("list", "--limit", "2")
	if strings.Count(stdout, "\n") != 3 || stderr != "coatcheck: 3 more: raise --limit to see them\n" {
		t.Errorf("stdout %q, stderr %q", stdout, stderr)
	}
}

func TestRevokeHandle(t *testing.T) {
	s := peopled(t)
	for left := 4; left >= 0; left-- {
		handle := readJSON[[]shown](s, "list")[0].Handle
		if text := s.done("revoke", "--handle", handle); text != "revoked 1 session\n" {
			t.Errorf("%q", text)
		}
		if k := readJSON[counted](s, "count"); k.Live != left {
			t.Errorf("%d alive, want %d", k.Live, left)
		}
		s.fails("no live session has that handle", "revoke", "--handle", handle)
	}
}

func TestRevokeEverybody(t *testing.T) {
	s := peopled(t)
	t.Setenv("COATCHECK_STORE", s.url)
	for answer, want := range map[string]int{"": exitFailed, "y\n": exitFailed, "yes\n": exitFailed, hostile: exitFailed} {
		c := &console{now: time.Now, interactive: true, stdin: strings.NewReader(answer)}
		status, stdout, stderr := callWith(c, "revoke-everybody")
		if status != want || stdout != "" || !strings.Contains(stderr, "Type \"everybody\"") ||
			!strings.HasSuffix(stderr, "nothing was revoked\n") {
			t.Errorf("%q: status %d, stdout %q, stderr %q", answer, status, stdout, stderr)
		}
	}
	status, _, stderr := callWith(&console{now: time.Now, stdin: strings.NewReader("everybody\n")}, "revoke-everybody")
	if status != exitUsage || !strings.Contains(stderr, "--yes") {
		t.Errorf("without a terminal: status %d, stderr %q", status, stderr)
	}
	c := &console{now: time.Now, interactive: true, stdin: strings.NewReader("everybody\n")}
	if status, stdout, stderr := callWith(c, "revoke-everybody"); status != exitOK || stdout != "revoked 5 sessions\n" {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
	s.login("user:1", 0)
	if r := readJSON[revoked](s, "revoke-everybody", "--yes"); r.Revoked != 1 {
		t.Errorf("%v", r)
	}
}

func TestSweepDryRun(t *testing.T) {
	for _, address := range []string{sqliteURL(t), fileURL(t)} { // one counts by itself
		s := newSite(t, address)
		s.login("user:1", -24*time.Hour)
		s.login("user:1", 0)
		if r := readJSON[swept](s, "sweep", "--dry-run"); r != (swept{Due: 1}) {
			t.Errorf("%v", r)
		}
		if text := s.done("sweep", "--dry-run"); text != "would remove 1 expired session\n" {
			t.Errorf("%q", text)
		}
		if r := readJSON[swept](s, "sweep"); r.Removed != 1 {
			t.Errorf("%v", r)
		}
	}
}
