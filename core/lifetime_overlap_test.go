package session_test

import (
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P24: what SetLifetime has said goes into whatever the request's changes are replayed on.

func TestP24AMergeKeepsTheLifetimeThatTheOtherRequestHasSet(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).succeeded()
	slow.finish().succeeded()
	slow.untouched()
	w.now = w.now.Add(29 * day)
	if i := w.infoOf(t, cookie); w.countOf(t, cookie) != 2 || !i.Persistent {
		t.Errorf("count %d, %+v", w.countOf(t, cookie), i)
	}
}

func TestP24ALifetimeAndAValueOfTwoRequestsAreBothKept(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	slow := begin(t, w.Manager, cookie)
	slow.SetLifetime(remembered)
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	slow.finish().succeeded()
	if slow.issued() != cookie {
		t.Error("another token was sent")
	}
	if i := w.infoOf(t, cookie); w.countOf(t, cookie) != 2 || !i.Persistent {
		t.Errorf("count %d, %+v", w.countOf(t, cookie), i)
	}
}

// The later of two lifetimes wins, and its response sends the cookie though its request did not plan to.
func TestTheLaterLifetimeWins(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	slow := begin(t, w.Manager, cookie)
	slow.SetLifetime(session.Lifetime{Idle: time.Hour})
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).succeeded()
	slow.finish().succeeded()
	if slow.attributes() != ordinaryCookie || w.infoOf(t, cookie).Persistent {
		t.Errorf("cookie %q, %+v; want the later one's", slow.attributes(), w.infoOf(t, cookie))
	}
	late := begin(t, w.Manager, cookie)
	late.SetLifetime(session.Lifetime{Idle: 2 * time.Hour})
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).succeeded()
	late.request.CommitHeaderless()
	late.request.End()
	v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	if v.attributes() != ordinaryCookie {
		t.Errorf("the response could not send the cookie, and the next one does not: %q", v.attributes())
	}
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
}

// A request that holds an old token does not learn the new one, so the next one with that re-issues its cookie.
func TestP7ALifetimeGoesIntoTheRenewedSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	old := w.start(t)
	slow := begin(t, w.Manager, old)
	slow.SetLifetime(remembered)
	fresh := w.read(t, old, (*session.Session).Renew).succeeded().issued()
	slow.finish().succeeded()
	slow.untouched()
	if i := slow.x.response["Set-Cookie"]; i != nil {
		t.Errorf("the old token's response sets %q", i)
	}
	late := begin(t, w.Manager, fresh) // its headers are out: it leaves the note for somebody else
	late.commit()
	count.Get(late.Session)
	late.request.End()
	v := w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded()
	if v.issued() != fresh || v.attributes() != ordinaryCookie+"; Max-Age=7776000" {
		t.Errorf("the next request with the live token gets %q", v.x.response["Set-Cookie"])
	}
	w.store.Reset()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls once the cookie has been sent, want one", n)
	}
}

func TestANoteToSendTheCookieIsUpkeep(t *testing.T) {
	noted := func() (*world, string) {
		w := newWorld(t, session.Options{})
		old := w.start(t)
		slow := begin(t, w.Manager, old)
		slow.SetLifetime(remembered)
		fresh := w.read(t, old, (*session.Session).Renew).succeeded().issued()
		slow.finish().succeeded()
		return w, fresh
	}
	w, fresh := noted()
	failOnce(w, "Update")
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if v := w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded(); v.attributes() == "" {
		t.Error("the note was lost when the store failed")
	}
	w, fresh = noted() // a refused write is an error response, which leaves the cookie alone, and is use
	w.now = w.now.Add(20 * day)
	v := begin(t, w.Manager, fresh)
	v.Login("")
	v.finish().failedWith(http.StatusInternalServerError)
	v.untouched()
	w.now = w.now.Add(29 * day)
	if w.countOf(t, fresh) != 1 {
		t.Error("the failed request was not noted as use")
	}
	w, fresh = noted()
	v = w.read(t, fresh, func(s *session.Session) { s.SetLifetime(session.Lifetime{}) }).succeeded()
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if v.attributes() != ordinaryCookie {
		t.Errorf("back to the manager's: %q", v.attributes())
	}
}

func TestALifetimeAlongAPeriodicRenewal(t *testing.T) {
	for what, overlap := range map[string]bool{"in the same commit": false, "in another request": true} {
		w, old := renewing(t, session.Options{})
		slow := begin(t, w.Manager, old)
		slow.SetLifetime(remembered)
		if overlap {
			w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded()
		}
		fresh := slow.finish().succeeded().issued()
		if slow.attributes() != ordinaryCookie+"; Max-Age=7775400" || fresh == old { // it has lived for ten minutes
			t.Errorf("%s: %q", what, slow.attributes())
		}
		if i := w.infoOf(t, fresh); !i.Persistent || w.subjectOf(t, fresh) != "user:1" {
			t.Errorf("%s: %+v", what, i)
		}
		w.now = w.now.Add(20 * day) // the alias of this renewal knows how long the session can last
		if w.events = nil; w.countOf(t, old) != 0 || !overlap && !w.saw(session.ReasonReplayed) {
			t.Errorf("%s: the old token is not known as a replay: %v", what, w.events)
		}
	}
}

// A token planted before a login must not change what the login has made.
func TestP7ALifetimeDoesNotCrossALogin(t *testing.T) {
	w := newWorld(t, session.Options{})
	planted := w.start(t)
	slow := begin(t, w.Manager, planted)
	slow.SetLifetime(remembered)
	fresh := w.loginAt(t, planted, "user:1")
	slow.finish().failedWith(http.StatusConflict)
	w.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	if w.infoOf(t, fresh).Persistent {
		t.Error("an anonymous visitor's request has given the logged-in session its lifetime")
	}
}

func TestP6SetLifetimeBringsNothingBack(t *testing.T) {
	for what, end := range map[string]func(*world, string){
		"destroyed": func(w *world, cookie string) { w.read(t, cookie, (*session.Session).Destroy) },
		"expired":   func(w *world, _ string) { w.now = w.now.Add(12 * time.Hour) },
		"deleted":   func(w *world, _ string) { _ = w.store.Inner().Delete(t.Context(), w.ids[0]) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		slow := begin(t, w.Manager, cookie)
		slow.SetLifetime(remembered)
		end(w, cookie)
		slow.finish().failedWith(http.StatusConflict)
		slow.untouched()
		if w.countOf(t, cookie) != 0 {
			t.Errorf("%s: back again", what)
		}
	}
}

// Of two logins of one subject each has a session of its own, with what the subject's session had.
func TestALoginThatIsSentTwiceKeepsTheLifetime(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.next(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(remembered) })
	slow := begin(t, w.Manager, cookie)
	slow.Login("user:1")
	w.loginAt(t, cookie, "user:1")
	if separate := slow.finish().succeeded().issued(); !w.infoOf(t, separate).Persistent {
		t.Error("the second login has lost the lifetime that the subject's session had")
	}
}

func TestSetLifetimeAfterASaveThatMadeTheToken(t *testing.T) {
	w := newWorld(t, session.Options{})
	for what, first := range map[string]func(*session.Session){
		"new": func(s *session.Session) { count.Set(s, 1) }, "login": func(s *session.Session) { s.Login("user:1") },
	} {
		v := begin(t, w.Manager, w.start(t))
		if what == "new" {
			v = begin(t, w.Manager, "")
		}
		first(v.Session)
		if err := v.Save(); err != nil {
			t.Fatal(err)
		}
		v.SetLifetime(remembered)
		v.finish().succeeded()
		if v.attributes() != ordinaryCookie+"; Max-Age=7776000" || !w.infoOf(t, v.issued()).Persistent {
			t.Errorf("%s: %q", what, v.x.response["Set-Cookie"])
		}
		w.read(t, v.issued(), func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	}
}
