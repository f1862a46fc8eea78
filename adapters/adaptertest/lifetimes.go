package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var lifetimes = []testCase{
	{"P24", "remember me, forget me",
		"a browser that closes must find the remembered visitor's cookie, and must not find an ordinary one's",
		remembering, ""},
	{"P24", "cookie and session end together",
		"a cookie that outlives its session is a login page out of nowhere, and the other way round is a forgotten visitor",
		endTogether, ""},
	{"P24", "a straggler's lifetime reaches the new cookie",
		"a request sent with the old token may not know the new one, so the next answer has to tell the browser",
		stragglersLifetime, ""},
	{"P19", "a late lifetime",
		"a change of persistence that the browser is not told of would end its session early, or never", lateLifetime, ""},
	{"P26", "a session says what the response leaves",
		"a page that shows until when the visitor is logged in must be right about its own effect", saysWhatItLeaves, ""},
}

const day = 24 * time.Hour

var remembered = session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep}

const ordinaryCookie = "Path=/; HttpOnly; Secure; SameSite=Lax"

// lasting makes a path set a lifetime.
func (st *site) lasting(path string, l session.Lifetime) {
	st.on(path, func(c *Call) error { c.Session.SetLifetime(l); return c.Respond(200, "set") })
}

// attributes are those of the session's cookie in the answer; "" if it sets none.
func (a *answer) attributes() string {
	a.s.Helper()
	_, _ = a.cookie() // fails the case if there are several
	for _, line := range a.header.Values("Set-Cookie") {
		if value, ours := strings.CutPrefix(line, cookieName+"="); ours {
			_, attributes, _ := strings.Cut(value, "; ")
			return attributes
		}
	}
	return ""
}

func remembering(s *suite) {
	st := s.stored(session.Options{})
	st.lasting("/remember", remembered)
	st.lasting("/forget", session.Lifetime{})
	st.lasting("/longer", session.Lifetime{Idle: time.Hour})
	cookie := st.get("/login", "").issued()
	for _, step := range []struct{ path, attributes string }{
		{"/longer", ""}, {"/remember", ordinaryCookie + "; Max-Age=7776000"}, {"/remember", ""},
		{"/forget", ordinaryCookie}, {"/forget", ""}, {"/remember", ordinaryCookie + "; Max-Age=7776000"},
	} {
		a := st.get(step.path, cookie).is(200, "set")
		if value, _ := a.cookie(); a.attributes() != step.attributes || value != "" && value != cookie {
			s.Errorf("%s sets %q, want the same token with %q", step.path, a.header["Set-Cookie"], step.attributes)
		}
	}
	st.pass(29 * day)
	st.reads(cookie, "user:1", 0)
}

// endTogether tries every combination with a browser of its own, and looks at what its jar holds.
func endTogether(s *suite) {
	for _, persistent := range []bool{false, true} {
		o := session.Options{Cookie: session.Cookie{Persistent: persistent}}
		for _, st := range []*site{s.stored(o), s.sealed(session.TemporaryKeys(), o)} {
			st.telling()
			for _, idle := range []time.Duration{0, time.Hour} {
				for _, absolute := range []time.Duration{0, 10 * day} {
					for keep := session.Persistence(0); keep <= session.EndWithBrowser; keep++ {
						for basis := session.Basis(0); basis <= session.LastChange; basis++ {
							st.compareJar(session.Lifetime{Idle: idle, Absolute: absolute, Persistent: keep, Basis: basis}, persistent)
						}
					}
				}
			}
		}
	}
}

// compareJar gives a visitor a lifetime, takes it back, and gives it again.
func (st *site) compareJar(l session.Lifetime, persistent bool) {
	st.s.Helper()
	j := &jar{st: st}
	j.get("/login")
	st.lasting("/own", l)
	st.lasting("/ordinary", session.Lifetime{})
	for _, path := range []string{"/own", "/ordinary", "/own", "/login"} {
		st.pass(time.Minute)
		if j.get(path); path == "/ordinary" {
			j.compare(path, session.Lifetime{}, persistent)
			continue
		}
		j.compare(path, l, persistent)
	}
}

// jar is one browser.
type jar struct {
	st    *site
	value string
	ends  time.Time // zero: when it closes
}

func (j *jar) get(path string) *answer {
	j.st.s.Helper()
	a := j.st.get(path, j.value)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == cookieName {
			if j.value, j.ends = c.Value, (time.Time{}); c.MaxAge > 0 {
				j.ends = j.st.clock().Truncate(time.Millisecond).Add(time.Duration(c.MaxAge) * time.Second)
			}
		}
	}
	return a
}

// compare fails the case unless the jar's cookie ends with the session, to the second.
func (j *jar) compare(after string, l session.Lifetime, persistent bool) {
	j.st.s.Helper()
	var i session.Info
	if err := json.Unmarshal([]byte(j.get("/info").body), &i); err != nil {
		j.st.s.Fatal(err)
	}
	want := l.Persistent == session.Keep || l.Persistent == 0 && persistent
	if i.Persistent != want || want == j.ends.IsZero() {
		j.st.s.Errorf("%s, %+v: the cookie outlives the browser: %t, Info says %t, want %t",
			after, l, !j.ends.IsZero(), i.Persistent, want)
	}
	if early := i.Deadline.Sub(j.ends); want && (early < 0 || early >= time.Second) {
		j.st.s.Errorf("%s, %+v: the cookie ends at %v, the session at %v", after, l, j.ends, i.Deadline)
	}
}

func (st *site) clock() time.Time {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.now
}

// telling makes /info answer with what the session knows of itself.
func (st *site) telling() {
	st.on("/info", func(c *Call) error {
		told, err := json.Marshal(c.Session.Info())
		if err != nil {
			return err
		}
		return c.Respond(200, string(told))
	})
}

func stragglersLifetime(s *suite) {
	st := s.stored(session.Options{})
	g := newGate(1)
	st.slow("/slow", g, func(v *session.Session) { v.SetLifetime(remembered) })
	st.on("/renew", func(c *Call) error { c.Session.Renew(); return c.Respond(200, "renewed") })
	old := st.get("/login", "").issued()
	release := st.inFlight("/slow", old, 1, g)
	fresh := st.get("/renew", old).is(200, "renewed").issued()
	release()[0].is(200, "done").untouched()
	a := st.get("/read", fresh).is(200, "user:1/0")
	if a.attributes() != ordinaryCookie+"; Max-Age=7776000" || a.issued() != fresh {
		s.Errorf("the next answer sets %q, want the live token to last", a.header["Set-Cookie"])
	}
	st.get("/read", fresh).is(200, "user:1/0").untouched()
}

func lateLifetime(s *suite) {
	st := s.stored(session.Options{})
	st.telling()
	cookie := st.get("/login", "").issued()
	for path, l := range map[string]session.Lifetime{"/remember": remembered, "/longer": {Idle: 2 * time.Hour}} {
		st.on(path, func(c *Call) error {
			err := c.Respond(200, "sent")
			c.Session.SetLifetime(l)
			return err
		})
	}
	st.get("/longer", cookie).is(200, "sent").untouched()
	st.eventually(func() bool {
		var i session.Info
		return json.Unmarshal([]byte(st.ask(context.Background(), "/info", cookieName+"="+cookie).body), &i) == nil &&
			i.ExpiresAt.Sub(st.clock()) > time.Hour
	})
	if a := st.get("/remember", cookie).is(200, "sent"); a.attributes() == "" { // a framework that buffers is not late
		st.eventually(func() bool { return st.saw(session.ReasonTooLate) })
		if told := st.get("/info", cookie).body; !strings.Contains(told, `"Persistent":false`) {
			s.Errorf("the session is persistent and the browser was not told: %s", told)
		}
	}
}

func saysWhatItLeaves(s *suite) {
	st := s.stored(session.Options{})
	st.on("/say", func(c *Call) error {
		c.Session.Login("user:1")
		c.Session.SetLifetime(remembered)
		i := c.Session.Info()
		return c.Respond(200, fmt.Sprintf("%s %t %d %t", i.Subject, i.Persistent, i.Deadline.Sub(i.Authenticated)/day,
			c.Session.AuthenticatedWithin(time.Minute)))
	})
	st.get("/say", st.begun()).is(200, "user:1 true 90 true")
	list, err := st.manager.List(s.Context(), "user:1")
	if err != nil || len(list) != 1 || !list[0].Persistent || list[0].Deadline.Sub(list[0].Authenticated) != 90*day {
		s.Errorf("List says %+v (%v)", list, err)
	}
}
