package adaptertest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

var cookies = []testCase{
	{"P10", "a client's value is never adopted", "an attacker who chooses the token owns the session", neverAdopted, ""},
	{"P11", "a bad cookie is an anonymous visitor", "old, foreign and forged cookies are everyday input, not errors", badCookies, ""},
	{"P11", "several cookies of one name", "cookies of a parent domain or an old deployment must not lock a visitor out", severalCookies, ""},
	{"P12", "the store never sees a token", "a leaked store must not be a leak of logins", storeSeesNoToken, ""},
	{"hints", "a session knows where it is used", "whoever looks for a stranger among their devices needs to tell them apart", clientHints, ""},
	{"P13", "the cookie is strict", "every attribute left out is an attack left in", strictCookie, ""},
	{"P14", "an old key's cookie is re-issued", "rotating keys must not log anybody out", rotation, ""},
	{"P15", "caches are told", "a cached page with a session is somebody else's page", cachesAreTold, ""},
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
			good[:len(good)-3], string(tampered), good + "A", foreign.begun(), "x", "%00", strings.Repeat("A", 3000), `"` + good[:20] + `"`,
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
	if lines := a.header.Values("Set-Cookie"); len(lines) != 2 || !slices.Contains(lines, cookieName+"="+cookie+attributes) || !slices.Contains(lines, "theme=dark") {
		s.Errorf("Set-Cookie %q, want the session's own with %q and the handler's", lines, attributes)
	}
	deleting := st.get("/logout", cookie).header.Get("Set-Cookie")
	if want := cookieName + "=" + attributes + "; Max-Age=0"; deleting != want {
		s.Errorf("Set-Cookie %q, want %q", deleting, want)
	}
	insecure := s.stored(session.Options{InsecureHTTP: true})
	if line := insecure.get("/add", "").header.Get("Set-Cookie"); !strings.HasPrefix(line, "id") || strings.Contains(line, "Secure") {
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
	if vary := strings.Join(a.header.Values("Vary"), ", "); !strings.Contains(vary, "Cookie") || !strings.Contains(vary, "Accept-Language") {
		s.Errorf("Vary %q, want both Accept-Language and Cookie", vary)
	}
	if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "public, max-age=60" {
		s.Errorf("Cache-Control %q, want what the handler set", control)
	}
	if control := st.get("/add", "").header.Values("Cache-Control"); len(control) != 1 || control[0] != "no-store" {
		s.Errorf("Cache-Control %q on a response that carries a session, want no-store", control)
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
