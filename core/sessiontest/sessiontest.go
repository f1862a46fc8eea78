// Package sessiontest is for tests of applications that use sessions: a logged-in request in one line, a look at
// the session after the handler, and a clock that a test moves.
//
//	r := httptest.NewRequest("GET", "/cart", nil)
//	r.AddCookie(sessiontest.Login(t, sessions, "user:42"))
//	site.ServeHTTP(w, r)
//	sessiontest.After(t, sessions, r, w.Result(), func(s *session.Session) {
//		if n := len(cart.Get(s)); n != 1 { … }
//	})
//
// It works with every framework and every store, because it talks to the manager and not to a server.
package sessiontest

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Login starts a session for subject and returns its cookie. Functions given to it may store values first.
func Login(t testing.TB, m *session.Manager, subject string, prepare ...func(*session.Session)) *http.Cookie {
	t.Helper()
	return Start(t, m, append(prepare, func(s *session.Session) { s.Login(subject) })...)
}

// Start starts a session by running prepare on it and returns its cookie. It ends the test when the session was not
// saved, or when prepare stored nothing, because then there is none.
func Start(t testing.TB, m *session.Manager, prepare ...func(*session.Session)) *http.Cookie {
	t.Helper()
	x := &exchange{response: http.Header{}}
	var r session.Request
	if _, ok := m.Begin(context.Background(), &r, x); !ok {
		t.Fatal("sessiontest: Start: the manager refused the request")
	}
	defer r.End()
	for _, f := range prepare {
		f(r.Session())
	}
	if instead, ok := r.Commit(http.StatusOK); !ok {
		t.Fatalf("sessiontest: Start: the session was not saved: %v: %d %s", r.Session().Err(), instead.Status, instead.Body)
	}
	cookies := x.cookies()
	if len(cookies) == 0 {
		t.Fatal("sessiontest: Start: nothing was stored, so there is no session")
	}
	return cookies[0]
}

// After runs f on the session that a browser has after it sent request and got response. Nothing that f does is
// saved, and looking does not extend the session. f gets an anonymous session if there is none.
func After(t testing.TB, m *session.Manager, request *http.Request, response *http.Response, f func(*session.Session)) {
	t.Helper()
	x := &exchange{response: http.Header{}}
	x.lines = append(x.lines, jar(request, response)...)
	var r session.Request
	if _, ok := m.Begin(context.Background(), &r, x); !ok {
		t.Fatal("sessiontest: After: the manager refused the request")
	}
	defer r.End()
	defer r.Discard()
	f(r.Session())
	if err := r.Session().Err(); err != nil {
		t.Errorf("sessiontest: After: %v", err)
	}
}

// jar is what a browser sends next: the request's cookies as the response changes them.
func jar(request *http.Request, response *http.Response) (lines []string) {
	cookies := map[string]string{}
	for _, c := range request.Cookies() {
		cookies[c.Name] = c.Value
	}
	for _, c := range response.Cookies() {
		if cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(cookies, c.Name)
		}
	}
	for name, value := range cookies {
		lines = append(lines, name+"="+value)
	}
	return lines
}

// Clock is a clock for session.Options.Now. It stands still until a test advances it, and is safe for concurrent
// use. The zero value is the year 1.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows the present time.
func NewClock() *Clock { return &Clock{now: time.Now()} }

// Now is what Options.Now wants.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward, or back with a negative d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// exchange is a request without a server.
type exchange struct {
	lines    []string
	response http.Header
}

func (x *exchange) CookieLines() []string                { return x.lines }
func (x *exchange) Method() string                       { return "" }
func (x *exchange) Facts() session.RequestFacts          { return session.RequestFacts{} }
func (x *exchange) AddCookie(line string)                { x.response.Add("Set-Cookie", line) }
func (x *exchange) RequestHeader(string) string          { return "" }
func (x *exchange) ResponseHeader(name string) string    { return strings.Join(x.response[name], ", ") }
func (x *exchange) SetResponseHeader(name, value string) { x.response[name] = []string{value} }
func (x *exchange) SetCookie(_, line string)             { x.response["Set-Cookie"] = []string{line} }
func (x *exchange) ResetResponse()                       { clear(x.response) }
func (x *exchange) RemoveResponseHeaders(unwanted func(string) bool) {
	maps.DeleteFunc(x.response, func(name string, _ []string) bool { return unwanted(name) })
}

func (x *exchange) cookies() []*http.Cookie { return (&http.Response{Header: x.response}).Cookies() }
