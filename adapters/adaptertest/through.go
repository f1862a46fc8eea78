package adaptertest

import (
	"net/http"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// RunThrough runs a short form of the suite that holds with other middleware around or inside of the adapter, such as
// compression, recovery, logging and timeouts. It asks for compressed responses, and reads them.
func RunThrough(t *testing.T, serve Serve, lacks ...Lack) {
	for _, c := range []testCase{
		{"P18", "saved and answered", "sessions are one middleware among others", throughSaved, ""},
		{"P18", "a failed save is never a success", "whatever another middleware has wrapped around the response",
			throughFails, ""},
		{"P18", "a panic saves nothing", "the framework's recovery still answers", throughPanics, ""},
		{"guard", "a guard's answer arrives", "whatever another middleware has wrapped around the response", throughGuard,
			Guards},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, serve, lacks, Result{}) })
	}
}

func (s *suite) compressed() *site {
	st := s.stored(session.Options{})
	transport := &http.Transport{}
	s.Cleanup(transport.CloseIdleConnections)
	st.client.Transport = transport
	return st
}

func throughSaved(s *suite) {
	st := s.compressed()
	long := string(make([]byte, 4096)) // worth compressing
	st.on("/long", func(c *Call) error {
		count.Update(c.Session, addOne)
		c.SetHeader("Content-Type", "text/plain")
		return c.Respond(200, long)
	})
	cookie := st.get("/long", "").is(200, long).issued()
	st.get("/long", cookie).is(200, long).untouched()
	st.get("/no/such/route", cookie).is(404, "no route")
	fresh := st.get("/login", cookie).is(200, "in").issued()
	st.reads(fresh, "user:1", 2)
	if _, deleted := st.get("/logout", fresh).is(200, "out").cookie(); !deleted {
		s.Error("the logout did not delete the cookie")
	}
}

func throughFails(s *suite) {
	st := s.compressed()
	cookie := st.begun()
	st.on("/fail", func(c *Call) error {
		c.SetHeader("Content-Type", "application/json")
		c.SetHeader("X-Handler", "yes")
		count.Update(c.Session, addOne)
		return c.Respond(201, string(make([]byte, 4096)))
	})
	st.failing("Update")
	if a := st.get("/fail", cookie).refused(503).untouched(); a.header.Get("X-Handler") != "" {
		s.Errorf("headers %v: the handler's are among them", a.header)
	}
	st.store.Before(nil)
	st.reads(cookie, "", 1)
}

func throughPanics(s *suite) {
	st := s.compressed()
	st.on("/panic", func(c *Call) error {
		panic("on purpose")
	})
	if a := st.get("/panic", st.begun()).untouched(); a.err == nil && a.status < 500 {
		s.Errorf("answer %d %q", a.status, a.body)
	}
}

func throughGuard(s *suite) {
	open, behind := s.guarded(session.Options{}, session.Guard{Login: "/login"})
	behind.client.Transport = &http.Transport{}
	a := behind.asks("GET", "/orders", "", "Accept", acceptPages) // whose Vary may be the middleware's own
	if to := a.header.Get("Location"); a.status != 303 || to != "/login?next=/orders" {
		s.Errorf("status %d to %q, want 303 to the login page", a.status, to)
	}
	behind.asks("POST", "/orders", "").is(401, "Please log in first.\n")
	behind.asks("GET", "/orders", open.get("/login", "").issued()).is(200, "inside")
}
