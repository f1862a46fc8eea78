package adaptertest

import (
	"context"
	"net/http"
	"net/url"
	"runtime"
	"sync"

	session "github.com/coatcheck/coatcheck/core"
)

var mistakes = []testCase{
	{"P18", "an error event leads to the mistake",
		"whoever is woken by it has to know which line of which handler to look at, and whom it hit",
		mistakeIsFound, ""},
	{"P18", "an error event tells the path of a whole URL",
		"a request line may hold the whole URL, and a log that is grouped by path must find it under the same one",
		pathOfWholeURL, ""},
	{"P9", "a mistake is told while the request is rewritten",
		"an error on one goroutine of a handler must not race with another that rewrites the URL",
		mistakeWhileRewriting, NetHTTP},
}

const refusing session.Key[any] = "refusing"

// here returns file:line of the call before its own line.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return file + ":" + itoa(line-1)
}

// mistakes returns the events of failures.
func (st *site) mistakes() (found []session.Event) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range st.events {
		if e.Err != nil && e.Reason != session.ReasonPlainHTTP {
			found = append(found, e)
		}
	}
	return found
}

func mistakeIsFound(s *suite) {
	st := s.stored(session.Options{})
	var at string
	refuse := func(c *Call) error {
		c.Session.Login("user:1")
		refusing.Set(c.Session, func() {})
		at = here()
		return c.Respond(200, "done")
	}
	for _, path := range []string{"/cart", "/cart/a%20b", "/cart/a b"} { // a framework may show a handler either
		st.on(path, refuse)
	}
	for _, path := range []string{"/cart", "/cart/a%20b"} {
		st.mu.Lock()
		st.events = nil
		st.mu.Unlock()
		st.send(context.Background(), http.MethodPost, path+"?token=secret").refused(500)
		found := st.mistakes()
		if len(found) != 1 {
			s.Fatalf("%s: events %+v, want one", path, found)
		}
		if e := found[0]; e.Route != "POST "+path || e.Source != at || e.Subject != "user:1" || e.Key != string(refusing) {
			s.Errorf("event %+v, want POST %s, %s, user:1 and the key", e, path, at)
		}
	}
}

func mistakeWhileRewriting(s *suite) {
	st := s.stored(session.Options{})
	st.on("/cart", func(c *Call) error {
		var wg sync.WaitGroup
		wg.Go(func() { refusing.Set(c.Session, func() {}) })
		c.Request.Method, c.Request.URL.Path, c.Request.RequestURI = "PUT", "/elsewhere", "/elsewhere"
		wg.Wait()
		return c.Respond(200, "done")
	})
	st.get("/cart", "").refused(500)
	st.throughProxy().get("/cart", "").refused(500)
	found := st.mistakes()
	if len(found) != 2 || found[0].Route != "GET /cart" || found[1].Route != "GET /cart" {
		s.Errorf("events %+v, want two of GET /cart", found)
	}
}

// throughProxy makes the client send the whole URL in the request line, as it does to a proxy.
func (st *site) throughProxy() *site {
	server, err := url.Parse(st.url)
	if err != nil {
		st.s.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(server), DisableCompression: true}
	st.s.Cleanup(transport.CloseIdleConnections)
	st.client.Transport, st.url = transport, "http://shop.invalid"
	return st
}

func pathOfWholeURL(s *suite) {
	st := s.stored(session.Options{}).throughProxy()
	refuse := func(c *Call) error {
		refusing.Set(c.Session, func() {})
		return c.Respond(200, "done")
	}
	st.on("/cart", refuse)
	st.on("/cart/a%20b", refuse)
	st.on("/cart/a b", refuse)
	for _, path := range []string{"/cart", "/cart/a%20b"} {
		st.get(path+"?from=http://elsewhere.invalid/", "").refused(500)
		found := st.mistakes()
		if last := found[len(found)-1]; last.Route != "GET "+path {
			s.Errorf("an event of %q, want GET %s", last.Route, path)
		}
	}
}
