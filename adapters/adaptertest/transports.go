package adaptertest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var transports = []testCase{
	{"transport", "a bearer's session lives as a browser's",
		"a client that is no browser must not find half of the promises", bearerLives, ""},
	{"transport", "no cookie for a bearer, and none from it",
		"a program that gets cookies stores or sends them where nobody has thought of it", bearerWithoutCookies, ""},
	{"transport", "caches are told of the header", "a cache that looks at cookies only gives one client another's page",
		bearerCaches, ""},
	{"transport", "a planted token is dead after a login", "whoever handed it out would be logged in with its user",
		bearerFixation, ""},
	{"transport", "a renewal reaches the bearer by header",
		"parallel requests with the old token have to end up with one new one, or the client loses its session",
		bearerRenewal, ""},
	{"transport", "a token that is due hands out the new one to all", "an app asks for six things at once",
		bearerPeriodicRenewal, ""},
	{"transport", "a bearer's session expires", "a token in an app's storage must not be good for ever", bearerExpiry, ""},
	{"transport", "what comes too late for a bearer", "a new token that is not sent is a session that is lost in silence",
		bearerTooLate, ""},
	{"transport", "a failed save gives no token", "a token of a session that was not saved opens nothing",
		bearerFailures, ""},
	{"transport", "no cross-site rule for a bearer", "no page can make a browser send the header, and apps send Origin",
		bearerCrossSite, ""},
	{"transport", "hostile Authorization headers", "what is no token is an anonymous visitor's, and never an error of ours",
		hostileBearers, ""},
	{"transport", "two headers are no token", "which of the two counts must not depend on who reads them", twoBearers, ""},
	{"transport", "no token in query, form or elsewhere", "addresses end up in logs, histories and Referer headers",
		tokensElsewhere, ""},
	{"transport", "either way, and nothing mixed",
		"a cookie that counts beside a header lets a page act as somebody whom the header does not name",
		eitherTransport, ""},
	{"transport", "either way, the cross-site rule is the cookie's",
		"a site that also serves apps must not open its browsers' sessions to other sites", eitherCrossSite, ""},
	{"transport", "a guard answers a bearer", "a program follows no redirect to a login page", bearerGuard, Guards},
}

var bearer = session.Options{Transport: session.Bearer}

// carrier is a site, with what its sessions are kept in.
type carrier struct {
	*site
	stored bool // in its store; otherwise in the token
}

func (s *suite) carriers(o session.Options) []carrier {
	s.Helper()
	aead := o
	aead.Sealer = session.AEAD
	return []carrier{
		{s.stored(o), true}, {s.sealed(session.TemporaryKeys(), o), false}, {s.sealed(session.TemporaryKeys(), aead), false},
	}
}

// bear sends a GET with the token as a bearer does, or without the header if it is "".
func (st *site) bear(path, token string) *answer {
	st.s.Helper()
	if token == "" {
		return st.authorized(path)
	}
	return st.authorized(path, "Bearer "+token)
}

// authorized sends a GET with these Authorization headers.
func (st *site) authorized(path string, lines ...string) *answer {
	st.s.Helper()
	return st.sendHeader("GET", path, http.Header{"Authorization": lines})
}

func (st *site) sendHeader(method, path string, h http.Header) *answer {
	st.s.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, st.url+path, nil)
	if err != nil {
		st.s.Fatal(err)
	}
	r.Host, r.Header = shopHost, h
	return st.do(r)
}

// token returns the token that the answer gives to a bearer, and ends the case if it gives none.
func (a *answer) token() string {
	a.s.Helper()
	lines := a.header.Values("Session-Token")
	if len(lines) != 1 || lines[0] == "" || strings.ContainsAny(lines[0], " ;,=") && !strings.HasSuffix(lines[0], "=") {
		a.s.Fatalf("answer %d %q (%v): Session-Token %q, want one token", a.status, a.body, a.err, lines)
	}
	if control := a.header.Get("Cache-Control"); control != "no-store" {
		a.s.Errorf("Cache-Control %q beside a new token, want no-store", control)
	}
	return a.tokenless(lines[0])
}

// tokenless fails the case if the answer has a Session-Token other than the wanted one, or sets any cookie. It returns
// what was wanted.
func (a *answer) tokenless(wanted ...string) string {
	a.s.Helper()
	if got := a.header.Values("Session-Token"); !slices.Equal(got, wanted) {
		a.s.Errorf("answer %d %q: %d tokens, want %d", a.status, a.body, len(got), len(wanted))
	}
	if lines := a.header.Values("Set-Cookie"); len(lines) > 0 {
		a.s.Errorf("answer %d %q sets %d cookies", a.status, a.body, len(lines))
	}
	return strings.Join(wanted, "")
}

// bears fails the case unless the token opens a session of this subject and count, and the answer gives no other.
func (st *site) bears(token, subject string, n int) {
	st.s.Helper()
	st.bear("/read", token).is(200, subject+"/"+itoa(n)).tokenless()
}

func bearerLives(s *suite) {
	for _, st := range s.carriers(bearer) {
		st.bear("/unused", "").is(200, "unused").tokenless()
		st.bear("/read", "").is(200, "/0").tokenless()
		first := st.bear("/add", "").is(200, "1").token()
		st.bears(first, "", 1)
		second := first
		if a := st.bear("/add", first).is(200, "2"); st.stored {
			a.tokenless()
		} else {
			second = a.token()
		}
		st.bears(second, "", 2)
		in := st.bear("/login", second).is(200, "in").token()
		st.bears(in, "user:1", 2)
		st.authorized("/read", "bEARER   "+in).is(200, "user:1/2").tokenless()
		st.bear("/logout", in).is(200, "out").tokenless()
		if st.stored {
			st.bears(in, "", 0)
			st.bears(first, "", 0)
		}
	}
}

func bearerWithoutCookies(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/add", "").token()
		for _, h := range []http.Header{
			{"Cookie": {cookieName + "=" + token}},
			{"Cookie": {cookieName + "=" + token, cookieName + "=junk"}, "Authorization": {"Basic dTpw"}},
		} {
			st.store.Reset()
			st.sendHeader("GET", "/read", h).is(200, "/0").tokenless()
			if n := st.store.Count(""); n != 0 {
				s.Errorf("%d store calls for a cookie, want none", n)
			}
			st.sendHeader("GET", "/logout", h).is(200, "out").tokenless()
			if st.sendHeader("GET", "/add", h).is(200, "1").token() == token {
				s.Error("a cookie was taken for the bearer's token")
			}
		}
		st.bears(token, "", 1)
	}
}

func bearerCaches(s *suite) {
	for transport, fields := range map[session.Transport][]string{
		session.Bearer: {"Authorization"}, session.Either: {"Authorization", "Cookie"},
	} {
		for _, st := range s.carriers(session.Options{Transport: transport}) {
			token := st.authorized("/add", "Bearer").token()
			for what, a := range map[string]*answer{
				"with": st.bear("/read", token), "with none": st.authorized("/read", "bearer"), "plainly": st.bear("/read", ""),
			} {
				vary := strings.Join(a.header.Values("Vary"), ", ")
				if want := strings.Join(append([]string{"Origin"}, fields...), ", "); vary != want {
					s.Errorf("transport %d, asked %s: Vary %q, want %q", transport, what, vary, want)
				}
				if control := a.header.Values("Cache-Control"); len(control) != 1 || control[0] != "private" {
					s.Errorf("transport %d, asked %s: Cache-Control %q, want private", transport, what, control)
				}
			}
			st.on("/own", func(c *Call) error {
				c.SetHeader("Vary", "cookie, AUTHORIZATION")
				return c.Respond(200, itoa(count.Get(c.Session)))
			})
			if vary := st.bear("/own", token).header.Values("Vary"); len(vary) != 1 || vary[0] != "cookie, AUTHORIZATION" {
				s.Errorf("Vary %q, want what the handler has set", vary)
			}
		}
	}
}

func bearerFixation(s *suite) {
	st := s.stored(bearer)
	planted := st.bear("/add", "").token()
	in := st.bear("/login", planted).token()
	if in == planted {
		s.Error("the login keeps the token")
	}
	st.bears(planted, "", 0)
	st.bears(in, "user:1", 1)
	invented := strings.Repeat("A", len(planted))
	if got := st.bear("/login", invented).token(); got == invented {
		s.Error("a token was taken over from the client")
	}
	if !st.saw(session.ReasonSuperseded) || !st.saw(session.ReasonUnknown) {
		s.Error("no event tells of the dead token, or of the unknown one")
	}
}

func bearerRenewal(s *suite) {
	for _, st := range s.carriers(bearer) {
		st.on("/renew", func(c *Call) error { c.Session.Renew(); return c.Respond(200, "renewed") })
		old := st.bear("/login", "").token()
		fresh := st.bear("/renew", old).is(200, "renewed").token()
		st.bears(fresh, "user:1", 0)
		if fresh == old {
			s.Error("the renewal keeps the token")
		}
		if st.stored {
			st.bears(old, "", 0)
		}
	}
}

func bearerPeriodicRenewal(s *suite) {
	o := bearer
	o.RenewAfter = 10 * time.Minute
	st := s.stored(o)
	old := st.bear("/login", "").token()
	st.pass(10 * time.Minute)
	g := newGate(6)
	st.slow("/slow", g, func(v *session.Session) { count.Update(v, addOne) })
	answers := make(chan *answer)
	for range 6 {
		go func() { answers <- st.bear("/slow", old) }()
	}
	g.arrived.Wait()
	close(g.open)
	fresh := (<-answers).is(200, "done").token()
	for range 5 {
		if (<-answers).is(200, "done").token() != fresh || fresh == old {
			s.Error("parallel requests were handed different tokens, or the old one")
		}
	}
	if late := st.bear("/read", old).is(200, "user:1/6").token(); late != fresh { // as if all answers had been lost
		s.Error("the old token was handed another token than the first time")
	}
	st.bears(fresh, "user:1", 6)
	st.pass(time.Minute)
	st.bears(old, "", 0)
	if !st.saw(session.ReasonReplayed) {
		s.Error("an old token that was used after its grace was not reported")
	}
	st.bears(fresh, "user:1", 6)
}

func bearerExpiry(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/login", "").token()
		st.pass(20 * time.Minute)
		if a := st.bear("/read", token).is(200, "user:1/0"); st.stored {
			a.tokenless()
		} else {
			token = a.token() // it notes the use
		}
		st.pass(29 * time.Minute)
		if a := st.bear("/read", token).is(200, "user:1/0"); !st.stored {
			token = a.token()
		}
		st.pass(33 * time.Minute)
		st.bears(token, "", 0)
		if !st.saw(session.ReasonExpiredIdle) {
			s.Error("no event tells of the expired session")
		}
		st.bear("/add", token).is(200, "1").token()
	}
}

func bearerTooLate(s *suite) {
	for _, st := range s.carriers(bearer) {
		late := func(path string, f func(*session.Session)) {
			st.on(path, func(c *Call) error {
				err := c.Respond(200, "sent")
				f(c.Session)
				return err
			})
		}
		late("/late", func(v *session.Session) { v.Login("user:2") })
		late("/remember", func(v *session.Session) { v.SetLifetime(session.Lifetime{Persistent: session.Keep}) })
		late("/over", func(v *session.Session) { v.Destroy() })
		token := st.bear("/add", "").token()
		if a := st.bear("/late", token).is(200, "sent"); a.header.Get("Session-Token") != "" {
			continue // a framework that buffers is not late
		}
		st.eventually(func() bool { return st.saw(session.ReasonTooLate) })
		st.bears(token, "", 1)
		if st.stored { // neither needs a header here: there is no cookie to change or to delete
			st.events = nil
			st.bear("/remember", token).is(200, "sent").tokenless()
			st.bear("/over", token).is(200, "sent").tokenless()
			st.eventually(func() bool { return st.bear("/read", token).body == "/0" })
			if st.saw(session.ReasonTooLate) {
				s.Error("what needs no header was too late")
			}
		}
	}
}

func bearerFailures(s *suite) {
	st := s.stored(bearer)
	token := st.bear("/add", "").token()
	for _, method := range []string{"Create", "Update"} {
		st.failing(method)
		st.bear("/login", token).refused(503).tokenless()
		st.store.Before(nil)
		st.bears(token, "", 1)
	}
	st.failing("Load")
	st.bear("/read", token).refused(503).tokenless()
	st.store.Before(nil)
	st.on("/saved", func(c *Call) error {
		c.Session.Login("user:1")
		if err := c.Session.Save(); err != nil {
			return err
		}
		st.failing("Update")
		count.Update(c.Session, addOne)
		return c.Respond(200, "saved")
	})
	in := st.bear("/saved", token).refused(503).token() // the login was saved, and its token opens it
	st.store.Before(nil)
	st.bears(in, "user:1", 1)
}

func bearerCrossSite(s *suite) {
	for _, st := range s.carriers(bearer) {
		token := st.bear("/login", "").token()
		for _, h := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://app.test"}}, {"Origin": {"null"}},
			{"Sec-Fetch-Site": {"same-site"}, "Cookie": {cookieName + "=" + token}},
		} {
			st.sendHeader("POST", "/add", h).is(200, "1").token()
			h.Set("Authorization", "Bearer "+token)
			st.sendHeader("POST", "/read", h).is(200, "user:1/0").tokenless()
		}
		if st.saw(session.ReasonCrossSite) {
			s.Error("a bearer's request was taken for another site's")
		}
	}
}

func bearerGuard(s *suite) {
	for _, transport := range []session.Transport{session.Bearer, session.Either} {
		open, behind := s.guarded(session.Options{Transport: transport}, session.Guard{Login: "/login", Within: time.Minute})
		page := http.Header{"Accept": {acceptPages}, "Sec-Fetch-Mode": {"navigate"}}
		token := open.authorized("/login", "Bearer").token()
		for _, presented := range []string{"Bearer", "Bearer junk"} {
			page.Set("Authorization", presented)
			a := behind.sendHeader("GET", "/orders", page).is(401, "Please log in first.\n")
			if got := a.header.Get("WWW-Authenticate"); got != "Bearer" || a.header.Get("Location") != "" {
				s.Errorf("WWW-Authenticate %q, Location %q, want Bearer and none", got, a.header.Get("Location"))
			}
			if a.tokenless(); a.header.Get("Cache-Control") != "no-store" {
				s.Error("caches may keep a guard's answer")
			}
		}
		behind.bear("/orders", token).is(200, "inside").tokenless()
		page.Del("Authorization")
		want := map[session.Transport]int{session.Bearer: 401, session.Either: 303}
		if a := behind.sendHeader("GET", "/orders", page); a.status != want[transport] {
			s.Errorf("transport %d, a browser: status %d, want %d", transport, a.status, want[transport])
		}
		open.pass(time.Minute)
		stale := behind.bear("/orders", token).is(401, "Please log in again.\n")
		if stale.tokenless(); stale.header.Get("WWW-Authenticate") != "Bearer" {
			s.Error("a login that is too long ago is answered without WWW-Authenticate")
		}
	}
}
