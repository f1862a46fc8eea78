package session_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestLoginAndRenewEndFormTokens(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"login":              func(s *session.Session) { s.Login("user:1") },
		"login as another":   func(s *session.Session) { s.Login("user:2") },
		"renew":              func(s *session.Session) { s.Renew() },
		"login with a form":  func(s *session.Session) { s.Login("user:1"); s.FormToken() },
		"renew with a form":  func(s *session.Session) { s.FormToken(); s.Renew(); s.FormToken() },
		"destroy and go on":  func(s *session.Session) { s.Destroy(); s.FormToken() },
		"renew with a value": func(s *session.Session) { s.Renew(); count.Set(s, 5) },
	} {
		for kind, w := range carriers(t, session.Options{}) {
			for _, begun := range []func(*session.Session){
				func(s *session.Session) { count.Set(s, 1) }, func(s *session.Session) { s.FormToken() },
				func(s *session.Session) { s.Login("user:1") }, // in the very millisecond of the next login
				func(s *session.Session) { s.FormToken(); s.Login("user:1") },
			} {
				old, cookie := w.formOf(t, w.after(t, "", begun))
				cookie = w.after(t, cookie, f)
				if w.takes(t, cookie, old) {
					t.Errorf("%s: a form token from before %s is taken", kind, what)
				}
				if form, cookie := w.formOf(t, cookie); !w.takes(t, cookie, form) {
					t.Errorf("%s: none is taken after %s", kind, what)
				}
			}
		}
	}
}

func TestFormTokenAndLoginInOneRequest(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		for _, before := range []bool{false, true} {
			cookie := ""
			if before {
				cookie = w.begun(t)
			}
			for what, f := range map[string]func(*session.Session){
				"Login": func(s *session.Session) { s.Login("user:1") }, "Renew": func(s *session.Session) { s.Renew() },
			} {
				var early, late string
				after := w.after(t, cookie, func(s *session.Session) {
					early = s.FormToken()
					f(s)
					late = s.FormToken()
					if !s.CheckFormToken(late) || s.CheckFormToken(early) == before {
						t.Errorf("%s, session before %t: within the request of the %s, late or early is judged otherwise", kind,
							before, what)
					}
				})
				if !w.takes(t, after, late) {
					t.Errorf("%s: a form token taken after %s is not taken", kind, what)
				}
				if got := w.takes(t, after, early); got == before {
					t.Errorf("%s: a form token from before the %s, of a session that existed %t: taken %t", kind, what, before, got)
				}
				if before {
					cookie = after
				}
			}
		}
	}
}

func TestFormTokensLiveThroughPeriodicRenewal(t *testing.T) {
	for kind, w := range carriers(t, session.Options{RenewAfter: 10 * time.Minute}) {
		for _, begun := range []func(*session.Session){
			func(s *session.Session) { s.Login("user:1") }, func(s *session.Session) { s.FormToken() },
		} {
			form, old := w.formOf(t, w.after(t, "", begun))
			cookie := old
			for range 3 {
				w.now = w.now.Add(10 * time.Minute)
				var rendered string
				next := w.after(t, cookie, func(s *session.Session) { rendered = s.FormToken() })
				if next == cookie {
					t.Fatalf("%s: no renewal took place", kind)
				}
				for _, c := range []string{cookie, next, next} { // the old one within its grace
					if !w.takes(t, c, form) || !w.takes(t, c, rendered) {
						t.Errorf("%s: a form token is lost in a periodic renewal", kind)
					}
					if more, _ := w.formOf(t, c); !w.takes(t, next, more) {
						t.Errorf("%s: the old token's request renders a form that does not work", kind)
					}
				}
				cookie = next
			}
			if w.takes(t, w.after(t, cookie, func(s *session.Session) { s.Renew() }), form) {
				t.Errorf("%s: it outlives Renew because a renewal before has kept it", kind)
			}
		}
	}
}

func TestFormTokensLiveThroughARenewalInAnotherTab(t *testing.T) {
	w, cookie := renewing(t, session.Options{})
	slow := begin(t, w.Manager, cookie)
	first := slow.FormToken()
	next := w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).issued()
	second := slow.FormToken()
	count.Update(slow.Session, addOne)
	if err := slow.Save(); err != nil {
		t.Fatal(err)
	}
	third := slow.FormToken()
	slow.finish().succeeded()
	for i, form := range []string{first, second, third} {
		if !w.takes(t, next, form) {
			t.Errorf("form token %d of the request that was overtaken is not taken", i+1)
		}
	}
	if n := w.countOf(t, next); n != 3 {
		t.Errorf("count = %d, want 3", n)
	}
}

func TestFormTokensLiveThroughChangesOfTheSession(t *testing.T) {
	for kind, w := range carriers(t, session.Options{}) {
		for _, begun := range []func(*session.Session){
			func(s *session.Session) { count.Set(s, 1) }, func(s *session.Session) { s.FormToken() },
		} {
			form, cookie := w.formOf(t, w.after(t, "", begun))
			slow := begin(t, w.Manager, cookie)
			slow.Exists()
			for _, f := range []func(*session.Session){
				func(s *session.Session) { name.Set(s, "x") }, func(s *session.Session) { s.Touch() },
				func(s *session.Session) { s.Clear() }, func(s *session.Session) { _ = s.FormToken(); _ = s.Save() },
			} {
				w.now = w.now.Add(time.Minute)
				if cookie = w.after(t, cookie, f); !w.takes(t, cookie, form) {
					t.Errorf("%s: a form token is lost", kind)
				}
			}
			count.Update(slow.Session, addOne)
			if slow.finish().succeeded(); kind == "stored" && !w.takes(t, cookie, form) {
				t.Error("a form token is lost in a merge")
			}
		}
	}
}

func TestFormTokensLiveThroughARotationOfKeys(t *testing.T) {
	old, err1 := session.GenerateKey("old")
	young, err2 := session.GenerateKey("young")
	both, err3 := session.ParseKeys(young + "," + old)
	behind, err4 := session.ParseKeys(old + "," + young)
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil {
		t.Fatal(err1, err2, err3, err4)
	}
	before, after := newSealed(t, behind, session.Options{}), newSealed(t, both, session.Options{})
	form, cookie := before.formOf(t, before.begun(t))
	if !after.takes(t, cookie, form) {
		t.Error("a form of before the rotation is not taken")
	}
	next, fresh := after.formOf(t, cookie)
	if fresh == cookie || !before.takes(t, fresh, next) || !after.takes(t, fresh, form) {
		t.Error("a form of a server that has rotated already is not taken by one that has not")
	}
}
