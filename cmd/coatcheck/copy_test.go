package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/core/sessiontest"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// copies runs a copy that has to succeed.
func copies(t *testing.T, from, to *site, more ...string) (k copied) {
	t.Helper()
	args := append([]string{"copy", "--from", from.url, "--to", to.url, "--json"}, more...)
	status, stdout, stderr := callWith(&console{now: time.Now}, args...)
	if err := json.Unmarshal([]byte(stdout), &k); err != nil || status != exitOK || stderr != "" {
		t.Fatalf("%q: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
	}
	return k
}

// visits makes a request with a cookie and returns whose session it is.
func visits(s *site, cookie *http.Cookie, do func(*session.Session)) (subject string) {
	s.t.Helper()
	handler := httpsession.Middleware(s.manager(session.Options{}, 0))(http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) {
			own := httpsession.From(r)
			if subject = own.Subject(); do != nil {
				do(own)
			}
		}))
	r := httptest.NewRequest(http.MethodPost, "https://example.com/", http.NoBody)
	r.AddCookie(cookie)
	w := httptest.NewRecorder()
	if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
		s.t.Fatal(w.Code, w.Body)
	}
	return subject
}

func TestCopy(t *testing.T) {
	from, to := newSite(t, fileURL(t)), newSite(t, sqliteURL(t))
	stays, changes, ends := from.login("user:1", 0), from.login("user:1", 0), from.login("user:2", 0)
	if k := copies(t, from, to); k != (copied{Copied: 3, Passes: 1}) {
		t.Errorf("the first run: %+v", k)
	}
	if k := copies(t, from, to); k != (copied{Kept: 3, Passes: 1}) {
		t.Errorf("run again: %+v", k)
	}
	visits(from, changes, func(s *session.Session) { theme.Set(s, "light") })
	visits(from, ends, func(s *session.Session) { s.Destroy() })
	visits(to, stays, func(s *session.Session) { s.Destroy() })
	if k := copies(t, from, to); k != (copied{Newer: 2, Kept: 1, Passes: 1}) {
		t.Errorf("after changes: %+v", k)
	}
	for cookie, want := range map[*http.Cookie]string{stays: "", changes: "user:1", ends: ""} {
		light := false
		got := visits(to, cookie, func(s *session.Session) { light = theme.Get(s) == "light" })
		if got != want || want != "" && !light {
			t.Errorf("a session of %q, want %q; changed %v", got, want, light)
		}
	}
	if listed := readJSON[[]shown](to, "list", "user:1"); len(listed) != 1 {
		t.Errorf("the subject's list has %d sessions, want 1", len(listed))
	}
}

func TestMove(t *testing.T) {
	from, to := newSite(t, sqliteURL(t)), newSite(t, fileURL(t))
	cookie := from.login("user:1", 0)
	handle := readJSON[[]shown](from, "list", "user:1")[0].Handle
	if k := copies(t, from, to, "--move"); k != (copied{Copied: 1, Passes: 2}) {
		t.Errorf("%+v", k)
	}
	if k := copies(t, from, to, "--move"); k != (copied{Passes: 1}) {
		t.Errorf("run again: %+v", k)
	}
	if got := visits(to, cookie, nil); got != "user:1" || readJSON[[]shown](to, "list", "user:1")[0].Handle != handle {
		t.Errorf("a session of %q", got)
	}
	if got := visits(from, cookie, nil); got != "" {
		t.Errorf("the source still has a session of %q", got)
	}
	if k := copies(t, to, from, "--move"); k.Copied != 1 || visits(from, cookie, nil) != "user:1" {
		t.Errorf("the way back: %+v", k)
	}
}

func TestCopyRefuses(t *testing.T) {
	file := newSite(t, fileURL(t))
	for want, args := range map[string][]string{
		"give --from":           {"--to", file.url},
		"COATCHECK_TO":          {"--from", file.url},
		"the same store":        {"--from", file.url, "--to", file.url},
		"--timeout":             {"--from", file.url, "--to", "sqlite:x", "--timeout", "25h"},
		"begin with one of":     {"--from", file.url, "--to", "gopher://h"},
		"there is no store at":  {"--from", file.url, "--to", "sqlite:" + t.TempDir() + "/none"},
		"cannot go through its": {"--from", "memcached://127.0.0.1:1", "--to", file.url},
	} {
		status, stdout, stderr := call(append([]string{"copy"}, args...)...)
		if status == exitOK || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%q: status %d, stdout %q, stderr %q; want %q", args, status, stdout, stderr, want)
		}
	}
}

// tight is a store that has no room for some.
type tight struct {
	*memstore.Store
	create func(r session.Record) error
}

func (f *tight) Create(ctx context.Context, r session.Record) error {
	if err := f.create(r); err != nil {
		return err
	}
	return f.Store.Create(ctx, r)
}

// filled is a store with n sessions.
func filled(t *testing.T, n int) *storeurl.Opened {
	t.Helper()
	store := memstore.New()
	m, err := session.New(store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		sessiontest.Login(t, m, "user:1")
	}
	return &storeurl.Opened{Store: store, Kind: "sqlite"} // one after the other
}

func copyBetween(c *console, from, to *storeurl.Opened, move bool) (stdout, stderr string, err error) {
	var out, diagnostics bytes.Buffer
	c.now = time.Now
	k := copySessions{Move: move, longTimeFlag: longTimeFlag{time.Minute}}
	err = k.between(c.complete(&out, &diagnostics), from, to)
	return out.String(), diagnostics.String(), err
}

// TestInterruptedCopy: interrupted after any session and run again, it goes on and takes nothing twice.
func TestInterruptedCopy(t *testing.T) {
	errPulled := errors.New("somebody pulled the plug")
	for _, move := range []bool{false, true} {
		from, left, runs := filled(t, 5), 0, 0
		to := &tight{Store: memstore.New(), create: func(r session.Record) error {
			if left--; left < 0 {
				return errPulled
			}
			return nil
		}}
		for err := errPulled; err != nil; runs++ {
			left = runs + 1
			if _, _, err = copyBetween(&console{}, from, &storeurl.Opened{Store: to, Kind: "sqlite"}, move); err != nil &&
				(!errors.Is(err, errPulled) || !strings.Contains(err.Error(), "run it again")) || runs > 20 {
				t.Fatal(runs, err)
			}
		}
		m, err := session.New(to.Store, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		listed, err := m.List(t.Context(), "user:1")
		if err != nil || len(listed) != 5 || runs < 2 {
			t.Errorf("move %v: %d sessions after %d runs, want 5; %v", move, len(listed), runs, err)
		}
	}
}

func TestCopyIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := copyBetween(&console{ctx: ctx}, filled(t, 1), &storeurl.Opened{Store: memstore.New()}, false)
	if err == nil || err.Error() != "interrupted after 0 records; run it again to go on" {
		t.Error(err)
	}
}

func TestCopyWithoutRoom(t *testing.T) {
	n := 0
	to := &tight{Store: memstore.New(), create: func(session.Record) error {
		if n++; n == 2 {
			return session.ErrTooLarge
		}
		return nil
	}}
	stdout, _, err := copyBetween(&console{}, filled(t, 3), &storeurl.Opened{Store: to, Kind: "sqlite"}, false)
	if err == nil || !strings.HasPrefix(err.Error(), "the destination has no room for 1 session") ||
		!strings.HasPrefix(stdout, "copied 2 records in ") {
		t.Errorf("%v, stdout %q", err, stdout)
	}
}

func TestCopyShowsABar(t *testing.T) {
	_, stderr, err := copyBetween(&console{terminal: true}, filled(t, 3), &storeurl.Opened{Store: memstore.New()}, false)
	if err != nil || !strings.Contains(stderr, "copying") || !strings.Contains(stderr, "3/3") ||
		!strings.HasSuffix(stderr, "\r") {
		t.Errorf("%v: %q", err, stderr)
	}
}
