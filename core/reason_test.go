package session_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P26: a handler can learn why there is no session, without another store call.

// reasonFor returns what the request with these cookies is told, and how many store calls it took.
func (w *world) reasonFor(t *testing.T, cookies ...string) (r session.Reason, calls int) {
	t.Helper()
	if w.store != nil {
		w.store.Reset()
	}
	v := beginCookies(t, w.Manager, cookies...)
	if len(cookies) == 0 {
		v.x.lines = nil
	}
	r = v.Reason()
	if w.store != nil {
		calls = w.store.Count("")
	}
	v.finish()
	return r, calls
}

func TestReasonOfAStoredSession(t *testing.T) {
	for want, c := range map[session.Reason]struct {
		cookie func(w *world) string
		calls  int
	}{
		"":                            {func(w *world) string { return w.start(t) }, 1},
		session.ReasonMalformed:       {func(*world) string { return "malformed" }, 0},
		session.ReasonOversized:       {func(*world) string { return strings.Repeat("x", 5000) }, 0},
		session.ReasonUnknown:         {func(*world) string { return junkToken(t) }, 1},
		session.ReasonExpiredIdle:     {func(w *world) string { return later(w, w.start(t), idleEnd) }, 1},
		session.ReasonExpiredAbsolute: {func(w *world) string { return later(w, w.start(t), 13*time.Hour) }, 1},
		session.ReasonAlreadyEnded: {func(w *world) string {
			cookie := w.start(t)
			w.read(t, cookie, func(s *session.Session) { s.Destroy() }).succeeded()
			return cookie
		}, 1},
		session.ReasonSuperseded: {func(w *world) string {
			cookie := w.start(t)
			w.loginAt(t, cookie, "user:1")
			return cookie
		}, 1},
	} {
		w := newWorld(t, session.Options{})
		got, calls := w.reasonFor(t, c.cookie(w))
		if got != want || calls != c.calls {
			t.Errorf("reason %q with %d store calls, want %q with %d", got, calls, want, c.calls)
		}
	}
}

func later(w *world, cookie string, d time.Duration) string {
	w.now = w.now.Add(d)
	return cookie
}

func TestReasonOfASealedSession(t *testing.T) {
	for want, cookie := range map[session.Reason]func(w *world) string{
		"":                        func(w *world) string { return startElsewhere(t, w) },
		session.ReasonUnopenable:  func(w *world) string { return flip(startElsewhere(t, w)) },
		session.ReasonExpiredIdle: func(w *world) string { return later(w, startElsewhere(t, w), idleEnd) },
	} {
		w := newSealed(t, session.TemporaryKeys(), session.Options{})
		if got, _ := w.reasonFor(t, cookie(w)); got != want {
			t.Errorf("reason %q, want %q", got, want)
		}
	}
}

func TestReasonOfAReplayedToken(t *testing.T) {
	w, old := renewing(t, session.Options{})
	next := w.read(t, old, func(s *session.Session) { count.Get(s) }).issued()
	w.read(t, next, func(s *session.Session) { count.Get(s) })
	if got, _ := w.reasonFor(t, old); got != "" {
		t.Errorf("within the grace the old token's request has a session, and reason %q", got)
	}
	w.now = w.now.Add(2 * time.Minute)
	if got, _ := w.reasonFor(t, old); got != session.ReasonReplayed {
		t.Errorf("reason %q, want %q", got, session.ReasonReplayed)
	}
}

// The visitor wants to know of the session that he had, and not of what other software left beside it.
func TestOfSeveralCookiesTheMostTellingReasonCounts(t *testing.T) {
	w := newWorld(t, session.Options{})
	expired := w.start(t)
	w.now = w.now.Add(idleEnd)
	a, b := w.start(t), w.start(t)
	for _, c := range []struct {
		cookies []string
		want    session.Reason
	}{
		{nil, ""},
		{[]string{"malformed", expired}, session.ReasonExpiredIdle},
		{[]string{expired, junkToken(t)}, session.ReasonExpiredIdle},
		{[]string{junkToken(t), expired}, session.ReasonUnknown},
		{[]string{expired, a}, ""},
		{[]string{a, expired}, ""},
		{[]string{"malformed", a}, ""},
		{[]string{a, b}, session.ReasonAmbiguous},
		{[]string{a, b, expired}, session.ReasonExpiredIdle},
	} {
		if got, _ := w.reasonFor(t, c.cookies...); got != c.want {
			t.Errorf("%.9q: reason %q, want %q", c.cookies, got, c.want)
		}
	}
}

func TestReasonAfterDestroy(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, w.start(t))
	before := v.Reason()
	v.Destroy()
	pending := v.Reason()
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	saved := v.Reason()
	count.Set(v.Session, 5)
	if got := []session.Reason{before, pending, saved, v.Reason()}; !slices.Equal(got,
		[]session.Reason{"", session.ReasonEnded, session.ReasonEnded, session.ReasonEnded}) {
		t.Errorf("reasons before, after Destroy, after Save and after a new value: %q", got)
	}
	v.finish().succeeded()
	if got, _ := w.reasonFor(t); got != "" {
		t.Errorf("a visitor whose cookie was deleted is told %q", got)
	}
}

// A Destroy that failed has destroyed nothing.
func TestReasonAfterADestroyThatFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	a, b := w.start(t), w.start(t)
	for want, v := range map[session.Reason]*visit{
		"":                      begin(t, w.Manager, a),
		session.ReasonAmbiguous: beginCookies(t, w.Manager, a, b),
	} {
		v.Destroy()
		w.store.Before(fail("Update", "Delete"))
		err := v.Save()
		w.store.Before(nil)
		if got := v.Reason(); err == nil || got != want {
			t.Errorf("reason %q, want %q (error %v)", got, want, err)
		}
		v.finish()
	}
}

func TestReasonWhereNothingHadToEnd(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := later(w, w.start(t), idleEnd)
	v := begin(t, w.Manager, cookie)
	v.Destroy()
	if got := v.Reason(); got != session.ReasonExpiredIdle {
		t.Errorf("reason %q after a Destroy that had nothing to end, want %q", got, session.ReasonExpiredIdle)
	}
	v.finish()
}

// The login page asks for a reason, and for things that start a session, in whatever order it was written.
func TestASessionThatTheRequestStartsDoesNotChangeTheReason(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, later(w, w.start(t), idleEnd))
	count.Set(v.Session, 1)
	first := v.Reason()
	v.Login("user:1")
	second := v.Reason()
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	for _, got := range []session.Reason{first, second, v.Reason()} {
		if got != session.ReasonExpiredIdle {
			t.Errorf("reason %q, want %q", got, session.ReasonExpiredIdle)
		}
	}
	if got, _ := w.reasonFor(t, v.finish().issued()); got != "" {
		t.Errorf("a visitor with a session is told %q", got)
	}
}

func TestReasonOfAFailedLoad(t *testing.T) {
	for _, serveOn := range []bool{false, true} {
		w := newWorld(t, session.Options{AnonymousWhenUnavailable: serveOn})
		cookie := w.start(t)
		w.store.Before(fail("Load"))
		if got, _ := w.reasonFor(t, cookie); got != session.ReasonLoadFailed {
			t.Errorf("reason %q, want %q", got, session.ReasonLoadFailed)
		}
	}
}

func TestReasonAfterTheRequest(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := w.read(t, later(w, w.start(t), idleEnd), func(s *session.Session) { s.Reason() })
	if got := v.Reason(); got != "" || !w.saw(session.ReasonRequestOver) {
		t.Errorf("reason %q of a request that is over; reported: %t", got, w.saw(session.ReasonRequestOver))
	}
}

func TestWhichReasonsAreALapse(t *testing.T) {
	lapsed := []session.Reason{session.ReasonExpiredIdle, session.ReasonExpiredAbsolute, session.ReasonAlreadyEnded,
		session.ReasonSuperseded, session.ReasonReplayed, session.ReasonUnknown}
	for _, r := range []session.Reason{"", session.ReasonMalformed, session.ReasonOversized, session.ReasonUnopenable,
		session.ReasonAmbiguous, session.ReasonCorrupt, session.ReasonEnded, session.ReasonLoadFailed,
		session.ReasonCrossSite} {
		if r.Lapsed() {
			t.Errorf("%q is a lapse", r)
		}
	}
	for _, r := range lapsed {
		if !r.Lapsed() {
			t.Errorf("%q is no lapse", r)
		}
	}
}

func TestReasonCostsNothingWithASessionOrWithoutACookie(t *testing.T) {
	w := newWorld(t, session.Options{OnEvent: nil})
	for _, cookie := range []string{"", w.start(t)} {
		request := func(ask func(*session.Session)) float64 {
			return testing.AllocsPerRun(20, func() {
				v := begin(t, w.Manager, cookie)
				ask(v.Session)
				v.finish()
			})
		}
		without := request(func(s *session.Session) { s.Exists() })
		if with := request(func(s *session.Session) { s.Exists(); s.Reason() }); with > without {
			t.Errorf("%v allocations, %v without Reason", with, without)
		}
	}
}
