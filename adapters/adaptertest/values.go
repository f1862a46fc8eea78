package adaptertest

import (
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

var values = []testCase{
	{"P28", "messages survive a redirect",
		"a form answers with a redirect, and what it has to say is for the page after it", flashAcrossRedirect, ""},
	{"P28", "a failed commit keeps messages", "a message that was on no page must come on the next one", failedTake, ""},
	{"P28", "a value ends with its own time", "a code that was sent by mail must not be good the whole day", ownTime, ""},
	{"P28", "two tabs lose no message", "what a visitor is told must not depend on how many tabs are open", twoTabs, ""},
}

const notices session.Flash[string] = "notices"

// flash adds the routes of a form and of the page that it redirects to.
func (st *site) flash() {
	st.on("/form", func(c *Call) error {
		notices.Add(c.Session, "saved")
		notices.Add(c.Session, "and sent")
		c.SetHeader("Location", "/page")
		return c.Respond(303, "")
	})
	st.on("/page", func(c *Call) error { return c.Respond(200, "page: "+strings.Join(notices.Take(c.Session), ", ")) })
}

// bothCarriers are a site with a store and one whose sessions travel in the cookie.
func (s *suite) bothCarriers() map[string]*site {
	return map[string]*site{
		"stored": s.stored(session.Options{}),
		"sealed": s.sealed(session.TemporaryKeys(), session.Options{Sealer: session.AEAD}),
	}
}

// next is the cookie that the browser has after the answer.
func (a *answer) next(cookie string) string {
	a.s.Helper()
	if value, _ := a.cookie(); value != "" {
		return value
	}
	return cookie
}

func flashAcrossRedirect(s *suite) {
	for kind, st := range s.bothCarriers() {
		st.flash()
		form := st.get("/form", "").is(303, "")
		if to := form.header.Get("Location"); to != "/page" {
			s.Errorf("%s: redirected to %q", kind, to)
		}
		cookie := form.issued()
		cookie = st.get("/add", cookie).is(200, "1").next(cookie) // a page that shows none
		cookie = st.get("/page", cookie).is(200, "page: saved, and sent").next(cookie)
		st.get("/page", cookie).is(200, "page: ").untouched()
	}
}

func failedTake(s *suite) {
	st := s.stored(session.Options{SaveOn: func(status int) bool { return status < 400 }})
	st.flash()
	st.on("/broken", func(c *Call) error { notices.Take(c.Session); return c.Respond(500, "broken") })
	cookie := st.get("/form", "").issued()
	st.failing("Update")
	st.get("/page", cookie).refused(503).untouched()
	st.store.Before(nil)
	st.get("/broken", cookie).is(500, "broken")
	st.get("/page", cookie).is(200, "page: saved, and sent")
	st.get("/page", cookie).is(200, "page: ")
}

func ownTime(s *suite) {
	for kind, st := range s.bothCarriers() {
		st.on("/send", func(c *Call) error { note.SetFor(c.Session, "4711", 10*time.Minute); return c.Respond(200, "sent") })
		st.on("/code", func(c *Call) error { return c.Respond(200, note.GetOr(c.Session, "none")) })
		cookie := st.begun()
		cookie = st.get("/send", cookie).is(200, "sent").next(cookie)
		size := st.sizeOf(cookie)
		st.pass(10*time.Minute - time.Millisecond)
		cookie = st.get("/code", cookie).is(200, "4711").next(cookie)
		st.pass(time.Millisecond)
		st.get("/code", cookie).is(200, "none").untouched()
		cookie = st.get("/add", cookie).is(200, "2").next(cookie)
		if after := st.sizeOf(cookie); after >= size {
			s.Errorf("%s: %d bytes while the value lived, and %d after a save without it", kind, size, after)
		}
		st.get("/code", cookie).is(200, "none")
	}
}

// sizeOf returns how many bytes a session has.
func (st *site) sizeOf(cookie string) int {
	st.s.Helper()
	i, err := st.manager.Inspect(st.s.Context(), cookie)
	if err != nil || i.Reason != "" {
		st.s.Fatalf("Inspect: %v, %s", err, i.Reason)
	}
	return i.Size
}

// twoTabs lets two tabs ask for a page at the same time, again and again. A page adds a message, takes those that there
// are, or both, after delays that chance gives.
func twoTabs(s *suite) {
	pages := 1000
	if testing.Short() {
		pages = 100
	}
	st := s.stored(session.Options{})
	var added atomic.Int64
	shown := map[string]bool{}
	cookie := st.begun()
	for range pages {
		g := newGate(2)
		st.on("/visit", func(c *Call) error {
			c.Session.Exists()
			g.pass() // both have loaded the session
			return c.Respond(200, strings.Join(addOrTake(c.Session, &added), " "))
		})
		for _, a := range st.inFlight("/visit", cookie, 2, g)() {
			if a.err != nil || a.status != 200 {
				s.Fatalf("answer %d %q (%v): no page may be refused because another one shows messages", a.status, a.body, a.err)
			}
			a.note(shown)
		}
	}
	st.on("/rest", func(c *Call) error { return c.Respond(200, strings.Join(notices.Take(c.Session), " ")) })
	st.get("/rest", cookie).note(shown)
	for n := range int(added.Load()) {
		if !shown[itoa(n+1)] {
			s.Fatalf("message %d of %d was on no page", n+1, added.Load())
		}
	}
	if !st.saw(session.ReasonMerged) {
		s.Error("no two pages wrote at the same time, so this case proves nothing")
	}
}

// note notes the messages that a page shows.
func (a *answer) note(shown map[string]bool) {
	for _, text := range strings.Fields(a.body) {
		shown[text] = true
	}
}

func addOrTake(v *session.Session, added *atomic.Int64) (shown []string) {
	for range 1 + rand.IntN(2) {
		dawdle()
		if rand.IntN(2) == 0 {
			notices.Add(v, itoa(int(added.Add(1))))
		} else {
			shown = append(shown, notices.Take(v)...)
		}
	}
	dawdle()
	return shown
}

func dawdle() {
	for range rand.IntN(20) {
		runtime.Gosched()
	}
}
