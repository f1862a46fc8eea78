package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// P17 to P20 and P22: what happens when something fails.

var errDown = errors.New("connection refused by 10.0.0.1")

func fail(methods ...string) func(probe.Call) error {
	return func(c probe.Call) error {
		for _, m := range methods {
			if c.Method == m {
				return errDown
			}
		}
		return nil
	}
}

func TestASessionThatFailedToLoadIsNeverSaved(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	v := begin(t, w.Manager, cookie)
	if count.Get(v.Session) != 0 || v.Exists() || v.Subject() != "" {
		t.Error("a session that failed to load must read as empty")
	}
	if err := v.Err(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(err, errDown) {
		t.Errorf("Err = %v, want ErrUnavailable and its cause", err)
	}
	count.Set(v.Session, 100)
	v.Login("user:1")
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("Save = %v, want ErrUnavailable", err)
	}
	v.finish().failedWith(http.StatusServiceUnavailable)
	v.untouched()
	if strings.Contains(string(v.instead.Body), "10.0.0.1") {
		t.Error("the answer shows the client what is wrong inside")
	}
	w.store.Before(nil)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: the good session was overwritten", n)
	}
	if n := w.store.Count("Create") + w.store.Count("Update"); n != 1 {
		t.Errorf("%d writes, want only the first", n)
	}
}

func TestAReaderOfAFailedLoadGetsA503Too(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).failedWith(http.StatusServiceUnavailable)
	begin(t, w.Manager, cookie).finish().succeeded() // not used: not concerned
}

func TestTheApplicationMayServeOnAsAnonymous(t *testing.T) {
	w := newWorld(t, session.Options{AnonymousWhenUnavailable: true})
	cookie := w.start(t)
	w.store.Before(fail("Load"))
	v := w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	v.untouched()
	for what, f := range map[string]func(*session.Session){
		"set": func(s *session.Session) { count.Set(s, 5) }, "destroy": (*session.Session).Destroy,
	} {
		v := w.read(t, cookie, f)
		if v.ok {
			t.Errorf("%s: the response claims success for a change that was not saved", what)
		}
	}
}

func TestAResponseNeverClaimsSuccessForWhatWasNotSaved(t *testing.T) {
	for _, method := range []string{"Create", "Update"} {
		w := newWorld(t, session.Options{})
		cookie := ""
		if method == "Update" {
			cookie = w.start(t)
		}
		w.store.Before(fail(method))
		v := begin(t, w.Manager, cookie)
		v.x.response.Set("Location", "/next")
		v.x.response.Add("Set-Cookie", "theme=dark")
		count.Set(v.Session, 5)
		v.finish().failedWith(http.StatusServiceUnavailable)
		v.untouched()
		if h := v.x.response; h.Get("Location") != "" || len(h.Values("Set-Cookie")) != 0 || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v: something of the handler's response is left", method, h)
		}
		if !w.saw(session.ReasonCommitFailed) {
			t.Errorf("%s: the failure was not reported", method)
		}
	}
}

func TestATouchThatFailsDoesNotFailAReader(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.now = w.now.Add(5 * time.Minute)
	w.store.Before(fail("Touch"))
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	if !w.saw(session.ReasonTouchFailed) {
		t.Error("the failure was not reported")
	}
	w.read(t, cookie, func(s *session.Session) { s.Touch() }).failedWith(http.StatusServiceUnavailable)
}

func TestSaveOnDecidesByStatus(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return status < 500 }})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Update(v.Session, addOne)
	if _, ok := v.request.Commit(http.StatusInternalServerError); !ok {
		t.Error("the handler's own error response was replaced")
	}
	v.request.End()
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: a refused response's changes were saved", n)
	}
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2", n)
	}
}

func TestAPanicSavesNothingBeyondAnEarlierSave(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	count.Set(v.Session, 1)
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	v.untouched()
	count.Set(v.Session, 2)
	v.request.Discard()
	v.request.End()
	if n := w.countOf(t, v.issued()); n != 1 {
		t.Errorf("count = %d, want 1", n)
	}
}

func TestTheCookieOfAnEarlierSaveSurvivesAFailedCommit(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	v.Login("user:1")
	if err := v.Save(); err != nil {
		t.Fatal(err)
	}
	w.store.Before(fail("Update"))
	count.Set(v.Session, 1)
	v.finish().failedWith(http.StatusServiceUnavailable)
	w.store.Before(nil)
	if w.subjectOf(t, v.issued()) != "user:1" {
		t.Error("the visitor lost a login that was saved")
	}
}

func TestAFailedSaveLeavesTheResponseToTheHandler(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Before(fail("Update"))
	v := begin(t, w.Manager, cookie)
	count.Set(v.Session, 5)
	if err := v.Save(); !errors.Is(err, session.ErrUnavailable) || !errors.Is(v.Err(), session.ErrUnavailable) {
		t.Fatalf("Save = %v, Err = %v", err, v.Err())
	}
	if n := count.Get(v.Session); n != 1 {
		t.Errorf("count = %d, want 1: dropped changes must not show", n)
	}
	v.finish().succeeded()
}

// P19: after the headers.

func TestAChangeAfterTheHeadersIsSavedIfItNeedsNone(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie).commit()
	count.Update(v.Session, addOne)
	v.request.End()
	if n := w.countOf(t, cookie); n != 2 {
		t.Errorf("count = %d, want 2", n)
	}
	v = begin(t, w.Manager, cookie).commit()
	v.Destroy()
	v.request.End()
	if n := w.countOf(t, cookie); n != 0 {
		t.Error("a logout after the headers did not end the session")
	}
}

func TestAChangeAfterTheHeadersIsReportedIfItNeedsOne(t *testing.T) {
	for what, f := range map[string]func(*session.Session){
		"first value": func(s *session.Session) { count.Set(s, 1) }, "login": func(s *session.Session) { s.Login("user:1") },
	} {
		w := newWorld(t, session.Options{})
		v := begin(t, w.Manager, "").commit()
		f(v.Session)
		if err := v.Save(); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("%s: Save = %v, want ErrCommitted", what, err)
		}
		f(v.Session)
		v.request.End()
		if !w.saw(session.ReasonTooLate) || w.store.Count("Create") != 0 {
			t.Errorf("%s: a session was made whose cookie could not be set, or nobody was told", what)
		}
	}
}

func TestASessionUsedAfterItsRequestIsReported(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	count.Get(v.Session)
	v.finish().succeeded()
	w.store.Reset()
	count.Update(v.Session, addOne)
	v.Login("user:1")
	v.Destroy()
	if count.Get(v.Session) != 0 || v.Exists() || v.Handle() != "" || v.Subject() != "" {
		t.Error("a session shows values after its request")
	}
	if !errors.Is(v.Err(), session.ErrRequestOver) || !errors.Is(v.Save(), session.ErrRequestOver) {
		t.Errorf("Err = %v, Save = %v, want ErrRequestOver", v.Err(), v.Save())
	}
	if w.store.Count("") != 0 || !w.saw(session.ReasonRequestOver) {
		t.Error("the store was called, or nobody was told")
	}
	if e := w.events[len(w.events)-1]; !errors.Is(e.Err, session.ErrRequestOver) || !strings.Contains(e.Source, "session_failure_test.go:") {
		t.Errorf("event %+v, want ErrRequestOver and the line that did it", e)
	}
}

// P22: a rolling deployment.

func TestARecordOfANewerVersionIsUnavailableAndKept(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	newer := func(c probe.Call) error {
		r, err := w.store.Inner().Load(context.Background(), c.ID)
		if err != nil || r.Data[1] != 1 {
			return nil
		}
		r.Data = append([]byte{}, r.Data...)
		r.Data[1] = 2
		return w.store.Inner().Update(context.Background(), r)
	}
	w.store.Before(newer)
	v := w.read(t, cookie, func(s *session.Session) { count.Set(s, 9) })
	v.failedWith(http.StatusServiceUnavailable)
	v.untouched()
	if w.store.Count("Update") != 0 {
		t.Error("a record that this version does not understand was written over")
	}
}

func TestAValueThatDoesNotFitItsKeyIsKept(t *testing.T) {
	const wrong session.Key[bool] = "count"
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := w.read(t, cookie, func(s *session.Session) {
		if _, ok := wrong.Lookup(s); ok {
			t.Error("an int was read as a bool")
		}
		if _, ok := wrong.Pop(s); ok {
			t.Error("an int was popped as a bool")
		}
	}).succeeded()
	v.untouched()
	w.read(t, cookie, func(s *session.Session) {
		wrong.Update(s, func(bool) bool { return true })
	}).failedWith(http.StatusInternalServerError)
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d, want 1: bytes that did not fit were overwritten", n)
	}
	if !w.saw(session.ReasonUndecodable) {
		t.Error("nobody was told")
	}
}

func TestAValueThatCannotBeEncodedFailsTheCommit(t *testing.T) {
	const broken session.Key[chan int] = "broken"
	const pointer session.Key[*int] = "pointer"
	const odd session.Key[map[string]any] = "odd"
	for what, f := range map[string]func(*session.Session){
		"channel": func(s *session.Session) { broken.Set(s, make(chan int)) },
		"pointer": func(s *session.Session) { pointer.Get(s) },
		"nested":  func(s *session.Session) { odd.Set(s, map[string]any{"f": func() {}}) },
	} {
		w := newWorld(t, session.Options{})
		w.read(t, w.start(t), f).failedWith(http.StatusInternalServerError)
		if !w.saw(session.ReasonUnencodable) {
			t.Errorf("%s: nobody was told", what)
		}
	}
}
