package session_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P7 and P25: what a request in flight hands out, and what it counts for, when its session goes on without it.

// A page is loading when the token is renewed; one of its requests logs in, and the slowest of the others must not
// undo that.
func TestAHandOutIsWithdrawnWhenTheTokenIsDead(t *testing.T) {
	for what, end := range map[string]func(*session.Session){
		"login": func(s *session.Session) { s.Login("user:1") }, "renewal": (*session.Session).Renew, "logout": (*session.Session).Destroy,
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
				t.Errorf("%s, then the answer to a %s: %q hands out a token that opens nothing", what, how, slow.x.response["Set-Cookie"])
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

func TestASlowReadIsUseAlsoAcrossARenewal(t *testing.T) {
	look := func(s *session.Session) { count.Get(s) }
	for what, renew := range map[string]func(*session.Session){"explicit": (*session.Session).Renew, "periodic": look} {
		o := session.Options{}
		if what == "periodic" {
			o.RenewAfter = 10 * time.Second
		}
		w := newWorld(t, o)
		old := w.start(t)
		slow := begin(t, w.Manager, old)
		look(slow.Session)
		w.now = w.now.Add(time.Minute)
		fresh := w.read(t, old, renew).succeeded().issued()
		w.now = w.now.Add(4 * time.Minute) // the alias of an explicit renewal leads on for five
		slow.finish().succeeded()
		w.now = w.now.Add(29*time.Minute + 30*time.Second)
		if w.countOf(t, fresh) != 1 {
			t.Errorf("%s: anonymous half an hour after the answer to a slow read", what)
		}
	}
}

// The first request with a new token notes that down. A slow one, overtaken by others, is use all the same.
func TestASlowFirstPresentationIsUse(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 20 * time.Minute})
	old := w.start(t)
	look := func(s *session.Session) { count.Get(s) }
	w.now = w.now.Add(21 * time.Minute)
	fresh := w.read(t, old, look).succeeded().issued()
	slow := begin(t, w.Manager, fresh)
	look(slow.Session)
	w.read(t, fresh, look).succeeded()
	w.now = w.now.Add(15 * time.Minute)
	slow.finish().succeeded()
	w.now = w.now.Add(29 * time.Minute)
	if w.countOf(t, fresh) != 1 {
		t.Error("anonymous 29 minutes after the answer to a slow read")
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

// A marker is what tells requests of each other that start a session in place of a dead token. Those that come after
// its time know nothing of it, so a slow request from before must leave the cookie alone.
func TestADeadTokenWhoseMarkerIsGoneDecidesNothing(t *testing.T) {
	for what, use := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "write": func(s *session.Session) { count.Set(s, 2) },
	} {
		for _, swept := range []bool{false, true} {
			w := newWorld(t, session.Options{})
			old := w.start(t)
			w.read(t, old, (*session.Session).Renew).succeeded() // the answer is lost
			w.now = w.now.Add(2 * time.Minute)
			slow := begin(t, w.Manager, old)
			use(slow.Session)
			w.now = w.now.Add(4 * time.Minute)
			w.read(t, old, func(s *session.Session) { count.Set(s, 1) }).succeeded().issued()
			if swept {
				w.now = w.now.Add(10 * time.Minute)
				w.sweep(t)
			}
			if slow.finish(); slow.x.response["Set-Cookie"] != nil {
				t.Errorf("%s, swept %t: a slow answer replaces the cookie of a newer session", what, swept)
			}
		}
	}
}
