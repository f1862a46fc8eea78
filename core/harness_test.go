package session_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

const (
	count session.Key[int]      = "count"
	name  session.Key[string]   = "name"
	items session.Key[[]string] = "items"
)

func addOne(n int) int { return n + 1 }

func add(item string) func([]string) []string {
	return func(items []string) []string { return append(items, item) }
}

// exchange is a request and its response headers without a server.
type exchange struct {
	lines    []string
	response http.Header
	method   string
	facts    session.RequestFacts
	header   map[string]string // of the request
}

func (x *exchange) CookieLines() []string { return x.lines }

func (x *exchange) Method() string { return x.method }

func (x *exchange) Facts() session.RequestFacts { return x.facts }

func (x *exchange) AddCookie(line string) { x.response.Add("Set-Cookie", line) }

func (x *exchange) RequestHeader(name string) string { return x.header[name] }

func (x *exchange) ResponseHeader(n string) string { return strings.Join(x.response.Values(n), ", ") }

func (x *exchange) SetResponseHeader(n, value string) { x.response.Set(n, value) }

func (x *exchange) ResetResponse() { clear(x.response) }

func (x *exchange) RemoveResponseHeaders(unwanted func(string) bool) {
	maps.DeleteFunc(x.response, func(name string, _ []string) bool { return unwanted(name) })
}

func (x *exchange) SetCookie(name, line string) {
	kept := x.response.Values("Set-Cookie")[:0:0]
	for _, l := range x.response.Values("Set-Cookie") {
		if !strings.HasPrefix(l, name+"=") {
			kept = append(kept, l)
		}
	}
	x.response["Set-Cookie"] = append(kept, line)
}

// visit is one request, driven by hand, so that tests can overlap them.
type visit struct {
	*session.Session
	t       *testing.T
	request session.Request
	x       exchange
	ctx     context.Context
	instead session.Response
	ok      bool
}

// begin starts a request that presents cookie, the value of the session's cookie; "" presents none.
func begin(t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	return beginWith(t.Context(), t, m, cookie)
}

func beginWith(ctx context.Context, t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	v := &visit{t: t, x: exchange{response: http.Header{}}}
	if cookie != "" {
		v.x.lines = []string{"theme=dark; " + cookieName + "=" + cookie}
	}
	var ok bool
	if v.ctx, ok = m.Begin(ctx, &v.request, &v.x); !ok {
		t.Fatal("Begin: the manager is at work already")
	}
	v.Session = v.request.Session()
	return v
}

const cookieName = "__Host-id"

// idleEnd is how long a session lives without use: the default idle timeout, and the interval in which uses are not
// noted.
const idleEnd = 33 * time.Minute

// commit sends the headers with status 200.
func (v *visit) commit() *visit {
	v.instead, v.ok = v.request.Commit(http.StatusOK)
	return v
}

// finish commits and ends the request.
func (v *visit) finish() *visit {
	v.commit()
	v.request.End()
	return v
}

// cookie returns what the response does to the session's cookie: its new value, or "" and whether it is deleted.
func (v *visit) cookie() (value string, deleted bool) {
	v.t.Helper()
	var found []*http.Cookie
	for _, c := range (&http.Response{Header: v.x.response}).Cookies() {
		if c.Name == cookieName {
			found = append(found, c)
		}
	}
	if len(found) > 1 {
		v.t.Errorf("%d Set-Cookie lines for one name, want at most one", len(found))
	}
	if len(found) == 0 {
		return "", false
	}
	return found[0].Value, found[0].MaxAge < 0
}

// issued returns the cookie that the response sets and fails the test if it sets none.
func (v *visit) issued() string {
	v.t.Helper()
	value, _ := v.cookie()
	if value == "" {
		v.t.Fatalf("no session cookie was set; answer %d %q", v.instead.Status, v.instead.Body)
	}
	return value
}

// untouched fails the test if the response sets or deletes the session's cookie.
func (v *visit) untouched() {
	v.t.Helper()
	if value, deleted := v.cookie(); value != "" || deleted {
		v.t.Errorf("the response touches the session's cookie: %q", v.x.response["Set-Cookie"])
	}
}

// succeeded and failed check what the client gets.
func (v *visit) succeeded() *visit {
	v.t.Helper()
	if !v.ok {
		v.t.Fatalf("commit failed with %d %q", v.instead.Status, v.instead.Body)
	}
	return v
}

func (v *visit) failedWith(status int) {
	v.t.Helper()
	if v.ok || v.instead.Status != status {
		v.t.Errorf("commit ok=%t status %d, want a failure with %d", v.ok, v.instead.Status, status)
	}
}

// errDown is what a store that is down returns. It names a machine, which no visitor may be told.
var errDown = errors.New("connection refused by 10.0.0.1")

// fail makes these methods of a store fail.
func fail(methods ...string) func(probe.Call) error {
	return func(c probe.Call) error {
		for _, m := range methods {
			if c.Method == m {
				return errDown
			}
		}
		return nil
	}
}

// failOnce makes the next call of this method fail.
func failOnce(w *world, method string) {
	w.store.Before(func(c probe.Call) error {
		if c.Method != method {
			return nil
		}
		w.store.Before(nil)
		return errDown
	})
}

// resend plays a store client whose answer got lost: it sends the write again and hands on the second answer.
func resend(s *probe.Store, method string) {
	var once atomic.Bool
	s.After(func(c probe.Call, err error) error {
		if c.Method != method || err != nil || once.Swap(true) {
			return err
		}
		if method == "Create" {
			return s.Inner().Create(context.Background(), c.Record)
		}
		return s.Inner().Update(context.Background(), c.Record)
	})
}

// junkToken is the token of a session in another store.
func junkToken(t *testing.T) string { return newWorld(t, session.Options{}).start(t) }

// beginCookies is begin with several cookies of the session's name.
func beginCookies(t *testing.T, m *session.Manager, cookies ...string) *visit {
	t.Helper()
	v := begin(t, m, "")
	var pairs []string
	for _, c := range cookies {
		pairs = append(pairs, cookieName+"="+c)
	}
	v.x.lines = []string{strings.Join(pairs, "; ")}
	return v
}

// flip replaces one digit by another.
func flip(s string) string {
	digit := "A"
	if s[10] == 'A' {
		digit = "B"
	}
	return s[:10] + digit + s[11:]
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// existsWith reports whether a cookie opens a session.
func existsWith(t *testing.T, w *world, cookie string) (exists bool) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { exists = s.Exists() })
	return exists
}

// renewing is a world with one session whose periodic renewal is due.
func renewing(t *testing.T, o session.Options) (w *world, old string) {
	t.Helper()
	o.RenewAfter = 10 * time.Minute
	w = newWorld(t, o)
	old = w.read(t, "", func(s *session.Session) { s.Login("user:1"); count.Set(s, 1) }).succeeded().issued()
	w.now = w.now.Add(10 * time.Minute)
	return w, old
}
