package adaptertest

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

func clientHints(s *suite) {
	const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for _, asked := range []bool{true, false} {
		st := s.stored(session.Options{ClientHints: asked})
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, st.url+"/login", nil)
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("User-Agent", firefox)
		st.do(r).is(200, "in")
		want := [2]string{}
		if asked {
			want = [2]string{"Firefox on Linux", "127.0.0.0/24"}
		}
		list, err := st.manager.List(s.Context(), "user:1")
		if err != nil || len(list) != 1 || want != [2]string{list[0].Agent, list[0].Network} {
			s.Errorf("with ClientHints %t: %+v (%v), want agent and network %q", asked, list, err, want)
		}
	}
}

// spoofedAddress sends what proxies send, from a client that is none unless the manager's options say so.
func spoofedAddress(s *suite) {
	for trusted, want := range map[string]string{
		"": "127.0.0.0/24", "192.0.2.0/24": "127.0.0.0/24", "127.0.0.0/8": "203.0.113.0/24",
	} {
		o := session.Options{ClientHints: true}
		if trusted != "" {
			o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(trusted)}
		}
		st := s.stored(o)
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, st.url+"/login", nil)
		if err != nil {
			s.Fatal(err)
		}
		// the proxy's own word is the last
		r.Header["X-Forwarded-For"] = []string{"198.51.100.1", "198.51.100.2, 203.0.113.7"}
		for _, name := range []string{
			"X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip", "X-Appengine-Remote-Addr",
		} {
			r.Header.Set(name, "198.51.100.1")
		}
		r.Header.Set("Forwarded", "for=198.51.100.1")
		st.do(r).is(200, "in")
		if list, err := st.manager.List(s.Context(), "user:1"); err != nil || len(list) != 1 || list[0].Network != want {
			s.Errorf("TrustedProxies %q: %+v (%v), want network %s", trusted, list, err, want)
		}
	}
}

func (st *site) exchangeOf(c *Call) session.Exchange {
	ctx := c.Context
	if c.Request != nil { // a framework's own context may not lead to values
		ctx = c.Request.Context()
	}
	return st.manager.Exchange(ctx)
}

func requestFacts(s *suite) {
	st := s.stored(session.Options{})
	for _, path := range []string{"/facts", "/facts/a%2Fb"} {
		answer := func(c *Call) error {
			x := st.exchangeOf(c)
			f := x.Facts()
			peer, err := netip.ParseAddrPort(f.RemoteAddr)
			if x.Method() != http.MethodPut || f.Path != path || f.Query != "query=/x" ||
				f.TLS || err != nil || !peer.Addr().Unmap().IsLoopback() {
				s.Errorf("%s: %s and facts %+v, want PUT, path and query as they were sent, no TLS, and a loopback address "+
					"with its port", path, x.Method(), f)
			}
			return c.Respond(200, "told")
		}
		st.on("/facts", answer)
		st.on("/facts/a/b", answer)
		st.on("/facts/a%2Fb", answer) // a framework may show a handler either
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPut, st.url+path+"?query=/x", nil)
		if err != nil {
			s.Fatal(err)
		}
		for name, value := range map[string]string{
			"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on",
		} {
			r.Header.Set(name, value)
		}
		st.do(r).is(200, "told")
	}
}

func plainHTTP(s *suite) {
	for _, insecure := range []bool{false, true} {
		st := s.stored(session.Options{InsecureHTTP: insecure})
		visit := func(host, name, value string) {
			r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, st.url+"/add", nil)
			if err != nil {
				s.Fatal(err)
			}
			r.Host = host
			r.Header.Set(name, value)
			st.do(r).is(200, "1")
		}
		browser, proxy := "Sec-Fetch-Site", "X-Forwarded-Proto"
		if insecure {
			browser, proxy = "X-Nothing", "X-Nothing"
		}
		visit("localhost:8080", proxy, "http")
		visit("shop.test", browser, "same-origin")
		visit("shop.test", proxy, "https")
		if n := st.warned(); n != 0 {
			s.Errorf("InsecureHTTP %t: %d warnings, want none: nothing is wrong", insecure, n)
		}
		for range 3 {
			visit("shop.test", "X-Forwarded-Proto", map[bool]string{false: "http", true: "https"}[insecure])
		}
		if n := st.warned(); n != 1 {
			s.Errorf("InsecureHTTP %t: %d warnings, want one", insecure, n)
		}
	}
}

// warned counts what has been said about cookies on the wrong transport.
func (st *site) warned() (n int) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, e := range st.events {
		if (e.Reason == session.ReasonPlainHTTP || e.Reason == session.ReasonInsecureHTTP) &&
			strings.Contains(e.Err.Error(), "InsecureHTTP") {
			n++
		}
	}
	return n
}
