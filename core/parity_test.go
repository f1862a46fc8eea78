package session_test

import (
	"bytes"
	"encoding/base64"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// A sealed cookie is unreadable: nothing that was stored is in it, however often one decodes it.
func TestASealedCookieShowsNothing(t *testing.T) {
	for kind, sealer := range sealers {
		w := newSealed(t, session.TemporaryKeys(), session.Options{Sealer: sealer})
		cookie := w.read(t, "", func(s *session.Session) {
			name.Set(s, "sesame-sesame")
			s.Login("user:sesame")
		}).succeeded().issued()
		if shows([]byte(cookie), "sesame") {
			t.Errorf("%s: the cookie %q shows what was stored", kind, cookie)
		}
	}
	inner := base64.URLEncoding.EncodeToString([]byte("open sesame"))
	if plain := base64.URLEncoding.EncodeToString([]byte("1|" + inner + "|mac")); !shows([]byte(plain), "sesame") {
		t.Error("a cookie that is not encrypted would not be noticed")
	}
}

// shows looks for a word in a cookie and in whatever base64 it holds.
func shows(text []byte, word string) bool {
	if bytes.Contains(text, []byte(word)) {
		return true
	}
	for part := range bytes.SplitSeq(text, []byte("|")) {
		inner, err := base64.RawURLEncoding.DecodeString(string(bytes.TrimRight(part, "=")))
		if err == nil && len(inner) > 0 && shows(inner, word) {
			return true
		}
	}
	return false
}

func TestAnEmptiedSessionIsASessionStill(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { s.Login("user:1"); count.Set(s, 1) }).succeeded().issued()
	w.read(t, cookie, count.Delete).succeeded().untouched()
	w.read(t, cookie, (*session.Session).Clear).succeeded().untouched()
	if !existsWith(t, w, cookie) || w.subjectOf(t, cookie) != "user:1" {
		t.Error("who emptied the session has been logged out")
	}
}

func TestRemovingWhatIsNotThereChangesNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	w.read(t, cookie, func(s *session.Session) {
		name.Delete(s)
		if _, ok := name.Pop(s); ok {
			t.Error("something was popped that was never set")
		}
	}).succeeded().untouched()
	if n := w.store.Count("Update"); n != 0 {
		t.Errorf("%d updates, want none", n)
	}
	w.read(t, "", func(s *session.Session) { name.Delete(s); s.Clear() }).succeeded().untouched()
}

// Whether a browser takes cookies shows when any value comes back.
func TestWhetherABrowserTakesCookiesShowsInAnyValue(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	for presented, takes := range map[string]bool{cookie: true, "": false} {
		w.read(t, presented, func(s *session.Session) {
			if _, ok := count.Lookup(s); ok != takes {
				t.Errorf("the value came back: %t, want %t", ok, takes)
			}
		})
	}
}

func TestNoNameOfAKeyIsReserved(t *testing.T) {
	w := newWorld(t, session.Options{})
	keys := []session.Key[string]{"_permanent", "_flashes", "_auth_user_id", "_session_expiry", "csrf_token", "id"}
	cookie := w.read(t, "", func(s *session.Session) {
		for _, k := range keys {
			k.Set(s, string(k))
		}
	}).succeeded().issued()
	w.read(t, cookie, func(s *session.Session) {
		for _, k := range keys {
			if v := k.Get(s); v != string(k) {
				t.Errorf("%s comes back as %q", k, v)
			}
		}
		if s.Subject() != "" {
			t.Error("a value has logged somebody in")
		}
	})
}

// A TouchInterval of a millisecond notes every use.
func TestEveryRequestCanExtendTheSession(t *testing.T) {
	w := newWorld(t, session.Options{TouchInterval: time.Millisecond})
	cookie := w.start(t)
	w.store.Reset()
	for range 5 {
		w.now = w.now.Add(time.Second)
		w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded().untouched()
	}
	if touches, updates := w.store.Count("Touch"), w.store.Count("Update"); touches != 5 || updates != 0 {
		t.Errorf("five requests make %d touches and %d updates, want 5 and none", touches, updates)
	}
	w.read(t, "", func(s *session.Session) { count.Get(s) }).succeeded().untouched()
}

func TestTheTimeZoneOfTheClockDoesNotMatter(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.now = w.now.Add(idleEnd - time.Millisecond).In(time.FixedZone("far east", 14*60*60))
	if w.countOf(t, cookie) != 1 {
		t.Error("on a server in another time zone the session is over too early")
	}
	w.now = w.now.Add(idleEnd).In(time.FixedZone("far west", -12*60*60))
	if w.countOf(t, cookie) != 0 {
		t.Error("on a server in another time zone the session lives on")
	}
}
