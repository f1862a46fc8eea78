package adaptertest

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var crossSite = []testCase{
	{"P23", "one verdict table", "a form is as dangerous in one framework as in another", verdicts, ""},
	{"P23", "odd requests get the same verdict", "what a proxy or an attacker makes of a request must not open a way past",
		oddVerdicts, ""},
	{"P23", "a cross-site post keeps the good cookie",
		"a callback from elsewhere comes without the cookie, and must not replace the one that the browser has",
		keepsGoodCookie, ""},
	{"P23", "no cross-site login or logout", "who is logged in as somebody else gives away what he then enters",
		crossSiteLogin, ""},
	{"P23", "a cross-site request reads as anonymous", "what it shows or decides must not be a visitor's",
		crossSiteReads, ""},
	{"P23", "safe methods pass", "links from elsewhere must find the visitor logged in", safeMethods, ""},
	{"P23", "trusted origins pass", "a front end on another host of yours is not an attack", trustedOrigins, ""},
	{"P23", "a form's token is good for its session", "a form that must not rely on what browsers tell has one",
		formTokens, ""},
	{"P26", "a handler learns why there is no session", "a login page tells whoever was logged out by time", reasons, ""},
}

// shopHost is what browsers ask for in these cases.
const shopHost = "shop.test"

// fromPage sends a request that a page has made a browser send. header is in pairs of name and value.
func (st *site) fromPage(method, path, cookie string, header ...string) *answer {
	st.s.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, st.url+path, nil)
	if err != nil {
		st.s.Fatal(err)
	}
	r.Host = shopHost
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookieName+"="+cookie)
	}
	return st.do(r)
}

var fromEvil = []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test"}

func verdicts(s *suite) {
	st := s.stored(session.Options{TrustedOrigins: []string{"https://app.shop.test"}})
	for _, c := range []struct {
		header  []string
		refused bool
	}{
		{nil, false},
		{[]string{"Sec-Fetch-Site", "same-origin"}, false},
		{[]string{"Sec-Fetch-Site", "none"}, false},
		{[]string{"Sec-Fetch-Site", "same-site"}, true},
		{[]string{"Sec-Fetch-Site", "cross-site"}, true},
		{[]string{"Sec-Fetch-Site", "something-later"}, true},
		{[]string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "same-origin"}, true},
		{[]string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, true},
		{[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://evil.test"}, false},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://shop.test"}, true},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://app.shop.test"}, false},
		{[]string{"Sec-Fetch-Site", "same-site", "Origin", "https://app.shop.test"}, false},
		{[]string{"Origin", "https://shop.test"}, false},
		{[]string{"Origin", "http://shop.test"}, false},
		{[]string{"Origin", "https://app.shop.test"}, false},
		{[]string{"Origin", "https://app.shop.test:8443"}, true},
		{[]string{"Origin", "https://shop.test", "Origin", "https://shop.test"}, true},
		{[]string{"Origin", "https://evil.test"}, true},
		{[]string{"Origin", "null"}, true},
		{[]string{"Referer", "https://evil.test/"}, false},
	} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			a := st.fromPage(method, "/add", "", c.header...)
			if refused := a.status == http.StatusForbidden; refused != c.refused || a.err != nil {
				s.Errorf("%s %q: answer %d (%v), want refused %t", method, c.header, a.status, a.err, c.refused)
			}
		}
	}
}

// raw sends a request line and header lines as they are, and returns the answer's status.
func (st *site) raw(line string, header ...string) int {
	st.s.Helper()
	server, err := url.Parse(st.url)
	if err != nil {
		st.s.Fatal(err)
	}
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(context.Background(), "tcp", server.Host)
	if err != nil {
		st.s.Fatal(err)
	}
	defer conn.Close()
	lines := append([]string{line}, header...)
	request := strings.Join(lines, "\r\n") + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		st.s.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		st.s.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func oddVerdicts(s *suite) {
	st := s.stored(session.Options{})
	for _, c := range []struct {
		line   string
		header []string
		status int
	}{
		{"POST /add HTTP/1.1", []string{"Host: shop.test", "Origin: https://shop.test"}, 200},
		{"POST /add HTTP/1.1", []string{"host: shop.test", "origin: https://shop.test"}, 200},
		{"POST /add HTTP/1.1", []string{"HOST: shop.test", "SEC-FETCH-SITE: cross-site"}, 403},
		{"POST /add HTTP/1.1", []string{"Host: shop.test", "sec-fetch-site: cross-site"}, 403},
		{"POST /add HTTP/1.1", []string{"Host: shop.test", "Sec-Fetch-Site:  same-origin \t"}, 200},
		{"POST /add HTTP/1.1", []string{"Host: shop.test", "Sec-Fetch-Site:", "Origin: https://evil.test"}, 403},
		{"POST /add HTTP/1.1", []string{"Host: shop.test", "Sec-Fetch-Site:", "Sec-Fetch-Site: same-origin"}, 403},
		{"POST /add HTTP/1.1", []string{"Host: SHOP.test", "Origin: https://shop.test"}, 403}, // as no browser asks
		{"POST /add HTTP/1.1", []string{"Host: shop.test:443", "Origin: https://shop.test"}, 403},
		{"POST /add HTTP/1.1", []string{"Host: shop.test:8443", "Origin: https://shop.test:8443"}, 200},
		{"POST /add HTTP/1.1", []string{"Host: [::1]:8443", "Origin: https://[::1]:8443"}, 200},
		// RFC 9112 §3.2.2: of a whole URL the host counts, and not the Host header
		{"POST http://shop.test/add HTTP/1.1", []string{"Host: evil.test", "Origin: https://shop.test"}, 200},
		{"POST http://shop.test/add HTTP/1.1", []string{"Host: evil.test", "Origin: https://evil.test"}, 403},
		{"POST http://user@shop.test:81/add HTTP/1.1", []string{"Host: shop.test", "Origin: http://shop.test:81"}, 200},
		{"POST http://user@shop.test:81/add HTTP/1.1", []string{"Host: shop.test", "Origin: http://shop.test"}, 403},
		{"GET http://shop.test/add HTTP/1.1", []string{"Host: evil.test", "Sec-Fetch-Site: cross-site"}, 200},
	} {
		if got := st.raw(c.line, c.header...); got != c.status {
			s.Errorf("%s, %q: status %d, want %d", c.line, c.header, got, c.status)
		}
	}
}

func keepsGoodCookie(s *suite) {
	for _, st := range []*site{s.stored(session.Options{}), s.sealed(session.TemporaryKeys(), session.Options{})} {
		cookie := st.get("/login", st.begun()).is(200, "in").issued()
		st.fromPage("POST", "/add", "", fromEvil...).refused(http.StatusForbidden).untouched()
		st.fromPage("POST", "/add", cookie, fromEvil...).refused(http.StatusForbidden).untouched()
		st.fromPage("POST", "/unused", cookie, fromEvil...).is(200, "unused").untouched()
		st.reads(cookie, "user:1", 1)
		if !st.saw(session.ReasonCrossSite) {
			s.Error("no event tells of the refused requests")
		}
	}
}

func crossSiteLogin(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.get("/login", "").is(200, "in").issued()
	for _, path := range []string{"/login", "/logout"} {
		for _, presented := range []string{"", cookie} {
			st.store.Reset()
			st.fromPage("POST", path, presented, fromEvil...).refused(http.StatusForbidden).untouched()
			if n := st.store.Count(""); n != 0 {
				s.Errorf("%s: %d store calls, want none", path, n)
			}
		}
	}
	st.reads(cookie, "user:1", 0)
}

func crossSiteReads(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.get("/login", st.begun()).is(200, "in").issued()
	st.store.Reset()
	st.on("/why", func(c *Call) error {
		why, err := c.Session.Reason(), c.Session.Err()
		if err != nil {
			s.Errorf("Err is %v before anything was written", err)
		}
		return c.Respond(200, string(why))
	})
	st.fromPage("POST", "/read", cookie, fromEvil...).is(200, "/0").untouched()
	st.fromPage("POST", "/why", cookie, fromEvil...).is(200, "cross-site").untouched()
	if n := st.store.Count(""); n != 0 {
		s.Errorf("%d store calls, want none: the cookie is not looked at", n)
	}
}

func safeMethods(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.fromPage("GET", "/add", cookie, fromEvil...).is(200, "2")
	for _, method := range []string{"HEAD", "OPTIONS"} {
		if a := st.fromPage(method, "/read", cookie, fromEvil...).untouched(); a.status >= 400 {
			s.Errorf("%s: answer %d", method, a.status)
		}
	}
	if st.saw(session.ReasonCrossSite) {
		s.Error("a request that changes nothing was taken for an attack")
	}
}

func trustedOrigins(s *suite) {
	for want, o := range map[int]session.Options{
		200: {TrustedOrigins: []string{"https://evil.test"}},
		201: {AllowCrossSite: true},
		403: {TrustedOrigins: []string{"https://evil.test:8443"}},
	} {
		st := s.stored(o)
		st.on("/more", func(c *Call) error {
			count.Update(c.Session, addOne)
			return c.Respond(want, "more")
		})
		if a := st.fromPage("POST", "/more", st.begun(), fromEvil...); a.status != want {
			s.Errorf("%+v: answer %d, want %d", o, a.status, want)
		}
	}
}

func formTokens(s *suite) {
	for _, st := range []*site{s.stored(session.Options{}), s.sealed(session.TemporaryKeys(), session.Options{})} {
		st.on("/form", func(c *Call) error { return c.Respond(200, c.Session.FormToken()) })
		st.on("/send", func(c *Call) error {
			if !c.Session.CheckFormToken(st.exchangeOf(c).RequestHeader("X-Form-Token")) {
				return c.Respond(403, "out of date")
			}
			return c.Respond(200, "sent")
		})
		first := st.get("/form", "")
		cookie := first.issued()
		second := st.get("/form", cookie).untouched()
		if first.body == second.body {
			s.Error("two form tokens are the same text")
		}
		other := st.get("/form", "").body
		for token, status := range map[string]int{first.body: 200, second.body: 200, other: 403, "": 403} {
			if a := st.fromPage("POST", "/send", cookie, "X-Form-Token", token); a.status != status {
				s.Errorf("form token %q: answer %d, want %d", token, a.status, status)
			}
		}
		after := st.get("/login", cookie).issued()
		if a := st.fromPage("POST", "/send", after, "X-Form-Token", second.body); a.status != 403 {
			s.Errorf("a form from before the login: answer %d, want 403", a.status)
		}
	}
}

func reasons(s *suite) {
	for _, st := range []*site{s.stored(session.Options{}), s.sealed(session.TemporaryKeys(), session.Options{})} {
		st.on("/why", func(c *Call) error {
			if why := c.Session.Reason(); why.Lapsed() {
				return c.Respond(200, "expired: "+string(why))
			}
			return c.Respond(200, string(c.Session.Reason()))
		})
		cookie := st.begun()
		st.get("/why", "").is(200, "")
		st.get("/why", cookie).is(200, "")
		st.pass(time.Hour)
		st.get("/why", cookie).is(200, "expired: "+string(session.ReasonExpiredIdle))
	}
}
