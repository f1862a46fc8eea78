package session_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"unicode"
	"unsafe"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const (
	unstorable session.Key[chan int] = "unstorable"
	misfit     session.Key[bool]     = "count"
	refusing   session.Key[any]      = "refusing"
)

// line returns the line of its call, and n more.
func line(n int) string {
	_, file, at, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, at+n)
}

// Applications keep events, and a key's name may lie in a buffer that the framework reuses for the next request.
func TestAnEventKeepsItsKey(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	buffer := []byte("unstorable")
	key := session.Key[chan int](unsafe.String(unsafe.SliceData(buffer), len(buffer)))
	key.Set(v.Session, nil)
	v.finish()
	copy(buffer, "XXXXXXXXXX")
	if e := w.onlyFailure(t); e.Key != "unstorable" {
		t.Errorf("the event's key has become %q", e.Key)
	}
}

// mistake is what a handler does wrong on the line that it returns.
type mistake struct {
	what   string
	reason session.Reason
	late   bool // after the headers
	cookie bool // with a session that is there
	make   func(*session.Session) string
}

var mistakes = []mistake{
	{"set", session.ReasonUnencodable, false, true, func(s *session.Session) string {
		refusing.Set(s, func() {})
		return line(-1)
	}},
	{"update", session.ReasonUnencodable, false, true, func(s *session.Session) string {
		refusing.Update(s, func(any) any { return func() {} })
		return line(-1)
	}},
	{"unstorable", session.ReasonUnencodable, false, true, func(s *session.Session) string {
		unstorable.Update(s, func(c chan int) chan int { return c })
		return line(-1)
	}},
	{"misread", session.ReasonUndecodable, false, true, func(s *session.Session) string {
		for range 3 {
			misfit.Get(s)
		}
		return line(-2)
	}},
	{"misfit", session.ReasonUndecodable, false, true, func(s *session.Session) string {
		misfit.Update(s, func(bool) bool { return true })
		return line(-1)
	}},
	{"login as nobody", session.ReasonCommitFailed, false, true, func(s *session.Session) string {
		s.Login("")
		return line(-1)
	}},
	{"late first value", session.ReasonTooLate, true, false, func(s *session.Session) string {
		count.Set(s, 1)
		name.Set(s, "x")
		return line(-2)
	}},
	{"late login", session.ReasonTooLate, true, true, func(s *session.Session) string {
		count.Set(s, 7) // which alone is saved
		s.Login("user:9")
		return line(-1)
	}},
	{"late renewal", session.ReasonTooLate, true, true, func(s *session.Session) string {
		s.Renew()
		return line(-1)
	}},
	{"late and after a destroy", session.ReasonTooLate, true, true, func(s *session.Session) string {
		s.Destroy()
		count.Set(s, 1)
		return line(-1)
	}},
	{"late and refused", session.ReasonUnencodable, true, true, func(s *session.Session) string {
		refusing.Set(s, func() {})
		return line(-1)
	}},
	{"late, on a line of another function's", session.ReasonTooLate, true, false, func(s *session.Session) (at string) {
		func() {
			defer s.Login("user:1")
			at = line(1)
		}()
		return at
	}},
}

// One mistake is one event, which says where it was made, in which request, and for whom.
func TestAnEventLeadsToTheMistake(t *testing.T) {
	for _, m := range mistakes {
		t.Run(m.what, func(t *testing.T) {
			w := newWorld(t, session.Options{})
			cookie := ""
			if m.cookie {
				v := begin(t, w.Manager, "")
				v.Login("user:1")
				count.Set(v.Session, 1)
				cookie = v.finish().succeeded().issued()
			}
			v := begin(t, w.Manager, cookie)
			v.x.method, v.x.facts.Path = "POST", "/cart"
			if m.late {
				count.Get(v.Session)
				v.commit()
			}
			w.events = nil
			at := m.make(v.Session)
			if !m.late {
				v.commit()
			}
			v.request.End()
			e := w.onlyFailure(t)
			if e.Reason != m.reason || e.Source != at || e.Route != "POST /cart" || m.cookie && e.Subject == "" {
				t.Errorf("event %+v, want %s of POST /cart at %s", e, m.reason, at)
			}
		})
	}
}

// onlyFailure returns the one event that tells of a failure.
func (w *world) onlyFailure(t *testing.T) (found session.Event) {
	t.Helper()
	var failures []session.Event
	for _, e := range w.events {
		if e.Err != nil {
			failures = append(failures, e)
		} else if e.Route != "" || e.Source != "" {
			t.Errorf("event %+v, want route and source only of failures", e)
		}
	}
	if len(failures) != 1 {
		t.Fatalf("failures %+v, want one", failures)
	}
	return failures[0]
}

var errBroken = errors.New("broken")

// breaks lets calls of a method of the store fail, or with "writes" of all but Load.
func (w *world) breaks(method string) {
	w.store.Before(func(c probe.Call) error {
		if c.Method == method || method == "writes" && c.Method != "Load" {
			return errBroken
		}
		return nil
	})
}

// What fails of the store's is nobody's line, and is told once however much follows from it.
func TestAFailureIsToldOnce(t *testing.T) {
	for _, c := range []struct {
		what, breaks, subject string
		reason                session.Reason
		serveOn               bool
		f                     func(*session.Session)
	}{
		{
			"load",
			"Load", "", session.ReasonLoadFailed, false, func(s *session.Session) { count.Update(s, addOne); s.Login("user:2") },
		},
		{"load, served on", "Load", "", session.ReasonLoadFailed, true, func(s *session.Session) { count.Update(s, addOne) }},
		{
			"update",
			"Update", "user:1", session.ReasonCommitFailed, false, func(s *session.Session) { count.Update(s, addOne) },
		},
		{"login", "Create", "user:2", session.ReasonCommitFailed, false, func(s *session.Session) { s.Login("user:2") }},
		{"destroy", "writes", "user:1", session.ReasonCommitFailed, false, func(s *session.Session) { s.Destroy() }},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t, session.Options{AnonymousWhenUnavailable: c.serveOn})
			login := begin(t, w.Manager, "")
			login.Login("user:1")
			cookie := login.finish().succeeded().issued()
			w.events = nil
			w.breaks(c.breaks)
			v := begin(t, w.Manager, cookie)
			v.x.method, v.x.facts.Path = "POST", "/cart"
			c.f(v.Session)
			v.commit()
			c.f(v.Session) // by a handler that does not know
			v.request.End()
			if e := w.onlyFailure(t); e.Reason != c.reason || e.Route != "POST /cart" || e.Source != "" ||
				e.Subject != c.subject {
				t.Errorf("event %+v, want %s of POST /cart for %q without a line", e, c.reason, c.subject)
			}
		})
	}
}

func TestUseAfterTheRequestIsToldOncePerLine(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, w.start(t))
	count.Get(v.Session)
	v.finish()
	w.events = nil
	_ = v.Save()
	e, at := w.onlyFailure(t), line(-1)
	if e.Source != at || e.Route != "" || !errors.Is(e.Err, session.ErrRequestOver) || e.Handle == "" {
		t.Errorf("event %+v, want %v at %s", e, session.ErrRequestOver, at)
	}
	for range 3 {
		count.Get(v.Session)
	}
	if len(w.events) != 2 {
		t.Errorf("%d events of two lines", len(w.events))
	}
}

// Clients choose the path, and logs are read on terminals.
func TestARouteIsSafeToPrint(t *testing.T) {
	for path, want := range map[string]string{
		"/a%2Fb":                         "GET /a%2Fb",
		"/a b\n\x1b[31m\x7f":             "GET /a%20b%0A%1B[31m%7F",
		"/\u202eevil":                    "GET /%E2%80%AEevil",
		"/" + strings.Repeat("x", 1<<20): "GET /" + strings.Repeat("x", 195) + "...",
		"/" + strings.Repeat("\n", 90):   "GET /" + strings.Repeat("%0A", 65) + "...",
	} {
		w := newWorld(t, session.Options{})
		v := begin(t, w.Manager, "")
		v.x.method, v.x.facts.Path = http.MethodGet, path
		v.Login("")
		if got := w.onlyFailure(t).Route; got != want || strings.ContainsFunc(got,
			func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%.20q: route %q, want %q", path, got, want)
		}
		v.finish()
	}
}

func TestTheDefaultLogHasNoEmptyAttributes(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	store := probe.New(memstore.New())
	m, err := session.New(store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	v.x.method, v.x.facts.Path = "POST", "/cart"
	v.Login("user:1")
	refusing.Set(v.Session, func() {})
	at := line(-1)
	v.finish()
	text := log.String()
	if strings.Count(text, "\n") != 1 || strings.Contains(text, `=""`) {
		t.Errorf("log %s, want one line without empty attributes", text)
	}
	for _, want := range []string{"manager=id ", `route="POST /cart" `, "at=" + at + " ", "subject=user:1 ",
		"key=refusing ", "error="} {
		if !strings.Contains(text, want) {
			t.Errorf("log %s, want %s in it", text, want)
		}
	}
	log.Reset()
	store.Before(func(probe.Call) error { return errBroken })
	_ = begin(t, m, strings.Repeat("A", 43)).Err()
	if text := log.String(); strings.Contains(text, `=""`) || strings.Contains(text, "handle") {
		t.Errorf("log %s, want no empty attributes", text)
	}
}

func TestMisuseIsReportedOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, w.start(t)).finish()
	w.events = nil
	count.Update(v.Session, addOne)
	if len(w.events) != 1 || w.events[0].Reason != session.ReasonRequestOver {
		t.Errorf("events %v, want one request-over", w.events)
	}
}

func TestWiringMistakesSayHowToMendThem(t *testing.T) {
	w := newWorld(t, session.Options{})
	twin, err := session.New(w.store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var typedNil *probe.Store
	if _, err := session.New(typedNil, session.Options{}); err == nil {
		t.Error("a nil store in an interface was taken")
	}
	v := begin(t, w.Manager, "")
	defer v.finish()
	defer func() {
		if text := fmt.Sprint(recover()); text == "<nil>" || !strings.Contains(text, "Options.Name") {
			t.Errorf("two managers with one cookie name on one route: %q", text)
		}
	}()
	var r session.Request
	twin.Begin(v.ctx, &r, &v.x)
}
