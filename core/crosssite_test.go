package session_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P23: a request that another origin's page caused reads as an anonymous visitor's and cannot write.

// post begins a POST with these request headers, in pairs of name and value.
func post(t *testing.T, m *session.Manager, cookie string, header ...string) *visit {
	t.Helper()
	v := &visit{t: t, x: exchange{response: http.Header{}, method: http.MethodPost, header: map[string]string{}}}
	v.x.header["Host"] = "shop.test"
	for i := 0; i < len(header); i += 2 {
		v.x.header[header[i]] = header[i+1]
	}
	if cookie != "" {
		v.x.lines = []string{cookieName + "=" + cookie}
	}
	v.ctx, _ = m.Begin(t.Context(), &v.request, &v.x)
	v.Session = v.request.Session()
	return v
}

// crossSite begins a POST that a form on another site has sent.
func crossSite(t *testing.T, m *session.Manager, cookie string) *visit {
	t.Helper()
	return post(t, m, cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.test")
}

// The rule is one that people know. Where it differs from net/http's, the difference is stated here.
func TestVerdictsAreThoseOfNetHTTP(t *testing.T) {
	trusted := newWorld(t, session.Options{TrustedOrigins: []string{"https://app.shop.test", "app://localhost"}})
	strict := newWorld(t, session.Options{})
	theirs, theirsTrusting := http.NewCrossOriginProtection(), http.NewCrossOriginProtection()
	for _, o := range []string{"https://app.shop.test", "app://localhost"} {
		if err := theirsTrusting.AddTrustedOrigin(o); err != nil {
			t.Fatal(err)
		}
	}
	refusals, checked := 0, 0
	for _, c := range combinations() {
		for ours, theirs := range map[*session.Manager]*http.CrossOriginProtection{
			strict.Manager: theirs, trusted.Manager: theirsTrusting,
		} {
			want := c.check(theirs)
			if c.differs() {
				want = true
			}
			if got := c.refusedBy(t, ours); got != want {
				t.Errorf("%+v: refused %t, want %t", c, got, want)
			}
			if checked++; want {
				refusals++
			}
		}
	}
	if checked < 10000 || refusals < checked/10 || refusals > checked*9/10 {
		t.Errorf("%d of %d refused: the combinations prove little", refusals, checked)
	}
}

// combination is what the rule depends on. Each of site and origin is a header's lines.
type combination struct {
	method, host string
	site, origin []string
}

func combinations() (all []combination) {
	sites := [][]string{nil, {""}, {"same-origin"}, {"same-site"}, {"cross-site"}, {"none"}, {"Same-Origin"}, {"later"},
		{"same-origin, same-origin"}, {"same-origin", "same-origin"}, {"none", "cross-site"}, {"", "same-origin"},
		{"cross-site", "cross-site"}}
	origins := [][]string{nil, {""}, {"null"}, {"https://shop.test"}, {"http://shop.test"}, {"https://shop.test:8443"},
		{"https://SHOP.test"}, {"https://shop.test/"}, {"https://user@shop.test"}, {"https://evil.test"},
		{"https://app.shop.test"}, {"https://app.shop.test:443"}, {"app://localhost"}, {"https://shop.test.evil.test"},
		{"https://evil.test/shop.test"}, {"//shop.test"}, {"shop.test"}, {"https://[::1]:8080"}, {"http://[::1"},
		{"https://shop.test\x00"}, {"https://%73hop.test"}, {"https://shop.test", "https://shop.test"},
		{"https://evil.test", "https://shop.test"}, {"https://shop.test/", "https://evil.test"},
		{"https://app.shop.test", "https://app.shop.test"}}
	hosts := []string{"shop.test", "shop.test:8443", "SHOP.test", "", "[::1]:8080", "localhost", "app.shop.test",
		"evil.test"}
	methods := []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "QUERY", "get", ""}
	for _, method := range methods {
		for _, host := range hosts {
			for _, site := range sites {
				for _, origin := range origins {
					all = append(all, combination{method, host, site, origin})
				}
			}
		}
	}
	return all
}

// check reports whether net/http's rule refuses it.
func (c *combination) check(p *http.CrossOriginProtection) bool {
	return p.Check(&http.Request{Method: c.method, Host: c.host,
		Header: http.Header{"Sec-Fetch-Site": c.site, "Origin": c.origin}}) != nil
}

func (c *combination) refusedBy(t *testing.T, m *session.Manager) bool {
	v := begin(t, m, "")
	v.x.method, v.x.header = c.method, map[string]string{
		"Host": c.host, "Sec-Fetch-Site": strings.Join(c.site, ", "), "Origin": strings.Join(c.origin, ", "),
	}
	v = &visit{t: t, x: v.x}
	_, _ = m.Begin(t.Context(), &v.request, &v.x)
	v.Session = v.request.Session()
	defer v.finish()
	return v.Reason() == session.ReasonCrossSite
}

// differs reports whether this is a difference from net/http: there the first line of a header counts and others are
// not looked at. Here a header that comes twice vouches for nothing, and an exchange shows several lines as one with
// commas. An Origin that nobody asks for may come as it likes.
func (c *combination) differs() bool {
	safe := c.method == "GET" || c.method == "HEAD" || c.method == "OPTIONS"
	siteTwice := strings.Contains(strings.Join(c.site, ", "), ",")
	vouched := len(c.site) == 1 && (c.site[0] == "same-origin" || c.site[0] == "none")
	return !safe && (siteTwice || len(c.origin) > 1 && !vouched)
}

func TestACrossSiteRequestIsAnAnonymousVisitors(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	w.store.Reset()
	v := crossSite(t, w.Manager, cookie)
	if v.Exists() || v.Subject() != "" || v.Handle() != "" || count.Get(v.Session) != 0 || v.Err() != nil {
		t.Errorf("exists %t, subject %q, handle %q, error %v", v.Exists(), v.Subject(), v.Handle(), v.Err())
	}
	if v.Reason() != session.ReasonCrossSite {
		t.Errorf("reason %q", v.Reason())
	}
	v.finish().succeeded().untouched()
	if n := w.store.Count(""); n != 0 {
		t.Errorf("%d store calls, want none: the cookie is not looked at", n)
	}
	if !w.saw(session.ReasonCrossSite) {
		t.Error("no event tells of it")
	}
	if v.x.response.Get("Vary") != "Cookie" {
		t.Errorf("headers %v: a response that depends on the session must say so to caches", v.x.response)
	}
}

var crossSiteWrites = map[string]func(*session.Session){
	"set":      func(s *session.Session) { count.Set(s, 9) },
	"delete":   func(s *session.Session) { count.Delete(s) },
	"update":   func(s *session.Session) { count.Update(s, addOne) },
	"login":    func(s *session.Session) { s.Login("user:evil") },
	"no login": func(s *session.Session) { s.Login("") },
	"destroy":  func(s *session.Session) { s.Destroy() },
	"renew":    func(s *session.Session) { s.Renew() },
	"clear":    func(s *session.Session) { s.Clear() },
	"touch":    func(s *session.Session) { s.Touch() },
}

func TestACrossSiteRequestCannotWrite(t *testing.T) {
	for what, write := range crossSiteWrites {
		for kind, w := range map[string]*world{
			"stored": newWorld(t, session.Options{AnonymousWhenUnavailable: true}),
			"sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
		} {
			for _, cookie := range []string{"", startElsewhere(t, w)} {
				w.events = nil
				v := crossSite(t, w.Manager, cookie)
				write(v.Session)
				if !errors.Is(v.Err(), session.ErrCrossSite) {
					t.Errorf("%s, %s: Err is %v, want ErrCrossSite", kind, what, v.Err())
				}
				if v.finish().failedWith(http.StatusForbidden); v.instead.Header["Set-Cookie"] != "" {
					t.Errorf("%s, %s: headers %v", kind, what, v.instead.Header)
				}
				v.untouched()
				if !w.saw(session.ReasonCommitFailed) {
					t.Errorf("%s, %s: nothing tells the operator", kind, what)
				}
				if n := w.countOf(t, cookie); cookie != "" && n != 1 {
					t.Errorf("%s, %s: the good session was changed: count %d", kind, what, n)
				}
			}
		}
	}
}

func TestSaveTellsOfACrossSiteRequest(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := crossSite(t, w.Manager, w.start(t))
	if err := v.Save(); err != nil {
		t.Errorf("Save of nothing: %v", err)
	}
	err := count.Try(v.Session, func(int) (int, error) { return 9, nil })
	if !errors.Is(err, session.ErrCrossSite) {
		t.Errorf("Try: %v, want ErrCrossSite", err)
	}
	if err := v.Save(); !errors.Is(err, session.ErrCrossSite) {
		t.Errorf("Save: %v, want ErrCrossSite", err)
	}
	v.finish().succeeded().untouched() // the handler has been told, and answers
	if _, err := w.RevokeOthers(t.Context(), crossSite(t, w.Manager, w.login(t, "user:1")).Session); !errors.Is(err,
		session.ErrCrossSite) {
		t.Errorf("RevokeOthers: %v, want ErrCrossSite", err)
	}
}

// A stray or hostile request is nothing to get up for at night, and nothing to overlook.
func TestARefusedCrossSiteWriteIsAWarning(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	m, err := session.New(newWorld(t, session.Options{}).store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := crossSite(t, m, "")
	v.Exists()
	v.finish()
	if log.Len() != 0 {
		t.Errorf("reading is logged: %s", log.String())
	}
	v = crossSite(t, m, "")
	v.x.facts.Path = "/pay"
	v.Login("user:1")
	v.finish()
	if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "level=WARN") ||
		!strings.Contains(line, `route="POST /pay"`) {
		t.Errorf("logged: %s", line)
	}
}

func TestACrossSiteWriteAfterTheHeadersIsReported(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := crossSite(t, w.Manager, w.start(t)).commit()
	count.Set(v.Session, 9)
	v.request.End()
	if v.untouched(); !w.saw(session.ReasonCommitFailed) {
		t.Error("nothing tells of the write that was refused")
	}
}

// Several cookies, former scopes and replaced tokens ask for cookies that nobody asked for.
func TestACrossSiteRequestOffersNoCookie(t *testing.T) {
	w, old := renewing(t, session.Options{})
	m := w.second(t, 0, session.Options{RenewAfter: 10 * time.Minute,
		Cookie: session.Cookie{Name: "id", Path: "/app", Former: []session.Scope{{}}}})
	for _, begins := range []func(*testing.T, *session.Manager, string) *visit{begin, crossSite} {
		v := begins(t, m, "")
		v.x.lines = []string{"id=" + old + "; id=malformed"}
		v.Subject()
		v.finish().succeeded()
		if n, from := len(v.x.response["Set-Cookie"]), v.x.method; (n > 0) != (from == "") {
			t.Errorf("%d cookies are set in response to %q from another site", n, from)
		}
	}
}

func TestAllowCrossSite(t *testing.T) {
	w := newWorld(t, session.Options{AllowCrossSite: true})
	v := crossSite(t, w.Manager, w.start(t))
	count.Update(v.Session, addOne)
	if v.finish().succeeded(); w.saw(session.ReasonCrossSite) || v.Reason() != "" {
		t.Error("a request was refused that Options.AllowCrossSite allows")
	}
}

func TestTrustedOriginsAreChecked(t *testing.T) {
	for _, origin := range []string{"", "null", "app.example.com", "https://", "https:app.example.com",
		"https://app.example.com/", "https://app.example.com/path", "https://app.example.com?q", "https://app.example.com#f",
		"https://user@app.example.com", "https://App.example.com", "HTTPS://app.example.com", "https://*.example.com", "*",
		"https://a.example.com,https://b.example.com", "https://app.example.com:443", "http://app.example.com:80",
		"https://app.example.com:", "https://app example.com", "https://[::1", "https://app.example.com:port"} {
		_, err := session.New(newWorld(t, session.Options{}).store, session.Options{TrustedOrigins: []string{origin}})
		if err == nil || !strings.Contains(err.Error(), "TrustedOrigins") {
			t.Errorf("%q: error %v, want one that names TrustedOrigins", origin, err)
		}
	}
	for _, origin := range []string{"https://app.example.com", "http://localhost:3000", "https://[::1]:8443",
		"capacitor://localhost", "chrome-extension://abcdefgh", "https://xn--bcher-kva.example"} {
		if _, err := session.New(newWorld(t, session.Options{}).store,
			session.Options{TrustedOrigins: []string{origin}}); err != nil {
			t.Errorf("%q: %v", origin, err)
		}
	}
	_, err := session.NewSealed(session.TemporaryKeys(), session.Options{AllowCrossSite: true,
		TrustedOrigins: []string{"https://app.example.com"}})
	if err == nil || !strings.Contains(err.Error(), "AllowCrossSite") {
		t.Errorf("both: error %v, want one that says they contradict each other", err)
	}
}

// The manager keeps what it was made with.
func TestTrustedOriginsAreCopied(t *testing.T) {
	origins := []string{"https://app.example.com"}
	w := newWorld(t, session.Options{TrustedOrigins: origins})
	origins[0] = "https://evil.test"
	if v := crossSite(t, w.Manager, ""); v.Reason() != session.ReasonCrossSite {
		t.Error("an origin was trusted that the manager was not made with")
	}
}
