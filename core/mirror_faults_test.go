package session_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// withOptions is newTogether with one other system and options of ours.
func withOptions(t *testing.T, o session.Options) *together {
	t.Helper()
	w := &together{t: t, jar: map[string]string{}, others: []*twin{{name: "flask", sessions: map[string]string{}}}}
	o.Import = []session.Importer{w.others[0].importer()}
	w.world = newWorld(t, o)
	return w
}

// oneWay is a world whose only importer is no mirror.
func oneWay(t *testing.T) *together {
	t.Helper()
	w := &together{t: t, jar: map[string]string{}, others: []*twin{{name: "flask", sessions: map[string]string{}}}}
	im := w.others[0].importer()
	im.Mirror = nil
	w.world = newWorld(t, session.Options{Import: []session.Importer{im}})
	return w
}

// there logs somebody in at the other system, under this value of its cookie.
func (w *together) there(value, who string) { w.others[0].sessions[value] = who }

// subjectWith is who a visitor is that presents these cookies, whose browser keeps nothing of the answer.
func (w *together) subjectWith(pairs ...string) (who string) {
	w.t.Helper()
	v := begin(w.t, w.Manager, "")
	v.x.lines = []string{strings.Join(pairs, "; ")}
	who = v.Subject()
	v.finish()
	return who
}

func (w *together) own() string { return cookieName + "=" + w.jar[cookieName] }

// wants fails the test unless this is who the browser is here.
func (w *together) wants(who, when string) {
	w.t.Helper()
	w.visit(func(s *session.Session) {
		if got := s.Subject(); got != who {
			w.t.Errorf("%s the browser is %q, want %q", when, got, who)
		}
	})
}

// What is revoked without its visitor does not come back through the cookie of the system that shared it.
func TestRevokedStaysAwayThroughMirror(t *testing.T) {
	for what, end := range map[string]func(*together) error{
		"Revoke": func(w *together) error {
			handle := ""
			w.visit(func(s *session.Session) { handle = s.Handle() })
			return w.Revoke(t.Context(), "ann", handle)
		},
		"RevokeLabel": func(w *together) error { _, err := w.RevokeLabel(t.Context(), "idp"); return err },
		"Edit": func(w *together) error {
			_, err := w.Edit(t.Context(), "ann", (*session.Session).Destroy)
			return err
		},
	} {
		for _, sealed := range []bool{false, true} {
			if sealed && what == "Edit" {
				continue
			}
			w := newTogether(t, sealed, "flask")
			w.others[0].sealed = true
			w.visit(func(s *session.Session) { s.Login("ann", session.Label("idp")) }).succeeded()
			if err := end(w); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				w.wants("", fmt.Sprintf("after %s, sealed %t,", what, sealed))
				w.now = w.now.Add(6 * time.Minute)
			}
		}
	}
}

// Who is put out by a login elsewhere, or revoked, is logged out at the other system with his next request, which takes
// the cookie away: nobody has been told before, so no other one is on its way.
func TestRevokedIsLoggedOutThere(t *testing.T) {
	for what, end := range map[string]func(*together){
		"eviction": func(w *together) {
			mine := w.jar
			w.jar = map[string]string{}
			w.now = w.now.Add(time.Minute)
			w.visit(login("ann")).succeeded()
			w.jar = mine
		},
		"RevokeAll": func(w *together) {
			w.now = w.now.Add(time.Minute)
			if _, err := w.RevokeAll(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		w := withOptions(t, session.Options{MaxPerSubject: 1})
		w.visit(login("ann")).succeeded()
		value := w.jar["flask"]
		end(w)
		w.wants("", "after "+what)
		if _, lives := w.others[0].sessions[value]; lives || w.jar["flask"] != "" {
			t.Errorf("after %s: over there the session lives %t, its cookie is %q", what, lives, w.jar["flask"])
		}
	}
}

// A logout is one over there whenever in a request it comes.
func TestLateLogoutIsOneThere(t *testing.T) {
	for what, logout := range map[string]func(*visit){
		"after the first byte":            func(v *visit) { v.commit(); v.Destroy() },
		"after a Save":                    func(v *visit) { v.Login("ann"); _ = v.Save(); v.Destroy() },
		"after the first byte of a login": func(v *visit) { v.Login("ann"); v.commit(); v.Destroy(); _ = v.Save() },
	} {
		w := newTogether(t, false, "flask")
		w.visit(login("ann")).succeeded()
		v := begin(t, w.Manager, w.jar[cookieName])
		v.x.lines = append(v.x.lines, "flask="+w.jar["flask"])
		_ = v.Subject()
		logout(v)
		w.keep(v.finish())
		if got := w.others[0].sessions; len(got) > 0 {
			t.Errorf("a logout %s leaves %v over there", what, got)
		}
	}
}

func TestBearerDoesNotUseWhatIsShared(t *testing.T) {
	w := withOptions(t, session.Options{Transport: session.Either})
	w.visit(login("ann")).succeeded()
	v := begin(t, w.Manager, "")
	v.x.header = map[string]string{"Authorization": "Bearer " + w.jar[cookieName]}
	v.request = session.Request{}
	w.Begin(t.Context(), &v.request, &v.x)
	v.Session = v.request.Session()
	if got := v.Subject(); got != "" || v.Reason() != session.ReasonOtherClient {
		t.Errorf("a bearer without the other system's cookie is %q, reason %q", got, v.Reason())
	}
	v.Destroy()
	v.finish()
	w.is("ann")
}

// Two cookies of ours are no way around the other system's word.
func TestSecondCookieOfOursDoesNotSkipMirror(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	first := w.own()
	w.jar = map[string]string{}
	w.visit(login("ann")).succeeded()
	clear(w.others[0].sessions)
	if got := w.subjectWith(first, w.own()); got != "" {
		t.Errorf("with two cookies of sessions that are over there, the visitor is %q", got)
	}
}

// What a login that fails has tried changes nothing, here or there.
func TestFailedLoginChangesNothing(t *testing.T) {
	for what, w := range map[string]*together{
		"too large": withOptions(t, session.Options{MaxSize: 4096}),
		"store":     withOptions(t, session.Options{}),
		"limit":     withOptions(t, session.Options{MaxPerSubject: 1, AtLimit: session.RefuseLogin}),
	} {
		w.visit(login("bob")).succeeded()
		w.jar = map[string]string{}
		w.visit(login("ann")).succeeded()
		before := maps.Clone(w.others[0].sessions)
		who := map[string]string{"limit": "bob"}[what]
		if who == "" {
			who = "ann"
		}
		if what == "store" {
			w.store.Before(fail("Create"))
		}
		v := w.visit(func(s *session.Session) {
			if s.Login(who); what == "too large" {
				name.Set(s, strings.Repeat("x", 8000))
			}
		})
		if w.store.Before(nil); v.ok {
			t.Errorf("%s: the login has succeeded", what)
		}
		if w.is("ann"); !maps.Equal(w.others[0].sessions, before) {
			t.Errorf("%s: over there are %v, before the login that failed there were %v", what, w.others[0].sessions, before)
		}
		if got := w.subjectWith("flask=" + w.jar["flask"]); got != "ann" && what != "limit" { // ann has one session
			t.Errorf("%s: the other system's cookie opens %q after a login that failed", what, got)
		}
	}
}

// That the old session over there cannot be ended is no reason to fail a login that has succeeded.
func TestLoginSucceedsThoughTheOldOneStaysThere(t *testing.T) {
	w := withOptions(t, session.Options{})
	w.visit(login("ann")).succeeded()
	old := w.jar["flask"]
	w.others[0].noLogout = true
	w.visit(login("bob")).succeeded()
	w.is("bob")
	if got := w.subjectWith("flask=" + old); got != "" {
		t.Errorf("the old session over there is taken over as %q's", got)
	}
	if !w.saw(session.ReasonCommitFailed) {
		t.Errorf("nobody is told that the old session could not be ended: %v", w.reasons())
	}
}

// A request that was loaded before a login here must not end what the login made.
func TestReadInFlightSparesALoginHere(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	slow := w.open()
	w.others[0].beforeOpen = func() {
		w.others[0].beforeOpen = nil
		w.visit(login("ann")).succeeded()
	}
	if got := slow.Subject(); got != "" {
		t.Errorf("the request that was overtaken is %q", got)
	}
	w.keep(slow.finish())
	w.is("ann")
}

// A sealed session keeps its handle over a login, and with it what it would be made of once more.
func TestLoginGoesOnAfterOneThere(t *testing.T) {
	for _, mirrored := range []bool{true, false} {
		w := newTogether(t, true, "flask")
		w.others[0].sealed = true
		if im := w.others[0].importer(); !mirrored {
			im.Mirror = nil
			w.world = newRevocable(t, session.Options{Import: []session.Importer{im}})
		}
		w.there("there", "ann")
		w.jar["flask"] = "there"
		w.visit(func(s *session.Session) { _ = s.Subject(); s.Login("ann") }).succeeded()
		w.wants("ann", "after a login there and one here")
		w.jar["flask"] = "there"
		w.visit(login("ann")).succeeded()
		w.wants("ann", "after one more login here")
		w.visit((*session.Session).Destroy).succeeded()
		if got := w.subjectWith("flask=there"); got != "" {
			t.Errorf("after the logout a copy of the cookie from over there opens %q", got)
		}
	}
}

// A cookie planted by somebody else must not make the visitor that somebody.
func TestPlantedCookieIsNoLogin(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	mine := "flask=" + w.jar["flask"]
	w.there("evil", "eve")
	w.there("good", "ann")
	if got := w.subjectWith(w.own(), "flask=evil", mine); got != "ann" {
		t.Errorf("beside a planted cookie ann is %q", got)
	}
	if got := w.subjectWith(w.own(), "flask=evil", "flask=none"); got != "eve" {
		t.Errorf("where only eve is logged in over there, the visitor is %q", got)
	}
	w.jar = map[string]string{}
	w.visit(func(s *session.Session) { items.Set(s, []string{"coat"}) }).succeeded()
	if got := w.subjectWith(w.own(), "flask=evil", "flask=good"); got != "" {
		t.Errorf("two logins over there make the visitor %q", got)
	}
	if !w.saw(session.ReasonAmbiguous) {
		t.Errorf("no event of that: %v", w.reasons())
	}
}

// One way, nobody looks at the other system's cookie while there is a session here. A login and a logout here close it.
func TestNeglectedCookieIsClosed(t *testing.T) {
	for what, during := range map[string]func(*session.Session){
		"login as ann": login("ann"), "login as bob": login("bob"), "logout": (*session.Session).Destroy,
	} {
		w := oneWay(t)
		w.visit(func(s *session.Session) { items.Set(s, []string{"coat"}) }).succeeded()
		w.there("there", "ann")
		w.jar["flask"] = "there"
		w.visit(during).succeeded()
		if w.jar["flask"] != "" {
			t.Errorf("%s: the browser keeps the other system's cookie", what)
		}
		if got := w.subjectWith("flask=there"); got != "" {
			t.Errorf("%s: a copy of the other system's cookie opens %q", what, got)
		}
	}
}

// Where the other system cannot be asked, that keeps nobody from logging in or out here.
func TestNeglectedCookieGoesUnread(t *testing.T) {
	w := oneWay(t)
	w.visit(func(s *session.Session) { items.Set(s, []string{"coat"}) }).succeeded()
	w.jar["flask"], w.others[0].down = "there", true
	w.visit(login("ann")).succeeded()
	if w.jar["flask"] != "" || !w.saw(session.ReasonCommitFailed) {
		t.Errorf("cookie %q, events %v", w.jar["flask"], w.reasons())
	}
}

// A logout ends all that the visitor's cookies open over there.
func TestLogoutEndsSecondCookieThere(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	w.there("second", "ann")
	v := begin(t, w.Manager, w.jar[cookieName])
	v.x.lines = append(v.x.lines, "flask="+w.jar["flask"]+"; flask=second")
	v.Destroy()
	v.finish().succeeded()
	w.there("second", "ann") // as with a sealed cookie
	if got := w.subjectWith("flask=second"); got != "" {
		t.Errorf("after the logout the second cookie opens %q", got)
	}
}

// A request whose session the other system has ended may not put one of its own in a login's place.
func TestWriteAfterLogoutThereSparesALogin(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	clear(w.others[0].sessions)
	slow := w.open()
	_ = slow.Subject()
	w.visit(login("ann")).succeeded()
	count.Set(slow.Session, 1)
	slow.finish().untouched()
	w.keep(slow)
	w.is("ann")
}

// After the headers a login does not happen, here or there.
func TestLateLoginAfterLogoutIsNoneThere(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	v := w.open()
	_ = v.Subject()
	v.commit()
	v.Destroy()
	v.Login("bob")
	if err := v.Save(); err == nil {
		t.Error("a login after the headers was saved")
	}
	v.request.End()
	logins := slices.DeleteFunc(w.reasons(), func(r session.Reason) bool { return r != session.ReasonLogin })
	if len(w.others[0].sessions) > 0 || len(logins) != 1 {
		t.Errorf("over there are %v, and there are %d events of a login", w.others[0].sessions, len(logins))
	}
}

// A store that takes nothing any more keeps nobody logged in.
func TestLogoutInAFullStore(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	w.store.Before(fail("Create", "Update"))
	w.visit((*session.Session).Destroy).succeeded()
	w.wants("", "after a logout in a full store")
}

// A session here that its visitor cannot be asked about over there would end with each link from another site.
func TestMirrorsCookieIsSentWithOurs(t *testing.T) {
	ours := session.Cookie{Domain: "app.example.com", Path: "/shop"}
	for what, c := range map[string]struct {
		cookie session.ForeignCookie
		ours   session.Cookie
		wrong  string
	}{
		"as ours":         {session.ForeignCookie{Domain: "app.example.com", Path: "/shop"}, ours, ""},
		"wider":           {session.ForeignCookie{Domain: "Example.com"}, ours, ""},
		"a slash":         {session.ForeignCookie{Domain: "example.com", Path: "/shop/"}, ours, "Path"},
		"another path":    {session.ForeignCookie{Domain: "example.com", Path: "/sh"}, ours, "Path"},
		"this host only":  {session.ForeignCookie{}, ours, "Domain"},
		"a subdomain":     {session.ForeignCookie{Domain: "x.app.example.com"}, ours, "Domain"},
		"another's end":   {session.ForeignCookie{Domain: "pp.example.com"}, ours, "Domain"},
		"both strict":     {strict(), session.Cookie{SameSite: http.SameSiteStrictMode}, ""},
		"strict, not lax": {strict(), session.Cookie{}, "SameSite"},
		"lax, not none":   {session.ForeignCookie{}, session.Cookie{SameSite: http.SameSiteNoneMode}, "SameSite"},
	} {
		other := &twin{name: "flask"}
		im := other.importer()
		c.cookie.Name, im.Cookie = "flask", c.cookie
		im.Cookie.Name = "flask"
		_, err := session.New(probe.New(nil), session.Options{Cookie: c.ours, Import: []session.Importer{im}})
		if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), "its "+c.wrong+" keeps") {
			t.Errorf("%s: error is %v", what, err)
		}
		im.Mirror = nil
		_, err = session.New(probe.New(nil), session.Options{Cookie: c.ours, Import: []session.Importer{im}})
		if err != nil {
			t.Errorf("%s: without a mirror: %v", what, err)
		}
	}
}

func strict() session.ForeignCookie { return session.ForeignCookie{SameSite: http.SameSiteStrictMode} }

// reasons are those of the events so far.
func (w *together) reasons() (all []session.Reason) {
	for _, e := range w.events {
		all = append(all, e.Reason)
	}
	return all
}
