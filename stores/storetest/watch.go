package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"time"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

var watchCases = []testCase{
	{
		name: "WatchAcrossProcesses",
		why: "whoever waits on one server learns by the store alone that the visitor has logged out on another: a store " +
			"that answers from a memory of its own leaves the stream open",
		run: watchAcrossProcesses,
	},
}

// patient bounds what takes two watch intervals, a fifth of a second, on a server that has nothing else to do.
const patient = 20 * time.Second

// process is a server of an application that runs several.
type process struct {
	*trial
	sessions *session.Manager
	name     string
}

func (t *trial) process(name string) process {
	t.Helper()
	o := session.Options{Name: name, WatchInterval: 100 * time.Millisecond}
	m, err := session.New(t.store, o)
	t.want("session.New", err, nil)
	return process{t, m, name}
}

// request runs f in a request with cookie, which may be nil, and returns what the visitor has as cookie afterwards.
func (p process) request(cookie *http.Cookie, f func(s *session.Session)) *http.Cookie {
	p.Helper()
	r, w := httptest.NewRequestWithContext(p.ctx, http.MethodGet, "https://example.com/", nil), httptest.NewRecorder()
	if cookie != nil {
		r.AddCookie(cookie)
	}
	httpsession.Middleware(p.sessions)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f(httpsession.From(r))
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		p.Fatalf("a request was answered with %d %s", w.Code, w.Body)
	}
	for _, c := range w.Result().Cookies() {
		cookie = c
	}
	return cookie
}

func (p process) login() *http.Cookie {
	p.Helper()
	return p.request(nil, func(s *session.Session) { s.Login(newSubject()) })
}

func (p process) watch(cookie *http.Cookie) (ctx context.Context) {
	p.Helper()
	p.request(cookie, func(s *session.Session) { ctx = s.Watch(p.ctx) })
	return ctx
}

// ends checks that a watch ends before long, and that it does because its session has ended.
func (p process) ends(watch context.Context, what string) {
	p.Helper()
	select {
	case <-watch.Done():
	case <-time.After(patient):
		p.Fatalf("Watch goes on after %s in another process", what)
	}
	if err := context.Cause(watch); !errors.Is(err, session.ErrEnded) {
		p.Fatalf("Watch after %s in another process: %v, want %v", what, err, session.ErrEnded)
	}
}

func (p process) stays(watch context.Context, what string) {
	p.Helper()
	if watch.Err() != nil {
		p.Fatalf("Watch of a session that %s: %v", what, context.Cause(watch))
	}
}

// watchAcrossProcesses ends sessions in one process that are watched in another.
func watchAcrossProcesses(t *trial) {
	name := "watch" + rand.Text()
	here, there := t.process(name), t.process(name)
	loggedOut, loggedIn, renewed, untouched := here.login(), here.login(), here.login(), here.login()
	logout, login := here.watch(loggedOut), here.watch(loggedIn)
	renewal, nothing := here.watch(renewed), here.watch(untouched)
	renewed = there.request(renewed, (*session.Session).Renew)
	there.request(loggedOut, (*session.Session).Destroy)
	there.request(loggedIn, func(s *session.Session) { s.Login(newSubject()) })
	here.ends(logout, "a logout")
	here.ends(login, "a login")
	here.stays(renewal, "was renewed")
	there.request(renewed, (*session.Session).Destroy)
	here.ends(renewal, "a renewal and a logout")
	here.stays(nothing, "nobody has ended")
}
