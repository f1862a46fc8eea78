package session_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

// P28: messages that are shown once.

const notices session.Flash[string] = "notices"

func both(t *testing.T, o session.Options) map[string]*world {
	t.Helper()
	return map[string]*world{
		"stored": newWorld(t, o), "sealed": newSealed(t, session.TemporaryKeys(), o),
	}
}

func wantNotices(t *testing.T, why string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", why, got, want)
	}
}

func (w *world) peek(t *testing.T, cookie string) (found []string) {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	found = notices.Peek(v.Session)
	v.request.Discard()
	v.request.End()
	return found
}

func TestMessagesComeOnceAndInOrder(t *testing.T) {
	for kind, w := range both(t, session.Options{}) {
		cookie := w.read(t, "", func(s *session.Session) {
			notices.Add(s, "saved")
			notices.Add(s, "<b>sent</b>")
		}).succeeded().issued()
		cookie = w.read(t, cookie, func(s *session.Session) { notices.Add(s, "saved") }).succeeded().next(cookie)
		wantNotices(t, kind+", Peek", w.peek(t, cookie), "saved", "<b>sent</b>", "saved")
		cookie = w.read(t, cookie, func(s *session.Session) {
			notices.Add(s, "here")
			wantNotices(t, kind+", Take", notices.Take(s), "saved", "<b>sent</b>", "saved", "here")
			wantNotices(t, kind+", Take again", notices.Take(s))
			notices.Add(s, "later")
			wantNotices(t, kind+", Peek after Take", notices.Peek(s), "later")
		}).succeeded().next(cookie)
		wantNotices(t, kind+", the next page", w.peek(t, cookie), "later")
		w.read(t, cookie, func(s *session.Session) { notices.Take(s) }).succeeded()
	}
}

func TestTakingNothingCostsNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	w.read(t, cookie, func(s *session.Session) { notices.Take(s); notices.Peek(s) }).succeeded()
	w.read(t, "", func(s *session.Session) {
		notices.Take(s)
		notices.Add(s, "x")
		notices.Take(s)
	}).succeeded().untouched()
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls, want one load", n)
	}
	w.read(t, cookie, func(s *session.Session) { notices.Add(s, "x") }).succeeded()
	w.read(t, cookie, func(s *session.Session) { notices.Take(s) }).succeeded()
	if keys := keysOf(t, w, cookie); !slices.Equal(keys, []string{"count"}) {
		t.Errorf("keys %q: what is left of a flash takes room", keys)
	}
}

func TestMessagesOfAnyTypeComeBack(t *testing.T) {
	type Notice struct {
		Level int
		Text  string
		Links map[string]string
	}
	const typed session.Flash[Notice] = "typed"
	want := Notice{3, "käse & <brot>", map[string]string{"a": "/"}}
	for kind, w := range both(t, session.Options{}) {
		cookie := w.read(t, "", func(s *session.Session) {
			typed.Add(s, want)
			want.Links["a"] = "/changed"
		}).succeeded().issued()
		w.read(t, cookie, func(s *session.Session) {
			got := typed.Take(s)
			if len(got) != 1 || got[0].Level != 3 || got[0].Text != want.Text || got[0].Links["a"] != "/" {
				t.Errorf("%s: %+v", kind, got)
			}
		})
		want.Links["a"] = "/"
	}
}

func TestAResponseThatWasNotSavedKeepsItsMessages(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return status < 400 }})
	cookie := w.read(t, "", func(s *session.Session) { notices.Add(s, "saved") }).succeeded().issued()
	refused := begin(t, w.Manager, cookie)
	notices.Take(refused.Session)
	refused.request.Commit(http.StatusTeapot)
	refused.request.End()
	wantNotices(t, "SaveOn", w.peek(t, cookie), "saved")

	panicked := begin(t, w.Manager, cookie)
	notices.Take(panicked.Session)
	panicked.request.Discard()
	panicked.request.End()
	wantNotices(t, "panic", w.peek(t, cookie), "saved")

	w.store.Before(fail("Update"))
	w.read(t, cookie, func(s *session.Session) { notices.Take(s); notices.Add(s, "more") }).failedWith(503)
	w.store.Before(nil)
	wantNotices(t, "outage", w.peek(t, cookie), "saved")
}

func TestAddAndTakeNeverConflict(t *testing.T) {
	take := func(s *session.Session) { notices.Take(s) }
	adding := func(text string) func(*session.Session) {
		return func(s *session.Session) { notices.Add(s, text) }
	}
	takeAndAdd := func(s *session.Session) { take(s); notices.Add(s, "b") }
	for what, c := range map[string]struct {
		first, second func(*session.Session)
		want          []string
	}{
		"two add":                   {adding("b"), adding("c"), []string{"a", "b", "c"}},
		"two take":                  {take, take, nil},
		"one adds, another takes":   {adding("b"), take, []string{"b"}},
		"one takes, another adds":   {take, adding("b"), []string{"b"}},
		"both take and add":         {takeAndAdd, func(s *session.Session) { notices.Add(s, "c"); take(s) }, []string{"b"}},
		"one peeks, another writes": {func(s *session.Session) { notices.Peek(s); count.Set(s, 9) }, take, nil},
		"one clears":                {(*session.Session).Clear, adding("b"), []string{"b"}},
		"one renews":                {(*session.Session).Renew, takeAndAdd, []string{"b"}},
		"one renews and adds":       {func(s *session.Session) { s.Renew(); notices.Add(s, "b") }, take, []string{"b"}},
	} {
		w := newWorld(t, session.Options{})
		cookie := w.read(t, w.start(t), adding("a")).succeeded().next("")
		cookie = w.read(t, cookie, adding("a")).succeeded().next(cookie)
		if len(w.peek(t, cookie)) != 1 {
			t.Fatal(w.peek(t, cookie))
		}
		one, two := begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)
		c.first(one.Session)
		c.second(two.Session)
		cookie = one.finish().succeeded().next(cookie)
		two.finish().succeeded()
		wantNotices(t, what, w.peek(t, cookie), c.want...)
	}
}

func TestMessagesFollowALogin(t *testing.T) {
	for kind, w := range both(t, session.Options{}) {
		cookie := w.read(t, "", func(s *session.Session) { notices.Add(s, "anonymous") }).succeeded().issued()
		login := func(subject, text string) func(*session.Session) {
			return func(s *session.Session) { notices.Add(s, text); s.Login(subject) }
		}
		cookie = w.read(t, cookie, login("user:1", "welcome")).succeeded().issued()
		wantNotices(t, kind+", after a login", w.peek(t, cookie), "anonymous", "welcome")
		cookie = w.read(t, cookie, login("user:2", "hello")).succeeded().issued()
		wantNotices(t, kind+", as somebody else", w.peek(t, cookie), "hello")
		v := w.read(t, cookie, func(s *session.Session) { s.Destroy(); notices.Add(s, "bye") }).succeeded()
		wantNotices(t, kind+", after a logout", w.peek(t, v.issued()), "bye")
	}
}

func TestAMessageThatDoesNotFitIsReportedSkippedAndKept(t *testing.T) {
	const numbers session.Flash[int] = "notices"
	for kind, w := range both(t, session.Options{}) {
		cookie := w.read(t, "", func(s *session.Session) {
			numbers.Add(s, 1)
			notices.Add(s, "text")
			numbers.Add(s, 2)
		}).succeeded().issued()
		cookie = w.read(t, cookie, func(s *session.Session) {
			if got := numbers.Take(s); !slices.Equal(got, []int{1, 2}) {
				t.Errorf("%s: %v", kind, got)
			}
		}).succeeded().next(cookie)
		if !w.saw(session.ReasonUndecodable) {
			t.Errorf("%s: not reported", kind)
		}
		for _, e := range w.events {
			if e.Err != nil && (e.Key != "notices" || strings.Contains(e.Err.Error(), "text") ||
				!strings.Contains(e.Source, "flash_test.go:")) {
				t.Errorf("%s: event %+v", kind, e)
			}
		}
		wantNotices(t, kind, w.peek(t, cookie), "text")
	}
}

func TestAFlashAndAKeyOfOneName(t *testing.T) {
	for value, set := range map[string]func(*session.Session){
		"number":   func(s *session.Session) { session.Key[int]("notices").Set(s, 7) },
		"list":     func(s *session.Session) { session.Key[[]string]("notices").Set(s, []string{"x"}) },
		"null":     func(s *session.Session) { session.Key[[]string]("notices").Set(s, nil) },
		"triples":  func(s *session.Session) { session.Key[[][3]int]("notices").Set(s, [][3]int{{1, 2, 3}}) },
		"negative": func(s *session.Session) { session.Key[[][2]int]("notices").Set(s, [][2]int{{-1, 2}}) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.read(t, "", set).succeeded().issued()
		w.read(t, cookie, func(s *session.Session) {
			wantNotices(t, value, append(notices.Take(s), notices.Peek(s)...))
		}).succeeded()
		if !w.saw(session.ReasonUndecodable) {
			t.Errorf("%s: not reported", value)
		}
		v := begin(t, w.Manager, cookie)
		notices.Add(v.Session, "x")
		if err := v.Err(); err == nil || !strings.Contains(err.Error(), `"notices": the`) ||
			!strings.Contains(err.Error(), "name") {
			t.Errorf("%s: Add: %v, want an error with the key and the remedy", value, err)
		}
		v.finish().failedWith(http.StatusInternalServerError)
		taking := begin(t, w.Manager, w.read(t, "", func(s *session.Session) { notices.Add(s, "x") }).issued())
		notices.Take(taking.Session)
		w.read(t, taking.x.lines[0][len("theme=dark; "+cookieName+"="):], set).succeeded()
		taking.finish().succeeded() // whatever is there by now, it is none of what was taken
	}
	w := newWorld(t, session.Options{})
	w.read(t, "", func(s *session.Session) {
		notices.Add(s, "x")
		if n, ok := session.Key[int]("notices").Lookup(s); ok {
			t.Errorf("a key reads a flash as %d", n)
		}
	})
}

func TestAFlashOfWhatCannotComeBackIsRefusedAtFirstUse(t *testing.T) {
	const broken session.Flash[func()] = "broken"
	for what, f := range map[string]func(*session.Session){
		"Add":   func(s *session.Session) { broken.Add(s, nil) },
		"Take":  func(s *session.Session) { broken.Take(s) },
		"Peek":  func(s *session.Session) { broken.Peek(s) },
		"value": func(s *session.Session) { notices.Add(s, "\xff") },
	} {
		w := newWorld(t, session.Options{})
		v := begin(t, w.Manager, w.start(t))
		f(v.Session)
		err := v.Err()
		if err == nil || what != "value" && (!strings.Contains(err.Error(), `"broken"`) ||
			!strings.Contains(err.Error(), "leave it out")) {
			t.Errorf("%s: %v, want an error that names the flash and the remedy", what, err)
		}
		v.finish().failedWith(http.StatusInternalServerError)
		if !w.saw(session.ReasonUnencodable) {
			t.Errorf("%s: not reported", what)
		}
	}
	for _, f := range []func(s *session.Session){
		func(s *session.Session) { session.Flash[int]("").Add(s, 1) },
		func(s *session.Session) { session.Flash[int]("").Take(s) },
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "name") {
					t.Errorf("panic %q, want one that says what is missing", text)
				}
			}()
			f(begin(t, newWorld(t, session.Options{}).Manager, "").Session)
		}()
	}
}
