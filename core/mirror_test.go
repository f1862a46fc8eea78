package session_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// twin is another system that is kept in step. It knows its sessions by the values of its cookie.
type twin struct {
	name     string
	sessions map[string]string // subjects by cookie
	values   map[string]any    // of the last login
	calls    []string
	down     bool
	sealed   bool // its sessions are in its cookies, which nobody can end
	made     int

	noLogout   bool
	beforeOpen func()
}

func (s *twin) open(_ context.Context, value string) (session.Foreign, error) {
	if s.beforeOpen != nil {
		s.beforeOpen()
	}
	who, ok := s.sessions[value]
	switch {
	case s.down:
		return session.Foreign{}, errDown
	case !ok:
		return session.Foreign{}, session.ErrNotFound
	}
	return session.Foreign{ID: value, Subject: who, Values: map[string]any{"lang": "de"}}, nil
}

func (s *twin) Login(_ context.Context, _ string, f session.Foreign) (string, error) {
	s.calls = append(s.calls, "login")
	switch {
	case s.down:
		return "", errDown
	case f.Subject == "stranger":
		return "", fmt.Errorf("look up: %w", session.ErrNotFound)
	}
	s.made++
	s.values = f.Values
	value := fmt.Sprintf("%s-made-%d", s.name, s.made)
	s.sessions[value] = f.Subject
	return value, nil
}

func (s *twin) Logout(_ context.Context, value string) error {
	s.calls = append(s.calls, "logout")
	if s.down || s.noLogout {
		return errDown
	}
	s.end(value)
	return nil
}

func (s *twin) end(value string) {
	if !s.sealed {
		delete(s.sessions, value)
	}
}

func (s *twin) importer() session.Importer {
	return session.Importer{
		Name: s.name, Cookie: session.ForeignCookie{Name: s.name}, Open: s.open, Mirror: s,
		Until: time.Now().Add(30 * 24 * time.Hour), Values: map[string]session.AnyKey{"lang": name},
	}
}

// together is a manager of ours that is kept in step with others, and a browser.
type together struct {
	*world
	t      *testing.T
	sealed bool
	others []*twin
	jar    map[string]string
}

func newTogether(t *testing.T, sealed bool, names ...string) *together {
	t.Helper()
	w := &together{t: t, sealed: sealed, jar: map[string]string{}}
	var o session.Options
	for _, n := range names {
		other := &twin{name: n, sessions: map[string]string{}}
		w.others = append(w.others, other)
		o.Import = append(o.Import, other.importer())
	}
	if w.world = newWorld(t, o); sealed {
		w.world = newRevocable(t, o)
	}
	return w
}

// visit is a request of the browser, which keeps what the response says of cookies.
func (w *together) visit(f func(*session.Session)) *visit {
	w.t.Helper()
	return w.keep(w.begin(f))
}

// begin is a request whose response has yet to come.
func (w *together) begin(f func(*session.Session)) *visit {
	w.t.Helper()
	v := w.open()
	f(v.Session)
	return v.finish()
}

// open is a request that has just come.
func (w *together) open() *visit {
	w.t.Helper()
	v := begin(w.t, w.Manager, "")
	for name, value := range w.jar {
		v.x.lines = append(v.x.lines, name+"="+value)
	}
	return v
}

func (w *together) keep(v *visit) *visit {
	for _, c := range (&http.Response{Header: v.x.response}).Cookies() {
		if c.MaxAge < 0 {
			delete(w.jar, c.Name)
		} else {
			w.jar[c.Name] = c.Value
		}
	}
	return v
}

// is fails the test unless the browser is who on our side and on the others'.
func (w *together) is(who string) {
	w.t.Helper()
	w.visit(func(s *session.Session) {
		if got := s.Subject(); got != who {
			w.t.Errorf("here the browser is %q, want %q", got, who)
		}
	})
	for _, other := range w.others {
		if got := other.sessions[w.jar[other.name]]; got != who {
			w.t.Errorf("at %s the browser is %q, want %q", other.name, got, who)
		}
	}
}

func login(who string) func(*session.Session) {
	return func(s *session.Session) { s.Login(who); name.Set(s, "fr") }
}

func eachTogether(t *testing.T, f func(*testing.T, *together)) {
	for _, sealed := range []bool{false, true} {
		for _, names := range [][]string{{"flask"}, {"flask", "django"}} {
			t.Run(fmt.Sprintf("sealed=%t with %s", sealed, strings.Join(names, " and ")), func(t *testing.T) {
				f(t, newTogether(t, sealed, names...))
			})
		}
	}
}

func TestLoginHereIsALoginThere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.visit(login("ann")).succeeded()
		w.is("ann")
		if got := fmt.Sprintf("%s", w.others[0].values["lang"]); got != `"fr"` {
			t.Errorf("the other system got the language %s", got)
		}
		w.visit((*session.Session).Destroy).succeeded()
		w.is("")
		w.visit(login("bob")).succeeded()
		w.visit(login("eve")).succeeded()
		w.is("eve")
		for _, other := range w.others {
			if len(other.sessions) != 1 {
				t.Errorf("%s has the sessions %v, want one: the others were replaced", other.name, other.sessions)
			}
		}
	})
}

func TestWhoIsUnknownThereIsLoggedInHereAlone(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.visit(login("ann")).succeeded()
		w.visit(login("stranger")).succeeded()
		for range 2 {
			w.visit(func(s *session.Session) {
				if s.Subject() != "stranger" {
					t.Errorf("here the browser is %q", s.Subject())
				}
			}).succeeded()
		}
		for _, other := range w.others {
			if len(other.sessions) > 0 || w.jar[other.name] != "" {
				t.Errorf("%s goes on with the session of whoever was logged in before", other.name)
			}
		}
	})
}

func TestLoginThereIsALoginHere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		first := w.others[0]
		first.sessions["there"] = "ann"
		w.jar[first.name] = "there"
		w.visit(func(s *session.Session) {
			if s.Subject() != "ann" || name.Get(s) != "de" {
				t.Errorf("%q with language %q", s.Subject(), name.Get(s))
			}
		}).succeeded()
		w.is("ann")
		if w.jar[first.name] != "there" {
			t.Error("the other system's cookie was taken away, so that the visitor is logged out over there")
		}
	})
}

func TestLoginThereKeepsWhatNobodyHadHere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.visit(func(s *session.Session) { items.Set(s, []string{"coat"}) }).succeeded()
		w.others[0].sessions["there"] = "ann"
		w.jar["flask"] = "there"
		one := w.begin(func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		two := w.begin(func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		w.keep(two)
		w.keep(one)
		w.is("ann")
		w.visit(func(s *session.Session) {
			if items.Get(s) == nil {
				t.Error("what the visitor had put into the cart before he logged in over there is gone")
			}
			if got := count.Get(s); !w.sealed && got != 2 {
				t.Errorf("count is %d after two requests at once, want 2", got)
			}
		})
	})
}

func TestLogoutThereIsALogoutHere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		for _, other := range w.others {
			for _, cookieStays := range []bool{false, true} {
				w.visit(login("ann")).succeeded()
				before := maps.Clone(w.jar)
				delete(other.sessions, w.jar[other.name])
				if !cookieStays {
					delete(w.jar, other.name)
				}
				w.visit(func(s *session.Session) {
					if s.Subject() != "" || s.Reason() != session.ReasonAlreadyEnded {
						t.Errorf("%q after the logout at %s, reason %q", s.Subject(), other.name, s.Reason())
					}
				}).succeeded()
				w.is("")
				w.jar = before // copies of all cookies from before
				delete(w.jar, other.name)
				w.is("")
				w.jar = map[string]string{}
			}
		}
	})
}

func TestRenewalOvertakesNoMirror(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(func(s *session.Session) { s.Login("ann"); count.Set(s, 7) }).succeeded()
	late := maps.Clone(w.jar)
	w.visit((*session.Session).Renew).succeeded()
	now := w.jar
	w.jar = late // a request that was sent before the answer to the renewal came
	v := w.begin(func(s *session.Session) { _ = s.Subject() })
	v.succeeded().untouched()
	w.jar = now
	w.visit(func(s *session.Session) {
		if count.Get(s) != 7 {
			t.Error("a request in flight across a renewal put another session in the visitor's session's place")
		}
	})
}

func TestLoginThereRightAfterALogoutCounts(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.visit(login("ann")).succeeded()
		before, own := maps.Clone(w.jar), w.jar[cookieName]
		delete(w.others[0].sessions, w.jar["flask"])
		w.is("")
		now := w.jar
		w.jar = before // a copy of all cookies is tried, and told that the session has ended
		w.visit(func(s *session.Session) { _ = s.Subject() }).succeeded()
		now[cookieName] = own // of which the browser has not been told
		w.jar = now
		w.others[0].sessions["anew"], w.jar["flask"] = "ann", "anew"
		w.is("ann")
	})
}

func TestOtherVisitorThereIsAnotherHere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.visit(func(s *session.Session) { login("ann")(s); items.Set(s, []string{"coat"}) }).succeeded()
		w.others[0].sessions["there"] = "bob"
		w.jar["flask"] = "there"
		w.visit(func(s *session.Session) {
			if s.Subject() != "bob" || items.Get(s) != nil {
				t.Errorf("%q with %v: want bob, without what was another's", s.Subject(), items.Get(s))
			}
		}).succeeded()
		w.is("bob")
	})
}

func TestLogoutHereEndsCopiesOfTheOtherCookie(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.visit(login("ann")).succeeded()
	flask := w.jar["flask"]
	w.visit((*session.Session).Destroy).succeeded()
	w.others[0].sessions[flask] = "ann" // as with a sealed cookie, which nobody over there can end
	w.jar["flask"] = flask
	w.visit(func(s *session.Session) {
		if s.Subject() != "" {
			t.Error("a copy of the other system's cookie brings a logged-out session back")
		}
	})
}

func TestUnreachableMirrorIsNoSuccess(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		last := w.others[len(w.others)-1]
		last.down = true
		w.visit(login("ann")).failedWith(http.StatusServiceUnavailable)
		last.down = false
		w.is("")
		for _, other := range w.others {
			if len(other.sessions) > 0 {
				t.Errorf("%s has a session of a login that failed", other.name)
			}
		}
		w.visit(login("ann")).succeeded()
		last.down = true
		w.visit((*session.Session).Destroy).failedWith(http.StatusServiceUnavailable)
		w.visit(func(s *session.Session) { _ = s.Subject() }).failedWith(http.StatusServiceUnavailable)
		last.down = false
		w.is("ann")
	})
}

func TestFailedCommitTakesTheOtherLoginBack(t *testing.T) {
	w := newTogether(t, false, "flask")
	w.store.Before(fail("Create"))
	w.visit(login("ann")).failedWith(http.StatusServiceUnavailable)
	if w.store.Before(nil); len(w.others[0].sessions) > 0 || w.jar["flask"] != "" {
		t.Error("the login failed here and succeeded there")
	}
}

func TestSessionsFromBeforeTheMirrorStay(t *testing.T) {
	w := newTogether(t, false, "flask")
	before, err := session.New(w.store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, before, "")
	v.Login("ann")
	w.jar[cookieName] = v.finish().issued()
	w.visit(func(s *session.Session) {
		if s.Subject() != "ann" {
			t.Error("a visitor who was logged in before the mirror was set up has been logged out")
		}
	})
}

func TestEarlySaveSendsTheOtherCookieToo(t *testing.T) {
	w := newTogether(t, false, "flask", "django")
	w.visit(func(s *session.Session) {
		s.Login("ann")
		if err := s.Save(); err != nil {
			t.Error(err)
		}
		count.Set(s, 1)
	}).succeeded()
	w.is("ann")
	if calls := w.others[0].calls; !slices.Equal(calls, []string{"login"}) {
		t.Errorf("the other system saw %v, want one login", calls)
	}
}

// choosyMirror knows ann, and takes everybody else for whom it says.
type choosyMirror struct {
	*twin
	takes string // "": for nobody
}

func (m choosyMirror) Login(ctx context.Context, old string, f session.Foreign) (string, error) {
	if f.Subject != "ann" {
		if f.Subject = m.takes; m.takes == "" {
			return "", session.ErrNotFound
		}
	}
	return m.twin.Login(ctx, old, f)
}

func newChoosy(t *testing.T, takes string) *together {
	t.Helper()
	w := &together{t: t, jar: map[string]string{}}
	other := &twin{name: "flask", sessions: map[string]string{}}
	im := other.importer()
	im.Mirror = choosyMirror{other, takes}
	w.world = newWorld(t, session.Options{Import: []session.Importer{im}})
	return w
}

// An account that the other system does not have is no reason to keep its owner out, and nor may he be another there.
func TestWhoIsUnknownThereLogsInHere(t *testing.T) {
	w := newChoosy(t, "")
	w.visit(login("ann")).succeeded()
	if w.jar["flask"] == "" {
		t.Fatal("ann is not logged in at the other system")
	}
	w.visit(login("root")).succeeded()
	if w.jar["flask"] != "" {
		t.Error("the visitor is root here and still ann there")
	}
	w.is("root")
	w.visit((*session.Session).Destroy).succeeded()
	w.is("")
}

func TestMirrorThatLogsInAnotherIsAnError(t *testing.T) {
	w := newChoosy(t, "ann")
	w.visit(login("root")).failedWith(http.StatusServiceUnavailable)
	if w.is(""); w.jar["flask"] != "" {
		t.Error("who logs in as root gets ann's cookie of the other system")
	}
}

// brokenMirror returns a cookie's value that no cookie can have.
type brokenMirror struct {
	*twin
	value string
}

func (m brokenMirror) Login(context.Context, string, session.Foreign) (string, error) {
	return m.value, nil
}

func TestMirrorThatReturnsNoCookieIsAnError(t *testing.T) {
	for _, bad := range []string{"", "a b", "a;b", "x\r\nSet-Cookie: y", strings.Repeat("x", 5000)} {
		other := &twin{name: "flask", sessions: map[string]string{}}
		im := other.importer()
		im.Mirror = brokenMirror{other, bad}
		w := newWorld(t, session.Options{Import: []session.Importer{im}})
		v := begin(t, w.Manager, "")
		v.Login("ann")
		if v.finish(); v.ok {
			t.Errorf("a mirror's cookie %.20q goes out", bad)
		}
	}
}
