package adaptertest

import (
	"bytes"
	"context"
	"net/http"
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
