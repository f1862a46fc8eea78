package adaptertest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

var errorAnswers = []testCase{
	{"P18", "an error is answered once", "error handlers write their answer and never ask whether there is one",
		errorOnce, ""},
	{"P18", "an error handler has the session", "an error page shows who is logged in, and may leave a message",
		errorHandlerUsesSession, ""},
	{"P18", "an error handler may fail", "the last resort against errors has errors of its own", errorHandlerFails, ""},
}

var errHandler = errors.New("the handler failed")

// failingSite serves sessions with one manager or two, a handler that fails after it has used its session, and one that
// fails without. answer is the application's error handler, and handled counts its calls.
func (s *suite) failingSite(managers int, answer func(*Call, error) error) (st *site, handled func() int) {
	st = s.newSite()
	n := 0
	st.handleError = func(c *Call, err error) error {
		st.mu.Lock()
		n++
		st.mu.Unlock()
		return answer(c, err)
	}
	m, err := session.New(st.store, st.observed(session.Options{}))
	outer, err2 := session.New(st.store, session.Options{Name: "outer"})
	if err != nil || err2 != nil {
		s.Fatal(err, err2)
	}
	all := []*session.Manager{outer, m}
	st.start(all[len(all)-managers:]...)
	st.on("/error/used", func(c *Call) error { count.Update(c.Session, addOne); return errHandler })
	st.on("/error/unused", func(*Call) error { return errHandler })
	st.on("/error/panic", func(c *Call) error {
		count.Update(c.Session, addOne)
		panic(c.Respond(200, "written"))
	})
	return st, func() int {
		st.mu.Lock()
		defer st.mu.Unlock()
		return n
	}
}

const errorBody = `{"error":"sorry"}`

func answerError(c *Call, err error) error {
	if errors.Is(err, errHandler) {
		return c.Respond(418, errorBody)
	}
	return c.Respond(404, errorBody) // the framework's own, for a path without a route
}

func errorOnce(s *suite) {
	for managers := 1; managers <= 2; managers++ {
		st, handled := s.failingSite(managers, answerError)
		cookie := st.begun()
		for i, path := range []string{"/error/used", "/error/unused"} {
			st.get(path, cookie).is(418, errorBody)
			if n := handled(); n != i+1 {
				s.Errorf("%s with %d managers: the error handler has run %d times, want %d", path, managers, n, i+1)
			}
		}
		st.reads(cookie, "", 2)
		if a := st.get("/", cookie); a.status != 404 || strings.Count(a.body, errorBody) > 1 || handled() > 3 {
			s.Errorf("no route, %d managers: answer %d %q, error handler %d times", managers, a.status, a.body, handled()-2)
		}
		st.failing("Update")
		for _, path := range []string{"/error/used", "/error/panic"} {
			a := st.send(context.Background(), http.MethodPost, path, cookieName+"="+cookie)
			if a.status == 503 && strings.Contains(a.body, errorBody) || a.err == nil && a.status < 400 {
				s.Errorf("%s, failed save, %d managers: answer %d %q", path, managers, a.status, a.body)
			}
		}
	}
}

func errorHandlerUsesSession(s *suite) {
	st, _ := s.failingSite(1, func(c *Call, err error) error {
		count.Update(c.Session, addOne)
		return answerError(c, err)
	})
	cookie := st.get("/error/unused", "").is(418, errorBody).issued()
	st.get("/error/used", cookie).is(418, errorBody)
	st.reads(cookie, "", 3)
}

func errorHandlerFails(s *suite) {
	for managers := 1; managers <= 2; managers++ {
		st, handled := s.failingSite(managers, func(c *Call, err error) error {
			return errors.Join(answerError(c, err), errors.New("and the error handler too"))
		})
		cookie := st.begun()
		a := st.get("/error/used", cookie)
		if a.status < 400 || strings.Count(a.body, errorBody) > 1 || handled() != 1 {
			s.Errorf("%d managers: answer %d %q, the error handler has run %d times", managers, a.status, a.body, handled())
		}
		st.reads(cookie, "", 2)
	}
}
