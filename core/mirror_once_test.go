package session_test

import (
	"maps"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// A session that was shared is not made again of what the other system's cookie was when it began, however it ended and
// long after its own marker is gone.
func TestCopiesOfTheOtherCookieOpenNothingAfterwards(t *testing.T) {
	logout := func(w *together) { w.visit((*session.Session).Destroy).succeeded() }
	logoutThere := func(w *together) { delete(w.jar, "flask"); w.visit(func(s *session.Session) { _ = s.Subject() }) }
	revoke := func(w *together) {
		w.visit(func(s *session.Session) {
			if err := w.Revoke(t.Context(), "ann", s.Handle()); err != nil {
				t.Error(err)
			}
		})
	}
	for what, end := range map[string]func(*together){"logout": logout, "logout there": logoutThere, "Revoke": revoke} {
		for _, sealed := range []bool{false, true} {
			for _, there := range []bool{false, true} {
				if sealed && what == "Revoke" && !there { // knows nothing of the other system's cookie
					continue
				}
				w := newTogether(t, sealed, "flask")
				w.others[0].sealed = true
				if there {
					w.others[0].sessions["there"], w.jar["flask"] = "ann", "there"
				} else {
					w.visit(login("ann")).succeeded()
				}
				w.is("ann")
				copied := w.jar["flask"]
				end(w)
				for _, wait := range []time.Duration{0, 10 * time.Minute, 13 * time.Hour} {
					w.now = w.now.Add(wait)
					w.jar = map[string]string{"flask": copied}
					w.visit(func(s *session.Session) {
						if s.Subject() != "" {
							t.Errorf("%s, sealed %t, begun there %t: %v later a copy opens a session", what, sealed, there, wait)
						}
					})
				}
			}
		}
	}
}

// Some systems keep a session's id when somebody logs in and out. It is the login that is taken over once.
func TestOneSessionThereHasSeveralLogins(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		w.jar["flask"] = "there"
		who := []string{"", "ann", "bob", "ann", "", "ann", "", "ann"}
		if w.sealed { // a login that was revoked is, for as long as its sealed cookies last
			who = []string{"", "ann", "bob", ""}
		}
		for _, name := range who {
			w.others[0].sessions["there"] = name
			w.visit(func(s *session.Session) {
				if s.Subject() != name {
					t.Errorf("%q has logged in there, and is %q here", name, s.Subject())
				}
			}).succeeded()
			w.visit(func(s *session.Session) { _ = s.Subject() }).succeeded()
		}
	})
}

// What nobody has in one system must not hide that the visitor has logged in at another.
func TestLoginGoesBeforeWhatNobodyHas(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		first, last := w.others[0], w.others[len(w.others)-1]
		first.sessions["nobody's"], w.jar[first.name] = "", "nobody's"
		last.sessions["there"], w.jar[last.name] = "ann", "there"
		w.visit(func(s *session.Session) {
			if s.Subject() != "ann" {
				t.Errorf("who has logged in at %s is %q here", last.name, s.Subject())
			}
		}).succeeded()
		w.is("ann")
	})
}

func TestLoginHereAfterOneThere(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		for _, who := range []string{"ann", "bob"} {
			there := "before " + who
			w.others[0].sessions[there], w.jar["flask"] = "ann", there
			w.is("ann")
			w.visit(login(who)).succeeded()
			w.is(who)
			w.visit((*session.Session).Destroy).succeeded()
			w.is("")
		}
	})
}

// A request that is on its way while its visitor logs in once more has the cookies of before. Neither may it end the
// new login, nor its late answer take the new cookies away.
func TestRequestInFlightDuringALogin(t *testing.T) {
	eachTogether(t, func(t *testing.T, w *together) {
		for _, cookiesEnd := range []bool{true, false} {
			w.others[0].sealed = !cookiesEnd
			w.visit(login("ann")).succeeded()
			w.is("ann")
			before := maps.Clone(w.jar)
			w.visit(login("ann")).succeeded()
			after := w.jar
			w.jar = before
			late := w.begin(func(s *session.Session) { _ = s.Subject() })
			w.jar = after
			w.keep(late)
			w.is("ann")
			w.is("ann")
		}
	})
}
