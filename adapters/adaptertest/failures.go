package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

var failures = []testCase{
	{"P17", "a failed load is a 503",
		"an empty session that is really an outage must not be acted upon, nor saved over the good one", loadFails, ""},
	{"P18", "a failed save is never a success", "a client that is told 201 believes it", saveFails, ""},
	{"P18", "entry headers survive a failed save",
		"without the CORS and request id headers of outer middleware a browser shows a network error", entryHeaders, ""},
	{"P18", "an inner failure is an outer response",
		"of two managers, one that works does not depend on one that does not", nestedManagers, ""},
	{"P18", "a panic saves nothing", "half of what a handler wanted is not what it wanted", panicSavesNothing, ""},
	{"P18", "a returned error's response is saved with", "the framework's error page is a response like any other",
		errorResponse, ""},
	{"P18", "a handler that writes nothing is saved", "an empty answer with a status is still an answer",
		writesNothing, ""},
	{"P18", "a panic in the commit is never a success",
		"an application's own functions run there, and something inside may recover", commitPanics, ""},
	{"P19", "late changes", "a change after the headers must not vanish in silence", lateChanges, ""},
	{"P22", "a newer record is kept", "during a rolling deployment old servers meet new records", newerRecord, ""},
}

var errDown = errors.New("the store is down")

func (st *site) failing(method string) {
	st.store.Before(func(c probe.Call) error {
		if c.Method == method {
			return errDown
		}
		return nil
	})
}

func loadFails(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.failing("Load")
	for _, path := range []string{"/read", "/add", "/login", "/logout"} {
		a := st.get(path, cookie).refused(503).untouched()
		if strings.Contains(a.body, errDown.Error()) {
			s.Error("the answer shows what is wrong inside")
		}
	}
	st.get("/unused", cookie).is(200, "unused")
	st.store.Before(nil)
	st.reads(cookie, "", 1)
}

// saveFails tries every common way to answer. Nothing of it may go out.
func saveFails(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	for _, status := range []int{200, 201, 204, 302, 303, 404, 500} {
		for _, body := range []string{"", "the handler's body"} {
			st.on("/fail", func(c *Call) error {
				for name, value := range map[string]string{
					"Content-Type": "application/json", "Location": "/next", "ETag": `"1"`,
					"Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT",
					"Cache-Control": "public", "Set-Cookie": "theme=dark", "X-Handler": "yes", "Content-Language": "en",
				} {
					c.SetHeader(name, value)
				}
				count.Update(c.Session, addOne)
				return c.Respond(status, body)
			})
			st.failing("Update")
			a := st.get("/fail", cookie).refused(503).untouched()
			for _, name := range []string{"Location", "Etag", "Last-Modified", "Set-Cookie", "X-Handler", "Content-Language"} {
				if v := a.header.Values(name); len(v) > 0 {
					s.Errorf("status %d: the handler's %s %q is in the error response", status, name, v)
				}
			}
			if kind := a.header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
				s.Errorf("Content-Type %q of the error response", kind)
			}
			st.store.Before(nil)
			st.reads(cookie, "", 1)
		}
	}
}

func entryHeaders(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.on("/fail", func(c *Call) error {
		c.SetHeader("X-Request-Id", "the handler's")
		count.Update(c.Session, addOne)
		return c.Respond(200, "")
	})
	st.failing("Update")
	a := st.get("/fail", cookie).refused(503)
	if id, vary := a.header.Get("X-Request-Id"), a.header.Get("Vary"); id != "7" || vary != "Origin, Cookie" {
		s.Errorf("X-Request-Id %q and Vary %q, want 7 and both Origin and Cookie", id, vary)
	}
}

func nestedManagers(s *suite) {
	st := s.newSite()
	outer, err := session.New(st.store, session.Options{Name: "outer"})
	inner, err2 := session.New(brokenStore{st.store}, st.observed(session.Options{}))
	if err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	st.start(outer, inner)
	st.on("/both", func(c *Call) error {
		count.Set(outer.From(c.Context), 1)
		count.Set(c.Session, 1)
		return c.Respond(200, "both")
	})
	a := st.get("/both", "").refused(503).untouched()
	if !strings.HasPrefix(a.header.Get("Set-Cookie"), "__Host-outer=") {
		s.Errorf("Set-Cookie %q: the outer manager's own response was lost", a.header.Values("Set-Cookie"))
	}
}

type brokenStore struct{ session.Store }

func (brokenStore) Create(context.Context, session.Record) error { return errDown }

func panicSavesNothing(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.on("/panic", func(c *Call) error {
		count.Update(c.Session, addOne)
		panic("on purpose")
	})
	st.on("/saved", func(c *Call) error {
		count.Update(c.Session, addOne)
		if err := c.Session.Save(); err != nil {
			s.Error(err)
		}
		count.Update(c.Session, addOne)
		panic("on purpose")
	})
	for path, n := range map[string]int{"/panic": 0, "/saved": 1} {
		before := st.get("/read", cookie).body
		if a := st.send(context.Background(), http.MethodPost, path, cookieName+"="+cookie).untouched(); a.err == nil &&
			a.status < 500 {
			s.Errorf("%s: answer %d %q, want a broken connection or a 5xx", path, a.status, a.body)
		}
		if after := st.get("/read", cookie).body; len(after) != 2 || after[1]-before[1] != byte(n) {
			s.Errorf("%s: from %s to %s, want %d more", path, before, after, n)
		}
	}
}

func commitPanics(s *suite) {
	st := s.stored(session.Options{ErrorResponse: func(error, func(string) string) session.Response {
		panic("on purpose")
	}})
	cookie := st.begun()
	st.on("/fail", func(c *Call) (err error) {
		defer func() {
			if recover() != nil {
				err = c.Respond(200, "saved")
			}
		}()
		count.Update(c.Session, addOne)
		return c.Respond(200, "saved")
	})
	st.failing("Update")
	a := st.send(context.Background(), http.MethodPost, "/fail", cookieName+"="+cookie)
	if a.err == nil && (a.status < 500 || strings.Contains(a.body, "saved")) {
		s.Errorf("answer %d %q, want a broken connection or a 5xx", a.status, a.body)
	}
}

func errorResponse(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.on("/error", func(c *Call) error {
		count.Update(c.Session, addOne)
		if err := c.Respond(418, "teapot"); err != nil {
			return err
		}
		return nil
	})
	st.get("/error", cookie).is(418, "teapot")
	st.reads(cookie, "", 2)
	failing := errors.New("handler failed")
	st.on("/returned", func(c *Call) error {
		count.Update(c.Session, addOne)
		return failing
	})
	if a := st.get("/returned", cookie); a.status == 200 && a.body != "" {
		s.Errorf("answer %d %q", a.status, a.body)
	}
	st.reads(cookie, "", 3)
	st.failing("Update")
	st.get("/returned", cookie).refused(503)
}

func writesNothing(s *suite) {
	st := s.stored(session.Options{})
	st.on("/silent", func(c *Call) error { count.Update(c.Session, addOne); return nil })
	cookie := st.get("/silent", "").is(200, "").issued()
	st.reads(cookie, "", 1)
	st.failing("Update")
	st.get("/silent", cookie).refused(503)
}

func lateChanges(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.on("/late", func(c *Call) error {
		err := c.Respond(200, "sent")
		count.Update(c.Session, addOne)
		return err
	})
	st.get("/late", cookie).is(200, "sent")
	st.eventually(func() bool { return st.get("/read", cookie).body == "/2" })
	if a := st.get("/late", "").is(200, "sent"); a.header.Get("Set-Cookie") == "" { // a framework that buffers is not late
		st.eventually(func() bool { return st.saw(session.ReasonTooLate) })
	}
}

// eventually waits for something that happens after the client has its answer.
func (st *site) eventually(done func() bool) {
	st.s.Helper()
	for range 500 {
		if done() {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	st.s.Error("it did not happen")
}

func newerRecord(s *suite) {
	st := s.stored(session.Options{})
	cookie := st.begun()
	st.store.Before(func(c probe.Call) error {
		r, err := st.store.Inner().Load(context.Background(), c.ID)
		if err != nil || r.Data[1] != 1 {
			return nil
		}
		r.Data = append([]byte{}, r.Data...)
		r.Data[1] = 2
		return st.store.Inner().Update(context.Background(), r)
	})
	st.get("/add", cookie).refused(503).untouched()
	st.get("/logout", cookie).refused(503).untouched()
	if st.store.Count("Update") != 0 {
		s.Error("a record that this version does not understand was written over")
	}
}
