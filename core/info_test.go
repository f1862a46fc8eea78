package session_test

import (
	"reflect"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P26: what Info says is what List and a later request find, and it costs no store call.
func TestP26InfoSaysWhatTheResponseLeaves(t *testing.T) {
	for kind, w := range worlds(t, session.Options{Cookie: session.Cookie{Persistent: true}}) {
		cookie := ""
		for _, c := range []struct {
			what string
			f    func(*session.Session)
		}{
			{"start", func(s *session.Session) { count.Set(s, 1) }},
			{"read", func(s *session.Session) { count.Get(s) }},
			{"login", func(s *session.Session) { s.Login("user:1") }},
			{"lifetime", func(s *session.Session) { s.SetLifetime(session.Lifetime{Persistent: session.EndWithBrowser}) }},
			{"write", func(s *session.Session) { count.Set(s, 2) }},
			{"renew", (*session.Session).Renew},
			{"login as another", func(s *session.Session) { s.Login("user:2"); count.Set(s, 3) }},
			{"anew", func(s *session.Session) { s.Destroy(); count.Set(s, 4) }},
		} {
			w.now = w.now.Add(4 * time.Minute)
			v := begin(t, w.Manager, cookie)
			c.f(v.Session)
			calls := 0
			if w.store != nil {
				calls = w.store.Count("")
			}
			said := v.Info()
			if w.store != nil && w.store.Count("") != calls {
				t.Errorf("%s, %s: Info asked the store", kind, c.what)
			}
			v.finish().succeeded()
			if value, _ := v.cookie(); value != "" {
				cookie = value
			}
			found := w.infoOf(t, cookie)
			if said.Handle == "" {
				said.Handle = found.Handle
			}
			if !reflect.DeepEqual(said, found) || !known(said) {
				t.Errorf("%s, %s: Info said %+v, and a later request finds %+v", kind, c.what, said, found)
			}
		}
		if i := w.infoOf(t, w.next(t, cookie, (*session.Session).Destroy)); known(i) {
			t.Errorf("%s: Info() = %+v without a session", kind, i)
		}
	}
}

func TestInfoOfARequestThatHasNoSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	for what, f := range map[string]func(*session.Session){
		"destroyed": (*session.Session).Destroy, "nothing": func(*session.Session) {},
	} {
		v := begin(t, w.Manager, map[string]string{"destroyed": cookie}[what])
		if f(v.Session); known(v.Info()) || v.AuthenticatedWithin(time.Hour) {
			t.Errorf("%s: %+v", what, v.Info())
		}
		v.finish()
	}
	w.store.Before(fail("Load"))
	v := begin(t, w.Manager, w.start(t))
	if known(v.Info()) {
		t.Errorf("not loaded: %+v", v.Info())
	}
	v.finish()
	if known(v.Info()) || !w.saw(session.ReasonRequestOver) {
		t.Error("a session whose request is over must say so")
	}
}

func TestListSaysWhichSessionsAreRemembered(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.next(t, "", func(s *session.Session) { s.Login("user:1"); s.SetLifetime(remembered) })
	if got := w.list(t, "user:1"); len(got) != 1 || !reflect.DeepEqual(got[0], w.infoOf(t, cookie)) || !got[0].Persistent {
		t.Errorf("List says %+v, Info %+v", got, w.infoOf(t, cookie))
	}
}

func TestP26AuthenticatedWithin(t *testing.T) {
	for kind, w := range worlds(t, session.Options{}) {
		cookie := w.start(t)
		within := func(d time.Duration) (yes bool) {
			w.read(t, cookie, func(s *session.Session) { yes = s.AuthenticatedWithin(d) })
			return yes
		}
		if within(time.Hour) {
			t.Errorf("%s: an anonymous visitor has authenticated", kind)
		}
		cookie = w.next(t, cookie, func(s *session.Session) {
			if s.Login("user:1"); !s.AuthenticatedWithin(time.Second) || s.AuthenticatedWithin(0) {
				t.Errorf("%s: the login in this very request does not count", kind)
			}
		})
		cookie = w.next(t, cookie, (*session.Session).Renew) // is none
		w.now = w.now.Add(10*time.Minute - time.Millisecond)
		if !within(10*time.Minute) || within(9*time.Minute) {
			t.Errorf("%s: wrong just before ten minutes", kind)
		}
		w.now = w.now.Add(time.Millisecond)
		if within(10*time.Minute) || within(0) || within(-time.Hour) || !within(1<<63-1) {
			t.Errorf("%s: wrong after ten minutes", kind)
		}
	}
}
