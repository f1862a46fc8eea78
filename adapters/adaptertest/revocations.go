package adaptertest

import (
	"errors"
	"net/http"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

var revocations = []testCase{
	{"P27", "log out everywhere",
		"whoever changes a stolen password must be rid of the thief, though no server knows his sessions", everywhere, ""},
	{"P27", "a logout ends every copy", "a cookie that somebody has copied must not outlive the logout", everyCopy, ""},
	{"P27", "the revocations cannot be asked",
		"a session that may have been revoked must not pass, and a logout that was not noted must not look like one",
		revocationsDown, ""},
}

// revocable serves sealed sessions whose revocations are in st.store.
func (s *suite) revocable() *site {
	s.Helper()
	st := s.newSite()
	st.store = probe.New(memstore.New())
	m, err := session.NewSealed(session.TemporaryKeys(), st.observed(session.Options{Revocations: st.store}))
	if err != nil {
		s.Fatal(err)
	}
	st.start(m)
	st.on("/others", func(c *Call) error {
		ended, err := m.RevokeOthers(c.Context, c.Session)
		return errors.Join(err, c.Respond(200, itoa(ended)))
	})
	return st
}

func everywhere(s *suite) {
	st := s.revocable()
	var cookies []string
	for range 50 {
		cookies = append(cookies, st.get("/login", "").issued())
	}
	st.get("/others", cookies[0]).is(200, "-1").untouched()
	for _, cookie := range cookies[1:] {
		st.get("/read", cookie).is(200, "/0").untouched()
	}
	st.reads(cookies[0], "user:1", 0)
	if n := st.store.Count("Create") + st.store.Count("Update"); n != 1 {
		s.Errorf("%d writes, want one record for all", n)
	}
	st.reads(st.get("/login", "").issued(), "user:1", 0)
}

func everyCopy(s *suite) {
	st := s.revocable()
	cookie := st.get("/login", "").issued()
	copied := st.get("/add", cookie).is(200, "1").issued()
	st.get("/logout", cookie).is(200, "out")
	st.get("/read", copied).is(200, "/0").untouched()
	st.get("/add", copied).is(200, "1") // a session of its own
}

func revocationsDown(s *suite) {
	st := s.revocable()
	anonymous, cookie := st.begun(), st.get("/login", "").issued()
	st.store.Before(func(probe.Call) error { return errors.New("the store is down") })
	for _, path := range []string{"/read", "/add", "/logout", "/login"} {
		if a := st.get(path, cookie); a.status != http.StatusServiceUnavailable {
			s.Errorf("%s: %d %q, want a 503", path, a.status, a.body)
		} else {
			a.untouched()
		}
	}
	st.get("/unused", cookie).is(200, "unused")
	st.reads(anonymous, "", 1)
	st.store.Before(nil)
	st.reads(cookie, "user:1", 0)
}
