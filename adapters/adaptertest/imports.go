package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

var imports = []testCase{
	{"import", "a visitor of another system goes on",
		"a site that changes its sessions must not log everybody out", goesOn, ""},
	{"import", "the old cookie goes with the new one's arrival",
		"an old cookie that is kept is a second key, and one that goes too early logs its visitor out", oldCookieGoes, ""},
	{"import", "another system that cannot be asked",
		"a visitor whose session cannot be read at the moment is not an anonymous one", otherSystemDown, ""},
	{"mirror", "a login on either side",
		"during a migration that takes weeks people log in once, on whichever side they are", sharedLogin, ""},
	{"mirror", "a logout on either side",
		"whoever logs out must not find himself logged in on the other half of the site", sharedLogout, ""},
}

const otherCookie = "other_sid"

// otherSystem is one whose sessions are taken over or shared. It knows them by the values of its cookie.
type otherSystem struct {
	sessions map[string]string // subjects
	down     bool
}

func (o *otherSystem) open(_ context.Context, value string) (session.Foreign, error) {
	who, ok := o.sessions[value]
	switch {
	case o.down:
		return session.Foreign{}, errors.New("the other system is down")
	case !ok:
		return session.Foreign{}, session.ErrNotFound
	}
	return session.Foreign{Subject: who, Values: map[string]any{"old n": 41}}, nil
}

func (o *otherSystem) Login(_ context.Context, old string, f session.Foreign) (string, error) {
	delete(o.sessions, old)
	o.sessions["made-here"] = f.Subject
	return "made-here", nil
}

func (o *otherSystem) Logout(_ context.Context, value string) error {
	delete(o.sessions, value)
	return nil
}

func (s *suite) importing(mirrored bool) (*site, *otherSystem) {
	s.Helper()
	other := &otherSystem{sessions: map[string]string{"old": "user:1"}}
	im := session.Importer{
		Name: "other", Cookie: session.ForeignCookie{Name: otherCookie}, Open: other.open,
		Until: time.Now().Add(30 * 24 * time.Hour), Values: map[string]session.AnyKey{"old n": count},
	}
	if mirrored {
		im.Mirror = other
	}
	return s.stored(session.Options{Import: []session.Importer{im}}), other
}

// bring asks with the other system's cookie, and ours if there is one.
func (st *site) bring(path, other, own string) *answer {
	var lines []string
	if other != "" {
		lines = append(lines, otherCookie+"="+other)
	}
	if own != "" {
		lines = append(lines, cookieName+"="+own)
	}
	st.s.Helper()
	return st.ask(context.Background(), path, strings.Join(lines, "; "))
}

// other returns what the response does to the other system's cookie: its new value, or "" and whether it is deleted.
func (a *answer) other() (value string, deleted bool) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == otherCookie {
			return c.Value, c.MaxAge < 0
		}
	}
	return "", false
}

func goesOn(s *suite) {
	st, _ := s.importing(false)
	own := st.bring("/add", "old", "").is(200, "42").issued()
	st.reads(own, "user:1", 42)
	if !st.saw(session.ReasonImported) {
		s.Errorf("no event tells of the import")
	}
}

func oldCookieGoes(s *suite) {
	st, _ := s.importing(false)
	st.store.Before(func(c probe.Call) error {
		if c.Method == "Create" {
			return errors.New("the store is full")
		}
		return nil
	})
	if _, deleted := st.bring("/read", "old", "").refused(http.StatusServiceUnavailable).other(); deleted {
		s.Errorf("the import failed, and the old cookie is deleted")
	}
	st.store.Before(nil)
	a := st.bring("/read", "old", "").is(200, "user:1/41")
	if _, deleted := a.other(); !deleted {
		s.Errorf("the old cookie stays beside the new one")
	}
	again := st.bring("/read", "old", "").is(200, "user:1/41") // the answer was lost
	if again.issued() != a.issued() {
		s.Errorf("a visitor whose answer was lost gets another session")
	}
	st.get("/logout", a.issued())
	st.bring("/read", "old", "").is(200, "/0")
}

func otherSystemDown(s *suite) {
	st, other := s.importing(false)
	other.down = true
	a := st.bring("/read", "old", "").refused(http.StatusServiceUnavailable).untouched()
	if _, deleted := a.other(); deleted {
		s.Errorf("the old cookie is deleted")
	}
	st.bring("/unused", "old", "").is(200, "unused")
}

func sharedLogin(s *suite) {
	st, other := s.importing(true)
	a := st.bring("/read", "old", "").is(200, "user:1/41") // logged in over there
	if _, deleted := a.other(); deleted {
		s.Errorf("the cookie of a system that is kept in step is deleted")
	}
	a = st.get("/login", "") // and here
	value, _ := a.other()
	if a.issued(); other.sessions[value] != "user:1" {
		s.Errorf("a login here is none over there: its cookie is %q", value)
	}
}

func sharedLogout(s *suite) {
	st, other := s.importing(true)
	a := st.get("/login", "")
	value, _ := a.other()
	out := st.bring("/logout", value, a.issued())
	if _, deleted := out.other(); !deleted || other.sessions[value] != "" {
		s.Errorf("a logout here leaves the session over there, or its cookie")
	}
	a = st.get("/login", "")
	value, _ = a.other()
	delete(other.sessions, value)
	st.bring("/read", value, a.issued()).is(200, "/0")
	st.get("/read", a.issued()).is(200, "/0")
}
