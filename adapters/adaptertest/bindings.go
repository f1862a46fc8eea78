package adaptertest

import (
	"net/http"
	"net/netip"

	session "github.com/coatcheck/coatcheck/core"
)

var bindings = []testCase{
	{"binding", "another browser under each policy",
		"whoever has copied a token rarely copies what browser it came from", boundToBrowser, ""},
	{"binding", "the owner behind a trusted proxy",
		"a proxy stands between all visitors and the site, and is none of them", boundBehindProxy, ""},
	{"binding", "X-Forwarded-For from a thief", "anybody can write into it where the owner is",
		boundAgainstForwarding, ""},
	{"binding", "a thief leaves the owner's session alone",
		"a refused token must not be good for logging its owner out, or for writing into his session", boundThief, ""},
	{"binding", "sessions that nobody has noted pass", "switching it on must not log everybody out", boundToNothing, ""},
	{"binding", "a bearer is bound as a browser is", "a token is copied from an app as well as from a browser",
		boundBearer, ""},
}

const (
	ownersAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	thiefsAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36"
)

// as asks for a path as a client that sends this agent and, unless it is "", X-Forwarded-For.
func (st *site) as(agent, forwarded, path, cookie string) *answer {
	st.s.Helper()
	h := http.Header{"User-Agent": {agent}}
	if forwarded != "" {
		h.Set("X-Forwarded-For", forwarded)
	}
	if cookie != "" {
		h.Set("Cookie", cookieName+"="+cookie)
	}
	return st.sendHeader("GET", path, h)
}

func boundToBrowser(s *suite) {
	for policy, want := range map[session.BindingPolicy]struct {
		thief, owner string
		event        bool
	}{
		session.Ignore: {"user:1/0", "user:1/0", false},
		session.Report: {"user:1/0", "user:1/0", true},
		session.Refuse: {"/0", "user:1/0", true},
		session.End:    {"/0", "/0", true},
	} {
		o := session.Options{Binding: session.Binding{Agent: policy}}
		sites := []*site{s.stored(o)}
		if policy == session.Refuse {
			sites = append(sites, s.sealed(session.TemporaryKeys(), o))
		}
		for _, st := range sites {
			cookie := st.as(ownersAgent, "", "/login", "").is(200, "in").issued()
			st.as(ownersAgent, "", "/read", cookie).is(200, "user:1/0").untouched()
			if st.saw(session.ReasonOtherClient) {
				s.Errorf("policy %d: the owner is taken for somebody else", policy)
			}
			st.as(thiefsAgent, "", "/read", cookie).is(200, want.thief).untouched()
			if st.saw(session.ReasonOtherClient) != want.event {
				s.Errorf("policy %d: an event tells of the thief: %t, want %t", policy, !want.event, want.event)
			}
			st.as(ownersAgent, "", "/read", cookie).is(200, want.owner)
		}
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func boundBehindProxy(s *suite) {
	o := session.Options{TrustedProxies: loopback, Binding: session.Binding{Network: session.Refuse}}
	for _, st := range []*site{s.stored(o), s.sealed(session.TemporaryKeys(), o)} {
		cookie := st.as(ownersAgent, "203.0.113.7", "/login", "").is(200, "in").issued()
		st.as(ownersAgent, "203.0.113.7", "/read", cookie).is(200, "user:1/0").untouched()
		st.as(ownersAgent, "203.0.113.99, 127.0.0.9", "/read", cookie).is(200, "user:1/0").untouched()
		st.as(ownersAgent, "198.51.100.9", "/read", cookie).is(200, "/0").untouched()
		st.as(ownersAgent, "", "/read", cookie).is(200, "/0").untouched() // the proxy's own
	}
}

func boundAgainstForwarding(s *suite) {
	for _, trusted := range [][]netip.Prefix{nil, loopback} {
		st := s.stored(session.Options{TrustedProxies: trusted, Binding: session.Binding{Network: session.Refuse}})
		cookie := st.as(ownersAgent, "203.0.113.7", "/login", "").is(200, "in").issued()
		want := "/0"
		if trusted == nil { // then the header tells nothing, of the owner either, and all come from this machine
			want = "user:1/0"
		}
		for _, forwarded := range []string{
			"203.0.113.7, 198.51.100.9", "203.0.113.7,,198.51.100.9", "203.0.113.7, junk", "203.0.113.7\t198.51.100.9",
		} {
			st.as(ownersAgent, forwarded, "/read", cookie).is(200, want).untouched()
		}
	}
}

func boundThief(s *suite) {
	o := session.Options{Binding: session.Binding{Agent: session.Refuse}}
	for _, st := range []*site{s.stored(o), s.sealed(session.TemporaryKeys(), o)} {
		cookie := st.as(ownersAgent, "", "/login", st.as(ownersAgent, "", "/add", "").issued()).is(200, "in").issued()
		st.on("/renew", func(c *Call) error { c.Session.Renew(); c.Session.Touch(); return c.Respond(200, "renewed") })
		for _, path := range []string{"/logout", "/renew", "/read", "/add", "/login"} {
			a, want := st.as(thiefsAgent, "", path, cookie), 200
			if path == "/add" { // a session of its own would take the cookie's place
				want = 409
			}
			switch own, deleted := a.cookie(); {
			case a.status != want || deleted || own == cookie || (own != "") != (path == "/login"):
				s.Errorf("%s: answer %d %q, cookie %t, deleted %t", path, a.status, a.body, own != "", deleted)
			case own != "":
				st.as(thiefsAgent, "", "/read", own).is(200, "user:1/0")
			}
			st.as(ownersAgent, "", "/read", cookie).is(200, "user:1/1").untouched()
		}
	}
}

func boundToNothing(s *suite) {
	before := s.stored(session.Options{})
	cookie := before.as(ownersAgent, "", "/login", "").issued()
	after := s.newSite()
	after.store = before.store
	m, err := session.New(after.store, after.observed(session.Options{
		Binding: session.Binding{Agent: session.End, Network: session.End},
	}))
	if err != nil {
		s.Fatal(err)
	}
	after.start(m)
	after.as(thiefsAgent, "", "/read", cookie).is(200, "user:1/0").untouched()
	if after.saw(session.ReasonOtherClient) {
		s.Error("an event tells of a client that nobody has noted")
	}
}

func boundBearer(s *suite) {
	st := s.stored(session.Options{
		Transport: session.Either, Binding: session.Binding{Agent: session.Refuse, Network: session.Report},
	})
	with := func(agent, path, token string) *answer {
		return st.sendHeader("GET", path, http.Header{"User-Agent": {agent}, "Authorization": {"Bearer " + token}})
	}
	token := with("app/1.0", "/login", "").token()
	with("app/1.1", "/read", token).is(200, "user:1/0").tokenless()
	with("curl/8.14", "/read", token).is(200, "/0").tokenless()
	with("curl/8.14", "/logout", token).is(200, "out").tokenless()
	with("app/1.0", "/read", token).is(200, "user:1/0").tokenless()
}
