package session_test

import (
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P7 and P25: what a request in flight hands out, and what it counts for, when its session goes on without it.

// A page is loading when the token is renewed; one of its requests logs in, and the slowest of the others must not
// undo that.
func TestAHandOutIsWithdrawnWhenTheTokenIsDead(t *testing.T) {
	for what, end := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("user:1") }, "renewal": (*session.Session).Renew,
		"logout": (*session.Session).Destroy,
	} {
		for how, use := range map[string]func(*session.Session){
			"read": func(s *session.Session) { count.Get(s) }, "touch": (*session.Session).Touch,
			"update": func(s *session.Session) { count.Update(s, addOne) },
			"save":   func(s *session.Session) { count.Get(s); _ = s.Save() },
		} {
			w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
			old := w.start(t)
			w.now = w.now.Add(11 * time.Minute)
			renewed := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
			slow := begin(t, w.Manager, old)
			use(slow.Session)
			w.read(t, renewed, end).succeeded()
			if slow.finish(); slow.x.response["Set-Cookie"] != nil {
				t.Errorf("%s, then the answer to a %s: %q hands out a token that opens nothing",
					what, how, slow.x.response["Set-Cookie"])
			}
		}
	}
}

// The token that was offered may have been renewed in its turn.
func TestAHandOutIsTheLatestToken(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	old := w.start(t)
	look := func(s *session.Session) { count.Get(s) }
	w.now = w.now.Add(2 * time.Minute)
	second := w.read(t, old, look).succeeded().issued()
	slow := begin(t, w.Manager, old)
	look(slow.Session)
	w.read(t, second, look)
	w.now = w.now.Add(2 * time.Minute)
	third := w.read(t, second, look).succeeded().issued()
	if got := slow.finish().succeeded().issued(); got != third {
		t.Errorf("the slow answer hands out the second token: %t, want the third", got == second)
	}
}

// P7/P8: a late hand-out of the renewed token does not overwrite the cookie of a login that came after it.
func TestP8ALateHandOutDoesNotOverwriteANewerLoginsCookie(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	old := w.start(t)
	w.now = w.now.Add(11 * time.Minute)
	w.read(t, old, func(s *session.Session) { count.Get(s) }) // its answer is lost
	slow := begin(t, w.Manager, old)
	count.Get(slow.Session)
	jar := w.loginAt(t, old, "user:1")
	slow.finish().succeeded()
	if value, _ := slow.cookie(); value != "" {
		jar = value
	}
	if got := w.subjectOf(t, jar); got != "user:1" {
		t.Errorf("the browser's cookie is %q's, want user:1's", got)
	}
}

// P8: tidying several cookies up does not overwrite the cookie of a newer login.
func TestP8TidyingDoesNotOverwriteANewerLoginsCookie(t *testing.T) {
	w := newWorld(t, session.Options{Cookie: session.Cookie{Name: cookieName, Former: []session.Scope{}}})
	_ = w
	o := session.Options{Cookie: session.Cookie{Name: "id", Former: []session.Scope{{Path: "/app"}}}}
	w = newWorld(t, o)
	junk := junkToken(t)
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	v.finish().succeeded()
	value := func(v *visit) string {
		for _, l := range v.x.response["Set-Cookie"] {
			if strings.HasPrefix(l, "id=") && !strings.HasPrefix(l, "id=;") {
				return strings.TrimPrefix(strings.SplitN(l, ";", 2)[0], "id=")
			}
		}
		return ""
	}
	with := func(cookie string) *visit {
		v := begin(t, w.Manager, "")
		v.x.lines = []string{"id=" + cookie + "; id=" + junk}
		return v
	}
	old := value(v)
	slow := with(old)
	count.Get(slow.Session)
	login := with(old)
	login.Login("user:1")
	jar := value(login.finish().succeeded())
	if got := value(slow.finish().succeeded()); got != "" {
		jar = got
	}
	last := with(jar)
	if got := last.Subject(); got != "user:1" {
		t.Errorf("the browser's cookie is %q's, want user:1's", got)
	}
	last.finish()
}

// P8: each response to the old token hands out the new one, whatever the handler saves early.
func TestP8AnEarlySaveDoesNotLoseTheHandOut(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	old := w.start(t)
	w.now = w.now.Add(11 * time.Minute)
	renewed := w.read(t, old, func(s *session.Session) { count.Get(s) }).issued()
	w.read(t, renewed, func(s *session.Session) { count.Get(s) })
	v := begin(t, w.Manager, old)
	count.Set(v.Session, 5)
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	if got := v.finish().succeeded().issued(); got != renewed {
		t.Errorf("another token was handed out")
	}
}

// Until the visitor has a new token there is no newer one: two answers lost, an interval apart, made a thief of the
// visitor.
func TestLostRenewalsLogNobodyOut(t *testing.T) {
	for what, use := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "update": func(s *session.Session) { count.Update(s, addOne) },
		"touch": (*session.Session).Touch,
	} {
		w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute, OnReplay: session.EndReplayed})
		old, issued := w.start(t), map[string]bool{}
		for range 5 {
			w.now = w.now.Add(11 * time.Minute)
			issued[w.read(t, old, use).succeeded().issued()] = true
		}
		if len(issued) != 1 {
			t.Errorf("%s: %d tokens were handed out, though none has arrived", what, len(issued))
		}
		for fresh := range issued {
			if w.countOf(t, old) == 0 || w.countOf(t, fresh) == 0 {
				t.Errorf("%s: lost answers have logged the visitor out", what)
			}
		}
	}
}

// P8: the old token opens the session until the new one has been presented, however many renewals are due meanwhile.
func TestP8TwoRenewalsWithLostAnswersLogNobodyOut(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	old := w.start(t)
	for i := range 5 {
		w.now = w.now.Add(11 * time.Minute)
		if got := w.countOf(t, old); got != 1 { // its answer is lost
			t.Fatalf("request %d with a token whose successor nobody was given: count %d, want 1", i, got)
		}
	}
}
