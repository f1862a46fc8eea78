package session_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestATouchNeverPassesTheAbsoluteDeadline(t *testing.T) {
	w := newWorld(t, session.Options{IdleTimeout: 30 * time.Minute, AbsoluteTimeout: time.Hour})
	cookie := w.start(t)
	for range 5 {
		w.now = w.now.Add(11 * time.Minute)
		w.read(t, cookie, func(s *session.Session) { s.Touch() }).succeeded()
	}
	w.now = w.now.Add(5 * time.Minute)
	if n := w.countOf(t, cookie); n != 0 {
		t.Error("activity carried the session over its absolute deadline")
	}
	if !w.saw(session.ReasonExpiredAbsolute) {
		t.Error("the event does not say which clock ended the session")
	}
}

func TestExpiryIsAnInstant(t *testing.T) {
	for late, lives := range map[time.Duration]bool{-time.Millisecond: true, 0: false} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		w.now = w.now.Add(idleEnd + late)
		if got := w.countOf(t, cookie) == 1; got != lives {
			t.Errorf("%v after the idle timeout: alive %t, want %t", late, got, lives)
		}
	}
}

func TestLeewayAllowsForServersWhoseClocksDiffer(t *testing.T) {
	w := newWorld(t, session.Options{Leeway: 10 * time.Second})
	cookie := w.start(t)
	w.now = w.now.Add(idleEnd + 9*time.Second)
	if n := w.countOf(t, cookie); n != 1 {
		t.Error("the session expired within the leeway")
	}
}

// P24: sessions follow the manager's present settings.
func TestAShorterTimeoutReachesSessionsThatLiveAlready(t *testing.T) {
	for what, o := range map[string]session.Options{
		"idle":     {IdleTimeout: 10 * time.Minute, TouchInterval: time.Minute},
		"absolute": {AbsoluteTimeout: 11 * time.Minute},
	} {
		keys := session.TemporaryKeys()
		stored, sealed := newWorld(t, session.Options{}), newSealed(t, keys, session.Options{})
		sealed.now = stored.now // the sessions of both begin in the same millisecond
		o.Now = func() time.Time { return stored.now }
		shorter, err := session.New(stored.store, o)
		if err != nil {
			t.Fatal(err)
		}
		shorterSealed, err := session.NewSealed(keys, o)
		if err != nil {
			t.Fatal(err)
		}
		cookies := map[*session.Manager]string{shorter: stored.start(t), shorterSealed: sealed.start(t)}
		for _, after := range []time.Duration{11*time.Minute - time.Millisecond, time.Millisecond} {
			stored.now = stored.now.Add(after)
			for m, cookie := range cookies {
				v := begin(t, m, cookie)
				if lives := count.Get(v.Session) == 1; lives != (after > time.Second) {
					t.Errorf("%s, %v later: alive %t, and the new setting allows 11 minutes", what, after, lives)
				}
				v.request.Discard()
			}
		}
	}
}

// P24: only a login moves the deadline, so a longer timeout concerns later logins.
func TestALongerTimeoutLeavesDeadlinesAlone(t *testing.T) {
	w := newWorld(t, session.Options{AbsoluteTimeout: time.Hour, IdleTimeout: time.Hour})
	cookie := w.start(t)
	longer, err := session.New(w.store, w.observed(session.Options{IdleTimeout: 2 * time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(59 * time.Minute)
	v := begin(t, longer, cookie)
	count.Update(v.Session, addOne)
	v.finish().succeeded()
	w.now = w.now.Add(time.Minute)
	v = begin(t, longer, cookie)
	if v.Exists() {
		t.Error("the session outlived its deadline")
	}
	v.finish()
}

// P25: a session used at any time lives for the idle timeout after that, whether the use was noted down or not.
func TestASessionLivesForItsIdleTimeoutAfterTheLastUse(t *testing.T) {
	worlds := map[string]func(session.Options) *world{
		"stored": func(o session.Options) *world { return newWorld(t, o) },
		"sealed": func(o session.Options) *world { return newSealed(t, session.TemporaryKeys(), o) },
	}
	for kind, world := range worlds {
		for rule, use := range map[string]func(*session.Session){
			"read":             func(s *session.Session) { count.Get(s) },
			"same value":       func(s *session.Session) { count.Set(s, 1) },
			"refused by rules": func(s *session.Session) { name.Set(s, "dropped") },
		} {
			for _, wait := range []time.Duration{15 * time.Second, time.Minute, 2*time.Minute + 50*time.Second} {
				w := world(session.Options{IdleTimeout: 3 * time.Minute,
					SaveOn: func(int) bool { return rule != "refused by rules" }})
				cookie := startElsewhere(t, w)
				w.now = w.now.Add(wait)
				used := w.read(t, cookie, use).succeeded()
				if value, _ := used.cookie(); value != "" {
					cookie = value
				}
				w.now = w.now.Add(3*time.Minute - time.Millisecond)
				if n := w.countOf(t, cookie); n != 1 {
					t.Errorf("%s, %s after %v: ended before the idle timeout had passed", kind, rule, wait)
				}
			}
		}
	}
}

// P24, P25: a timeout that was lengthened counts for sessions that live already: who uses one in time is not logged
// out.
func TestP25ALengthenedTimeoutLogsNobodyOut(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	longer := w.second(t, 0, session.Options{IdleTimeout: 10 * time.Hour})
	for i := range 5 {
		w.now = w.now.Add(20 * time.Minute)
		v := begin(t, longer, cookie)
		if got := count.Get(v.Session); got != 1 {
			t.Fatalf("use %d, 20 minutes after the last, idle timeout 10h: count %d, want 1", i, got)
		}
		v.finish()
	}
}

// startElsewhere starts a session with count = 1 at a server that has the same store or keys, and saves on every
// status.
func startElsewhere(t *testing.T, w *world) string {
	t.Helper()
	o := session.Options{Now: func() time.Time { return w.now }}
	var m *session.Manager
	var err error
	if w.store != nil {
		m, err = session.New(w.store, o)
	} else {
		m, err = session.NewSealed(w.keys, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	return v.finish().succeeded().issued()
}

// P25, P26: what is told is how this response leaves the session.
func TestInfoTellsHowTheResponseLeavesTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.now = w.now.Truncate(time.Millisecond)
	created := w.now
	var cookie string
	for _, c := range []struct {
		what string
		wait time.Duration
		do   func(*session.Session)
		want time.Duration // after the request; negative: there is none
	}{
		{"no session", 0, func(*session.Session) {}, -1},
		{"a new session", 0, func(s *session.Session) { count.Set(s, 1) }, idleEnd},
		{"a read that is not noted", time.Minute, func(s *session.Session) { count.Get(s) }, idleEnd - time.Minute},
		{"a write", 0, func(s *session.Session) { count.Set(s, 2) }, idleEnd},
		{"a read that is", 4 * time.Minute, func(s *session.Session) { count.Get(s) }, idleEnd},
		{"a login", time.Minute, func(s *session.Session) { s.Login("user:1") }, idleEnd},
		{"a logout", 0, (*session.Session).Destroy, -1},
	} {
		w.now = w.now.Add(c.wait)
		v := begin(t, w.Manager, cookie)
		c.do(v.Session)
		want := w.now.Add(c.want)
		if c.want < 0 {
			want = time.Time{}
		}
		if got := v.Info().ExpiresAt; !got.Equal(want) {
			t.Errorf("%s: %v after creation, want %v", c.what, got.Sub(created), want.Sub(created))
		}
		v.finish().succeeded()
		if value, _ := v.cookie(); value != "" {
			cookie = value
		}
	}
}

func TestAMergeNeverShortensASession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	ahead, err := session.New(w.store, session.Options{Now: func() time.Time { return w.now.Add(10 * time.Minute) }})
	if err != nil {
		t.Fatal(err)
	}
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	v := begin(t, ahead, cookie) // another server, whose clock is ahead
	count.Update(v.Session, addOne)
	v.finish().succeeded()
	slow.finish().succeeded()
	w.now = w.now.Add(35 * time.Minute)
	if n := w.countOf(t, cookie); n != 3 {
		t.Errorf("count = %d, want 3: merging took back the time that the other request had given", n)
	}
}
