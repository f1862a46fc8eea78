package adaptertest

import (
	"bytes"
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

var cookies = []testCase{
	{"P10", "a client's value is never adopted", "an attacker who chooses the token owns the session", neverAdopted, ""},
	{"P11", "a bad cookie is an anonymous visitor", "old, foreign and forged cookies are everyday input, not errors",
		badCookies, ""},
	{"P11", "several cookies of one name", "cookies of a parent domain or an old deployment must not lock a visitor out",
		severalCookies, ""},
	{"P11", "a cookie's former scopes are cleared",
		"after its Domain or Path has changed the old cookie comes along for ever", formerScopes, ""},
	{"P7", "a dead token sets no cookie and is deleted later",
		"a late answer must not replace the cookie of a newer login", deadTokens, ""},
	{"P12", "the store never sees a token", "a leaked store must not be a leak of logins", storeSeesNoToken, ""},
	{"hints", "a session knows where it is used",
		"whoever looks for a stranger among their devices needs to tell them apart", clientHints, ""},
	{"hints", "nobody chooses their address", "a list of devices that shows what a thief has typed in hides the thief",
		spoofedAddress, ""},
	{"facts", "a request's facts are the client's", "what judges a request must not judge what a header claims of it",
		requestFacts, ""},
	{"P13", "a cookie that cannot arrive is reported", "visitors who never keep a session are not in any log otherwise",
		plainHTTP, ""},
	{"P13", "the cookie is strict", "every attribute left out is an attack left in", strictCookie, ""},
	{"P14", "an old key's cookie is re-issued", "rotating keys must not log anybody out", rotation, ""},
	{"P15", "caches are told", "a cached page with a session is somebody else's page", cachesAreTold, ""},
	{"P15", "every cache is told", "a CDN obeys its own header first, and would hand one visitor's session to all",
		targetedCaches, ""},
	{"P15", "a header's spelling hides nothing", "HTTP has one Cache-Control, however a handler spells it",
		oddSpelling, NetHTTP},
	{"P16", "what does not fit is refused", "browsers drop oversized cookies without a word", tooLarge, ""},
}

func neverAdopted(s *suite) {
	st := s.stored(session.Options{})
	chosen := strings.Repeat("A", 43)
	if fresh := st.get("/add", chosen).is(200, "1").issued(); fresh == chosen {
		s.Error("the client's token became the session's")
	}
	st.reads(chosen, "", 0)
}

func badCookies(s *suite) {
	stored := s.stored(session.Options{})
	securecookie := s.sealed(session.TemporaryKeys(), session.Options{})
	aead := s.sealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	foreign := s.sealed(session.TemporaryKeys(), session.Options{})
	for _, st := range []*site{stored, securecookie, aead} {
		good := st.begun()
		tampered := []byte(good)
		for tampered[20] == good[20] {
			tampered[20] = "abc"[int(good[20])%3]
			if tampered[20] == good[20] {
				tampered[20] = 'd'
			}
		}
		for _, bad := range []string{
			good[:len(good)-3], string(tampered), good + "A", foreign.begun(), "x", "%00", strings.Repeat("A", 3000),
			`"` + good[:20] + `"`,
		} {
			st.get("/read", bad).is(200, "/0").untouched()
		}
		for _, size := range []int{8 << 10, 1 << 20} { // the server may refuse these by itself
			if a := st.get("/read", strings.Repeat("A", size)); a.status >= 500 || a.status == 200 && a.body != "/0" {
				s.Errorf("a cookie of %d bytes: answer %d %q", size, a.status, a.body)
			}
		}
		st.reads(good, "", 1)
	}
}

func severalCookies(s *suite) {
	st := s.stored(session.Options{})
	a, b, junk := cookieName+"="+st.begun(), cookieName+"="+st.begun(), cookieName+"="+strings.Repeat("A", 43)
	for _, c := range []struct {
		lines []string
		want  string
	}{
		{[]string{junk, a}, "/1"},
		{[]string{"theme=dark; " + junk + "; " + a + "; lang=en"}, "/1"},
		{[]string{"theme=dark", a}, "/1"},
		{[]string{cookieName + "=x; " + a, "lang=en"}, "/1"},
		{[]string{a, a}, "/1"},
		{[]string{a, b}, "/0"},
	} {
		st.ask(context.Background(), "/read", c.lines...).is(200, c.want).untouched()
	}
	older := cookieName + "=" + st.get("/login", "").issued()
	st.pass(time.Second)
	newer := cookieName + "=" + st.get("/login", st.begun()).issued()
	for _, lines := range [][]string{{older + "; " + newer}, {newer, older}} {
		st.ask(context.Background(), "/read", lines...).is(200, "user:1/1").untouched()
	}
	if _, deleted := st.ask(context.Background(), "/logout", older+"; "+newer).is(200, "out").cookie(); !deleted {
		s.Error("the logout leaves the cookie")
	}
	if list, err := st.manager.List(s.Context(), "user:1"); err != nil || len(list) != 0 {
		s.Errorf("after a logout with two cookies %d sessions live (%v)", len(list), err)
	}
}

func formerScopes(s *suite) {
	st := s.stored(session.Options{Cookie: session.Cookie{Name: cookieName[len("__Host-"):],
		Former: []session.Scope{{Path: "/old"}}}})
	name := cookieName[len("__Host-"):]
	cookie := ""
	for _, c := range (&http.Response{Header: st.ask(context.Background(), "/login").header}).Cookies() {
		cookie = c.Value
	}
	a := st.ask(context.Background(), "/read", name+"=junk; "+name+"="+cookie).is(200, "user:1/0")
	lines := a.header.Values("Set-Cookie")
	if len(lines) != 2 || !slices.ContainsFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, name+"=; Path=/old")
	}) ||
		!slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+"="+cookie+"; Path=/;") }) {
		s.Errorf("Set-Cookie %q, want the former scope's cookie deleted and the present one's set", lines)
	}
	a = st.ask(context.Background(), "/read", name+"="+cookie).is(200, "user:1/0")
	if lines = a.header.Values("Set-Cookie"); len(lines) != 0 {
		s.Errorf("Set-Cookie %q on a request with one cookie", lines)
	}
}

func deadTokens(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.get("/login", st.begun()).issued()
	st.get("/logout", cookie).is(200, "out")
	newer := st.get("/login", "").issued()
	st.get("/add", cookie).refused(409).untouched()
	st.get("/read", cookie).is(200, "/0").untouched()
	st.reads(newer, "user:1", 0)
	st.pass(time.Minute)
	if _, deleted := st.get("/read", cookie).is(200, "/0").cookie(); !deleted {
		s.Error("a minute later the visitor still has a cookie that opens nothing")
	}
}

func storeSeesNoToken(s *suite) {
	st := s.stored(session.Options{})
	var seen [][]byte
	st.store.Before(func(c probe.Call) error {
		seen = append(seen, slices.Concat(c.ID[:], c.Record.Data, []byte(c.Record.Handle+c.Record.Subject)))
		return nil
	})
	cookie := st.get("/login", st.begun()).issued()
	st.reads(cookie, "user:1", 1)
	for _, b := range seen {
		if bytes.Contains(b, []byte(cookie)) {
			s.Error("a token reached the store")
		}
	}
}

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
			f := st.exchangeOf(c).Facts()
			peer, err := netip.ParseAddrPort(f.RemoteAddr)
			if f.Method != http.MethodPut || f.Path != path || f.TLS || err != nil || !peer.Addr().Unmap().IsLoopback() {
				s.Errorf("%s: facts %+v, want PUT, the path as it was sent, no TLS, and a loopback address with its port", path, f)
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

func strictCookie(s *suite) {
	st := s.stored(session.Options{})
	st.on("/own", func(c *Call) error {
		c.SetHeader("Set-Cookie", "theme=dark")
		count.Set(c.Session, 1)
		return c.Respond(200, "")
	})
	a := st.get("/own", "")
	const attributes = "; Path=/; HttpOnly; Secure; SameSite=Lax"
	cookie := a.issued()
	if lines := a.header.Values("Set-Cookie"); len(lines) != 2 ||
		!slices.Contains(lines, cookieName+"="+cookie+attributes) || !slices.Contains(lines, "theme=dark") {
		s.Errorf("Set-Cookie %q, want the session's own with %q and the handler's", lines, attributes)
	}
	deleting := st.get("/logout", cookie).header.Get("Set-Cookie")
	if want := cookieName + "=" + attributes + "; Max-Age=0"; deleting != want {
		s.Errorf("Set-Cookie %q, want %q", deleting, want)
	}
	insecure := s.stored(session.Options{InsecureHTTP: true})
	if line := insecure.get("/add", "").header.Get("Set-Cookie"); !strings.HasPrefix(line, "id") ||
		strings.Contains(line, "Secure") {
		s.Errorf("InsecureHTTP: Set-Cookie %q, want neither prefix nor Secure", line)
	}
}

func rotation(s *suite) {
	old, err := session.GenerateKey("old")
	fresh, err2 := session.GenerateKey("new")
	if err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	for _, sealer := range []session.Sealer{session.SecureCookie, session.AEAD} {
		var sites []*site
		for _, text := range []string{old, fresh + "," + old, fresh} {
			keys, err := session.ParseKeys(text)
			if err != nil {
				s.Fatal(err)
			}
			sites = append(sites, s.sealed(keys, session.Options{Sealer: sealer}))
		}
		reissued := sites[1].get("/read", sites[0].begun()).is(200, "/1").issued()
		sites[2].reads(reissued, "", 1)
		sites[1].get("/read", reissued).is(200, "/1").untouched()
	}
}

func cachesAreTold(s *suite) {
	st := s.stored(session.Options{})
	st.on("/page", func(c *Call) error {
		c.SetHeader("Vary", "Accept-Language, Origin")
		c.SetHeader("Cache-Control", "public, max-age=60")
		return c.Respond(200, itoa(count.Get(c.Session)))
	})
	a := st.get("/page", "")
	if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Cookie") ||
		!strings.Contains(vary, "Accept-Language") {
		s.Errorf("Vary %q, want both Accept-Language and Cookie", vary)
	}
	if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "public, max-age=60" {
		s.Errorf("Cache-Control %q, want what the handler set", control)
	}
	if control := st.get("/add", "").header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" {
		s.Errorf("Cache-Control %q on a response that carries a session, want no-store", control)
	}
}

// targeted are headers that some cache obeys before Cache-Control.
var targeted = []string{
	"CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Vercel-CDN-Cache-Control", "cdn-cache-control",
	"X-LiteSpeed-Cache-Control",
	"Surrogate-Control", "Edge-Control", "X-Accel-Expires",
}

func targetedCaches(s *suite) {
	for _, name := range targeted {
		st := s.stored(session.Options{})
		st.outer[name] = "public, max-age=60" // also the error response's, which outer middleware may want to be cached
		st.on("/inner", func(c *Call) error {
			c.SetHeader(name, "public, max-age=60")
			return c.Respond(200, itoa(count.Update(c.Session, addOne)))
		})
		cookie := st.begun()
		a := st.get("/inner", "").is(200, "1")
		a.issued()
		st.failing("Update")
		for what, a := range map[string]*answer{
			"carries a session": a, "is an error": st.get("/inner", cookie).refused(503),
		} {
			if v := a.header.Values(name); len(v) > 0 || a.header.Get("Cache-Control") != "no-store" {
				s.Errorf("%s: %q and Cache-Control %q on a response that %s", name, v, a.header.Get("Cache-Control"), what)
			}
		}
		st.store.Before(nil)
		if a := st.get("/unused", cookie); a.header.Get(name) == "" {
			s.Errorf("%s is gone from a response that has nothing to do with sessions", name)
		}
	}
}

func oddSpelling(s *suite) {
	st := s.stored(session.Options{})
	st.on("/odd", func(c *Call) error {
		header := c.Writer.Header()
		header["cache-control"], header["CACHE-CONTROL"] = []string{"public"}, []string{"max-age=60"}
		header["vary"], header["set-cookie"] = []string{"Accept-Language"}, []string{"theme=dark", cookieName + "=planted"}
		header["x-Odd"] = []string{"kept"}
		if c.Request.URL.Query().Has("write") {
			count.Update(c.Session, addOne)
		}
		return c.Respond(200, itoa(count.Get(c.Session)))
	})
	a := st.get("/odd", "")
	if control := strings.Join(a.header.Values("Cache-Control"), ", "); control != "public, max-age=60" &&
		control != "max-age=60, public" {
		s.Errorf("Cache-Control %q, want what the handler set", control)
	}
	if vary := strings.Join(a.header.Values("Vary"), ", "); vary != "Origin, Accept-Language, Cookie" {
		s.Errorf("Vary %q, want Origin, Accept-Language, Cookie", vary)
	}
	a = st.get("/odd?write", "")
	if value := a.issued(); value == "planted" || !slices.Contains(a.header.Values("Set-Cookie"), "theme=dark") {
		s.Errorf("Set-Cookie %q, want the session's one and the handler's own", a.header.Values("Set-Cookie"))
	}
	if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" ||
		a.header.Get("X-Odd") != "kept" {
		s.Errorf("headers %v, want no-store, and others left alone", a.header)
	}
}

func tooLarge(s *suite) {
	st := s.sealed(session.TemporaryKeys(), session.Options{})
	st.on("/fill", func(c *Call) error {
		note.Set(c.Session, strings.Repeat("x", 5000))
		return c.Respond(200, "filled")
	})
	cookie := st.begun()
	st.get("/fill", cookie).refused(500).untouched()
	st.reads(cookie, "", 1)
}
