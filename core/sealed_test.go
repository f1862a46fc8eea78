package session_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var sealers = map[string]session.Sealer{"securecookie": session.SecureCookie, "aead": session.AEAD}

func TestASealedSessionTravelsInItsCookie(t *testing.T) {
	for kind, sealer := range sealers {
		w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: sealer})
		cookie := w.start(t)
		v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
		v.untouched()
		second := w.read(t, cookie, func(s *session.Session) {
			count.Update(s,
				addOne)
			s.Login("user:1")
		}).succeeded().issued()
		if w.countOf(t, second) != 2 || w.subjectOf(t, second) != "user:1" {
			t.Errorf("%s: count %d subject %q, want 2 and user:1", kind, w.countOf(t, second), w.subjectOf(t, second))
		}
		if handleOf(t, w, cookie) != handleOf(t, w, second) {
			t.Errorf("%s: the handle changed with the login", kind)
		}
		out := w.read(t, second, func(s *session.Session) { s.Destroy() }).succeeded()
		if _, deleted := out.cookie(); !deleted {
			t.Errorf("%s: the cookie was not deleted", kind)
		}
	}
}

func TestASealedSessionsExpiryIsInsideIt(t *testing.T) {
	for kind, sealer := range sealers {
		for reason, wait := range map[session.Reason]time.Duration{
			session.ReasonExpiredIdle: idleEnd, session.ReasonExpiredAbsolute: 12 * time.Hour,
		} {
			w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: sealer})
			cookie := w.start(t)
			w.now = w.now.Add(wait)
			if n := w.countOf(t, cookie); n != 0 || !w.saw(reason) {
				t.Errorf("%s: count %d after %v, event %s: %t", kind, n, wait, reason, w.saw(reason))
			}
		}
	}
}

func TestASealedSessionIsTouchedBySealingItAnew(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	cookie := w.start(t)
	issued := 0
	for range 60 {
		w.now = w.now.Add(time.Minute)
		v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
		if value, _ := v.cookie(); value != "" {
			cookie = value
			issued++
		}
	}
	if issued != 20 || w.countOf(t, cookie) != 1 {
		t.Errorf("sealed anew %d times in an hour, want 20; count %d", issued, w.countOf(t, cookie))
	}
}

func TestACookieUnderAnOldKeyIsSealedAnew(t *testing.T) {
	for kind, sealer := range sealers {
		oldKey, newKey := mustKey(t, "old"), mustKey(t, "new")
		o := session.Options{Sealer: sealer}
		before := newSealed(t, parse(t, oldKey), o)
		after := newSealed(t, parse(t, newKey+","+oldKey), o)
		without := newSealed(t, parse(t, newKey), o)
		cookie := before.start(t)
		fresh := after.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().issued()
		if !after.saw(session.ReasonReissued) {
			t.Errorf("%s: the re-issue was not reported", kind)
		}
		if without.countOf(t, fresh) != 1 || without.countOf(t, cookie) != 0 {
			t.Errorf("%s: the re-issued cookie must open without the old key, and the old cookie must not", kind)
		}
		after.read(t, fresh, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	}
}

func mustKey(t *testing.T, name string) string {
	t.Helper()
	key, err := session.GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func parse(t *testing.T, keys string) session.Keys {
	t.Helper()
	k, err := session.ParseKeys(keys)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatDoesNotFitIntoACookieIsRefusedAndTheOldSessionStays(t *testing.T) {
	for kind, sealer := range sealers {
		w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: sealer})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		name.Set(v.Session, strings.Repeat("x", 4000))
		if err := v.Save(); !errors.Is(err, session.ErrTooLarge) {
			t.Errorf("%s: Save = %v, want ErrTooLarge", kind, err)
		}
		name.Set(v.Session, strings.Repeat("x", 4000))
		v.finish().failedWith(http.StatusInternalServerError)
		v.untouched()
		if n := w.countOf(t, cookie); n != 1 {
			t.Errorf("%s: count = %d, want 1", kind, n)
		}
	}
}

func TestASealedCookieUsesTheWholeOf4096Bytes(t *testing.T) {
	for kind, sealer := range sealers {
		w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: sealer})
		longest := 0
		for size := range 4096 {
			v := begin(t, w.Manager, "")
			name.Set(v.Session, strings.Repeat("x", size))
			if v.finish(); !v.ok {
				break
			}
			line := v.x.response.Get("Set-Cookie")
			if longest = len(line); longest > 4096 {
				t.Fatalf("%s: a Set-Cookie line of %d bytes, which browsers drop", kind, longest)
			}
			if n := len(v.issued()); n > 4000 && w.read(t, v.issued(), func(s *session.Session) { name.Get(s) }).ok &&
				!existsWith(t, w, v.issued()) {
				t.Fatalf("%s: a cookie that was issued is not accepted back at %d bytes", kind, n)
			}
		}
		if longest < 4096-8 {
			t.Errorf("%s: the longest line is %d bytes", kind, longest)
		}
	}
}

func TestASealedSessionThatReachesItsDeadlineDuringTheRequestIsNotRevived(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: session.AEAD})
	cookie := w.start(t)
	write, login := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
	count.Update(write.Session, addOne)
	count.Get(login.Session)
	login.Login("user:1")
	w.now = w.now.Add(12 * time.Hour)
	write.finish().failedWith(http.StatusConflict)
	write.untouched()
	if fresh := login.finish().succeeded().issued(); w.countOf(t, fresh) != 0 || w.subjectOf(t, fresh) != "user:1" {
		t.Error("a login took over an expired session's values, or did not log in")
	}
}

func TestASealedSessionCannotChangeAfterTheHeaders(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{})
	v := begin(t, w.Manager, w.start(t)).commit()
	count.Update(v.Session, addOne)
	v.request.End()
	if !w.saw(session.ReasonTooLate) {
		t.Error("a change that could not be saved was not reported")
	}
}

// What one Destroy ends is told whether or not the request starts another session afterwards.
func TestDestroyIsToldThoughAnotherSessionFollows(t *testing.T) {
	for name, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}),
		"sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		t.Run(name, func(t *testing.T) {
			cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
			w.events = nil
			w.read(t, cookie, func(s *session.Session) { s.Destroy(); count.Set(s, 1) }).succeeded().issued()
			var told []string
			for _, e := range w.events {
				told = append(told, string(e.Reason)+" "+e.Subject)
			}
			if want := []string{"ended user:1", "created "}; !slices.Equal(told, want) {
				t.Errorf("events are %q, want %q", told, want)
			}
		})
	}
}

// A session that was to take the place of an ended one and does not fit its cookie has ended nothing.
func TestASealedSessionThatCannotFollowEndsNothing(t *testing.T) {
	w := newSealed(t, session.TemporaryKeys(), session.Options{})
	cookie := w.start(t)
	w.events = nil
	v := w.read(t, cookie, func(s *session.Session) { s.Destroy(); name.Set(s, strings.Repeat("x", 5000)) })
	v.failedWith(http.StatusInternalServerError)
	if v.untouched(); w.saw(session.ReasonEnded) {
		t.Error("a failed commit says that the session has ended")
	}
}
