package adaptertest

import (
	"context"
	"net/http"
	"slices"
	"strings"

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
	{"transport", "hostile Authorization headers",
		"what is no token is an anonymous visitor's, and never an error of ours", hostileBearers, ""},
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
	sealed := o
	sealed.Sealer = session.AEAD
	return []carrier{{s.stored(o), true}, {s.sealed(session.TemporaryKeys(), sealed), false}}
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
