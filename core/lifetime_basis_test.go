package session_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Where the idle timeout counts from the last change, it is that timeout exactly.
func TestLastChangeCountsChangesAlone(t *testing.T) {
	own := func(s *session.Session) {
		s.Login("user:1")
		s.SetLifetime(session.Lifetime{Basis: session.LastChange})
	}
	nothing := func(*session.Session) {}
	for of, c := range map[string]struct {
		o     session.Options
		begin func(*session.Session)
	}{
		"the manager's": {session.Options{Basis: session.LastChange}, nothing},
		"its own":       {session.Options{}, own},
		"renewing":      {session.Options{Basis: session.LastChange, RenewAfter: 10 * time.Minute}, nothing},
	} {
		for what, use := range map[string]struct {
			f       func(*session.Session)
			extends bool
		}{
			"read":            {func(s *session.Session) { count.Get(s) }, false},
			"the same value":  {func(s *session.Session) { count.Set(s, 1) }, false},
			"change":          {func(s *session.Session) { count.Set(s, 2) }, true},
			"touch":           {(*session.Session).Touch, true},
			"renew":           {(*session.Session).Renew, true},
			"login":           {func(s *session.Session) { s.Login("user:1") }, true},
			"lifetime":        {func(s *session.Session) { s.SetLifetime(session.Lifetime{Basis: 2, Absolute: day}) }, true},
			"read after save": {func(s *session.Session) { _ = s.Save(); count.Get(s) }, false},
		} {
			for kind, w := range worlds(t, c.o) {
				cookie := w.next(t, "", func(s *session.Session) { count.Set(s, 1); c.begin(s) })
				w.now = w.now.Add(20 * time.Minute)
				cookie = w.next(t, cookie, use.f)
				end := w.now.Add(10 * time.Minute)
				if use.extends {
					end = w.now.Add(30 * time.Minute)
				}
				if i := w.infoOf(t, cookie); !i.ExpiresAt.Equal(end) {
					t.Errorf("%s, %s, %s: expires %v too late", kind, of, what, i.ExpiresAt.Sub(end))
				}
				for _, at := range []time.Duration{-time.Millisecond, 0} {
					w.now = end.Add(at)
					var lives bool
					cookie = w.next(t, cookie, func(s *session.Session) { lives = s.Exists() })
					if lives != (at < 0) {
						t.Errorf("%s, %s, %s: alive %t at the end%+v", kind, of, what, lives, at)
					}
					if cookie == "" {
						break
					}
				}
			}
		}
	}
}

// P4: a read costs no touch, however long the session has been in use.
func TestLastChangeCostsNoTouches(t *testing.T) {
	w := newWorld(t, session.Options{Basis: session.LastChange})
	cookie := w.start(t)
	w.store.Reset()
	for range 29 {
		w.now = w.now.Add(time.Minute)
		w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	}
	if n := w.store.Count(""); n != 29 {
		t.Errorf("%d store calls of 29 reads", n)
	}
}

// Reads that take long, or are overtaken, are no change either; a Touch that is overtaken is.
func TestLastChangeAndOvertakenRequests(t *testing.T) {
	o := session.Options{Basis: session.LastChange, RenewAfter: 5 * time.Minute}
	for what, touch := range map[string]bool{"read": false, "touch": true} {
		w := newWorld(t, o)
		w.now = w.now.Truncate(time.Millisecond)
		old := w.start(t)
		begun := w.now
		w.now = w.now.Add(6 * time.Minute)
		slow := begin(t, w.Manager, old)
		if count.Get(slow.Session); touch {
			slow.Touch()
		}
		fresh := w.read(t, old, func(s *session.Session) { count.Get(s) }).succeeded().issued()
		slow.finish().succeeded()
		want := begun.Add(30 * time.Minute)
		if touch {
			want = w.now.Add(30 * time.Minute)
		}
		if i := w.infoOf(t, fresh); !i.ExpiresAt.Equal(want) {
			t.Errorf("%s: expires %v too late", what, i.ExpiresAt.Sub(want))
		}
	}
}

// The touch interval of a session's own idle timeout is a tenth of that, or Options.TouchInterval if that is shorter.
func TestTheTouchIntervalOfAnOwnIdleTimeout(t *testing.T) {
	for _, c := range []struct {
		interval, idle, want time.Duration
	}{
		{0, 10 * time.Minute, time.Minute}, {20 * time.Second, 10 * time.Minute, 20 * time.Second},
		{5 * time.Minute, 10 * time.Minute, time.Minute}, {5 * time.Minute, 10 * time.Hour, 5 * time.Minute},
	} {
		for kind, w := range worlds(t, session.Options{TouchInterval: c.interval}) {
			cookie := w.next(t, "", func(s *session.Session) {
				count.Set(s, 1)
				s.SetLifetime(session.Lifetime{Idle: c.idle})
			})
			i := w.infoOf(t, cookie)
			if got := i.ExpiresAt.Sub(w.now); got != c.idle+c.want {
				t.Errorf("%s, %+v: lives for %v", kind, c, got)
			}
			w.now = w.now.Add(c.want - time.Millisecond)
			before := w.infoOf(t, cookie).ExpiresAt
			w.now = w.now.Add(time.Millisecond)
			if after := w.infoOf(t, cookie).ExpiresAt; !before.Equal(i.ExpiresAt) || !after.Equal(before.Add(c.want)) {
				t.Errorf("%s, %+v: a touch comes too early or too late", kind, c)
			}
		}
	}
}
