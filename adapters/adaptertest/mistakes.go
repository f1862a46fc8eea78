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
	{"P18", "an error event leads to the mistake", "whoever is woken by it has to know which line of which handler to look at, and whom it hit", mistakeIsFound, ""},
	{"P9", "a mistake is told while the request is rewritten", "an error on one goroutine of a handler must not race with another that rewrites the URL", mistakeWhileRewriting, NetHTTP},
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
	server, err := url.Parse(st.url)
	if err != nil {
		s.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(server)} // so that the request line has the whole URL
	defer transport.CloseIdleConnections()
	st.client.Transport, st.url = transport, "http://shop.invalid"
	st.get("/cart", "").refused(500)
	found := st.mistakes()
	if len(found) != 2 || found[0].Route != "GET /cart" || found[1].Route != "GET /cart" {
		s.Errorf("events %+v, want two of GET /cart", found)
	}
}
