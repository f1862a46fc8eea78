package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P25: a request is judged at its end, and a slow one is use for as long as it runs.
func TestASlowReaderIsUse(t *testing.T) {
	for kind, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}), "sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
		"stored, asked":  newWorld(t, session.Options{SaveOn: func(int) bool { return true }}),
		"stored, failed": newWorld(t, session.Options{SaveOn: func(int) bool { return false }}),
	} {
		cookie := startElsewhere(t, w)
		w.now = w.now.Add(time.Minute)
		upload := begin(t, w.Manager, cookie)
		count.Get(upload.Session)
		w.now = w.now.Add(20 * time.Minute)
		upload.finish().succeeded()
		if value, _ := upload.cookie(); value != "" {
			cookie = value
		}
		w.now = w.now.Add(29 * time.Minute)
		if n := w.countOf(t, cookie); n != 1 {
			t.Errorf("%s: the visitor was logged out 29 minutes after the answer to a request that took 20", kind)
		}
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

// P25: a request whose write is refused for its size has used the session.
func TestP25ARequestWhoseWriteIsTooLargeIsUse(t *testing.T) {
	w := newWorld(t, session.Options{MaxSize: 300})
	cookie := w.start(t)
	w.now = w.now.Add(29 * time.Minute)
	v := begin(t, w.Manager, cookie)
	name.Set(v.Session, strings.Repeat("x", 1000))
	v.finish()
	w.now = w.now.Add(29 * time.Minute)
	if got := w.countOf(t, cookie); got != 1 {
		t.Errorf("29 minutes after a request that failed with ErrTooLarge: count %d, want 1", got)
	}
}

// P25: a store that takes no new records does not log out visitors who are active.
func TestP25ARenewalThatFailsStillTouches(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: 10 * time.Minute})
	cookie := w.start(t)
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Create" {
			return errDown
		}
		return nil
	})
	for i := range 20 {
		w.now = w.now.Add(5 * time.Minute)
		if got := w.countOf(t, cookie); got != 1 {
			t.Fatalf("use %d, five minutes after the last: count %d, want 1", i, got)
		}
	}
}

// The absolute deadline is an end like any other, judged at load and again before each write. The idle one is not: a
// request that began in time is use.

func TestARequestThatOutlastsTheIdleTimeoutIsUse(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"read": func(s *session.Session) { count.Get(s) }, "update": func(s *session.Session) { count.Update(s, addOne) },
		"touch": (*session.Session).Touch, "renew": (*session.Session).Renew,
		"login": func(s *session.Session) { s.Login("user:1") },
	} {
		for kind, w := range map[string]*world{
			"stored": newWorld(t, session.Options{}), "sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
		} {
			cookie := w.start(t)
			w.now = w.now.Add(time.Minute)
			v := begin(t, w.Manager, cookie)
			f(v.Session)
			w.now = w.now.Add(45 * time.Minute)
			v.finish().succeeded()
			if value, _ := v.cookie(); value != "" {
				cookie = value
			}
			if n := w.countOf(t, cookie); n == 0 {
				t.Errorf("%s, %s: the session ended under a request that had begun in time", kind, what)
			}
		}
	}
}

func TestASessionThatReachesItsDeadlineDuringTheRequestIsNotRevived(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"set": func(s *session.Session) { count.Set(s, 9) }, "renew": (*session.Session).Renew,
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		v := begin(t, w.Manager, cookie)
		f(v.Session)
		w.now = w.now.Add(12 * time.Hour)
		v.finish().failedWith(http.StatusConflict)
		v.untouched()
		if n := w.countOf(t, cookie); n != 0 {
			t.Errorf("%s: count = %d: an expired session came back", what, n)
		}
	}
}

func TestALoginWhoseSessionReachedItsDeadlineStartsAnew(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	v.Login("user:1")
	w.now = w.now.Add(12 * time.Hour)
	fresh := v.finish().succeeded().issued()
	if w.subjectOf(t, fresh) != "user:1" || w.countOf(t, fresh) != 0 {
		t.Error("the login took over an expired session's values, or did not log in")
	}
}

func TestAReaderWhoseSessionReachedItsDeadlineIsNotRenewed(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Minute})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	w.now = w.now.Add(12 * time.Hour)
	v.finish().succeeded()
	v.untouched()
}

// P6: what has idled out does not come back through the alias that leads to it.
func TestP6ResumeDoesNotBringBackWhatHasIdledOut(t *testing.T) {
	w := newWorld(t, session.Options{IdleTimeout: time.Minute, TouchInterval: time.Second})
	old := w.start(t)
	w.loginAt(t, old, "user:1")
	w.now = w.now.Add(4 * time.Minute)
	v := begin(t, w.Manager, old)
	v.Login("user:1")
	next := v.finish().succeeded().issued()
	if got := w.countOf(t, next); got != 0 {
		t.Errorf("count %d came back from a session that expired three minutes ago", got)
	}
}
