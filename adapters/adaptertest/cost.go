package adaptertest

import (
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var cost = []testCase{
	{"P1", "unused costs nothing",
		"most requests (assets, health checks) have no business with the session and must not pay for it",
		unusedCostsNothing, ""},
	{"P2", "a read costs one load", "a session that is only looked at must not be written or sent again",
		readCostsOneLoad, ""},
	{"P3", "a write costs one more call", "round trips to the store are what sessions cost", writeCostsOneMore, ""},
	{"P4", "activity is noted sparingly", "an idle clock that writes on every request costs more than the session",
		touchIsThrottled, ""},
	{"P4", "a sealed session is kept alive", "a visitor who only reads must not be logged out for it", sealedTouch, ""},
}

func unusedCostsNothing(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.store.Reset()
	for _, path := range []string{"/unused", "/no/such/route"} {
		a := st.get(path, cookie).untouched()
		if a.header.Get("Vary") != "Origin" || a.header.Get("Cache-Control") != "" {
			s.Errorf("%s: headers %v, want neither Vary: Cookie nor Cache-Control", path, a.header)
		}
	}
	if n := st.store.Count(""); n != 0 {
		s.Errorf("%d store calls, want none", n)
	}
}

func readCostsOneLoad(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	for presented, loads := range map[string]int{cookie: 1, "": 0, "malformed": 0} {
		st.store.Reset()
		a := st.get("/read", presented).untouched()
		if a.header.Get("Vary") != "Origin, Cookie" || a.header.Get("Cache-Control") != "private" {
			s.Errorf("headers %v, want Vary: Origin, Cookie and Cache-Control: private", a.header)
		}
		if n := st.store.Count(""); n != loads {
			s.Errorf("cookie %.9q: %d store calls, want %d", presented, n, loads)
		}
	}
}

func writeCostsOneMore(s *suite) {
	st := s.stored(session.Options{})
	st.on("/same", func(c *Call) error { count.Set(c.Session, count.Get(c.Session)); return c.Respond(200, "") })
	cookie := st.begun()
	for _, c := range []struct {
		path  string
		calls int
	}{{"/add", 2}, {"/same", 1}, {"/login", 3}} {
		st.store.Reset()
		st.get(c.path, cookie)
		if n := st.store.Count(""); n != c.calls {
			s.Errorf("%s: %d store calls, want %d", c.path, n, c.calls)
		}
	}
}

func touchIsThrottled(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	for range 40 {
		st.pass(time.Minute)
		st.get("/read", cookie).is(200, "/1").untouched()
	}
	if n := st.store.Count("Touch"); n != 13 {
		s.Errorf("%d touches in 40 minutes, want one every 3", n)
	}
	st.pass(idleEnd)
	st.reads(cookie, "", 0)
}

// idleEnd is how long an unused session lives by default: the idle timeout, and the interval in which uses are not
// noted.
const idleEnd = 33 * time.Minute

func sealedTouch(s *suite) {
	st := s.sealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	cookie := st.begun()
	for range 40 {
		st.pass(time.Minute)
		a := st.get("/read", cookie).is(200, "/1")
		if fresh, _ := a.cookie(); fresh != "" {
			cookie = fresh
		}
	}
	st.pass(idleEnd)
	st.reads(cookie, "", 0)
}
