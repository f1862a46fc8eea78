package session_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestADeadlineThatHasPassedEndsTheSessionWithTheResponse(t *testing.T) {
	for kind, w := range worlds(t, session.Options{}) {
		cookie := w.start(t)
		w.now = w.now.Add(20 * time.Minute)
		v := begin(t, w.Manager, cookie)
		v.SetLifetime(session.Lifetime{Absolute: 10 * time.Minute, Persistent: session.Keep})
		if i := v.Info(); known(i) {
			t.Errorf("%s: Info() = %+v of a session that ends with this response", kind, i)
		}
		v.finish().succeeded()
		if value, _ := v.cookie(); value != "" {
			cookie = value
		}
		if w.events = nil; w.countOf(t, cookie) != 0 || !w.saw(session.ReasonExpiredAbsolute) {
			t.Errorf("%s: the session lives on, or nobody is told why it does not: %v", kind, w.events)
		}
		if w.store != nil {
			w.now = w.now.Add(4 * time.Minute) // requests in flight: what sweeps must leave it for five minutes
			if _, err := w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 100); err != nil {
				t.Fatal(err)
			}
			if w.events = nil; w.countOf(t, cookie) != 0 || !w.saw(session.ReasonExpiredAbsolute) {
				t.Errorf("swept at once: %v", w.events)
			}
		}
	}
}

// The cookie is sent again only when the browser has to know, and then under the same token.
func TestSetLifetimeSendsTheCookieOnceMoreWhenItHasTo(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	for _, c := range []struct {
		l    session.Lifetime
		want string
	}{
		{session.Lifetime{Idle: time.Hour}, ""},
		{session.Lifetime{Absolute: day}, ""},
		{remembered, ordinaryCookie + "; Max-Age=7776000"},
		{session.Lifetime{Idle: 20 * day, Absolute: 90 * day, Persistent: session.Keep}, ""},
		{session.Lifetime{Absolute: 80 * day, Persistent: session.Keep}, ordinaryCookie + "; Max-Age=6912000"},
		{session.Lifetime{Absolute: 80 * day, Persistent: session.EndWithBrowser}, ordinaryCookie},
		{session.Lifetime{}, ""},
		{remembered, ordinaryCookie + "; Max-Age=7776000"},
		{session.Lifetime{}, ordinaryCookie},
	} {
		v := w.read(t, cookie, func(s *session.Session) { s.SetLifetime(c.l) }).succeeded()
		if value, _ := v.cookie(); v.attributes() != c.want || value != "" && value != cookie {
			t.Errorf("%+v: cookie %q, want %q under the same token", c.l, v.x.response["Set-Cookie"], c.want)
		}
	}
}

func TestP19ALateLifetimeFailsOnlyIfItNeedsACookie(t *testing.T) {
	for want, l := range map[error]session.Lifetime{
		nil: {Idle: time.Hour}, session.ErrCommitted: remembered,
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		v.commit().succeeded()
		v.SetLifetime(l)
		if err := v.Save(); !errors.Is(err, want) {
			t.Errorf("%+v: Save returns %v, want %v", l, err, want)
		}
		v.SetLifetime(l)
		v.request.End()
		if w.saw(session.ReasonTooLate) != (want != nil) {
			t.Errorf("%+v: events %v", l, w.events)
		}
		i := w.infoOf(t, cookie)
		if changed := i.ExpiresAt.Sub(i.LastSeen) > 35*time.Minute; changed != (want == nil) || i.Persistent {
			t.Errorf("%+v: afterwards %+v", l, i)
		}
	}
}

func TestALifetimeThatIsNotSavedChangesNothing(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return false }})
	cookie := startElsewhere(t, w)
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).succeeded().untouched()
	if w.infoOf(t, cookie).Persistent {
		t.Error("SaveOn refused the response's changes, and one was saved")
	}
	w = newWorld(t, session.Options{})
	cookie = w.start(t)
	failOnce(w, "Update")
	w.read(t, cookie, func(s *session.Session) { s.SetLifetime(remembered) }).failedWith(http.StatusServiceUnavailable)
	if w.infoOf(t, cookie).Persistent {
		t.Error("the store failed, and the lifetime changed")
	}
	v := begin(t, w.Manager, cookie)
	v.SetLifetime(remembered)
	failOnce(w, "Update")
	if v.Save() == nil {
		t.Fatal("Save succeeded")
	}
	v.Login("user:1")
	v.finish().succeeded()
	if v.attributes() != ordinaryCookie {
		t.Errorf("a lifetime whose Save has failed came back with the login: %q", v.attributes())
	}
}
