package session_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// P28: values with a time of their own.

// timedWorlds are a stored and a sealed world with a session whose name is set for ten minutes.
func timedWorlds(t *testing.T) map[string]struct {
	*world
	cookie string
} {
	t.Helper()
	found := map[string]struct {
		*world
		cookie string
	}{}
	for kind, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}),
		"sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		cookie := w.read(t, "", func(s *session.Session) {
			count.Set(s, 1)
			name.SetFor(s, "4711", 10*time.Minute)
		}).succeeded().issued()
		found[kind] = struct {
			*world
			cookie string
		}{w, cookie}
	}
	return found
}

// next is what the browser sends after a response.
func (v *visit) next(cookie string) string {
	v.t.Helper()
	if value, _ := v.cookie(); value != "" {
		return value
	}
	return cookie
}

// nameOf looks a session's name up and leaves the session alone.
func (w *world) nameOf(t *testing.T, cookie string) (text string, ok bool) {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	text, ok = name.Lookup(v.Session)
	v.request.Discard()
	v.request.End()
	return text, ok
}

func (w *world) wantName(t *testing.T, why, cookie, want string) {
	t.Helper()
	if got, ok := w.nameOf(t, cookie); got != want || ok != (want != "") {
		t.Errorf("%s: name = %q, %t, want %q", why, got, ok, want)
	}
}

func TestAValueEndsWithItsOwnTime(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		w.now = w.now.Add(10*time.Minute - time.Millisecond)
		w.wantName(t, kind+", just before", w.cookie, "4711")
		w.now = w.now.Add(time.Millisecond)
		w.wantName(t, kind+", at its end", w.cookie, "")
		if n := w.countOf(t, w.cookie); n != 1 {
			t.Errorf("%s: count = %d: the session ended with its value", kind, n)
		}
	}
}

func TestAValueEndsWhileARequestRuns(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		v := begin(t, w.Manager, w.cookie)
		if got := name.Get(v.Session); got != "4711" {
			t.Errorf("%s: name = %q", kind, got)
		}
		w.now = w.now.Add(10 * time.Minute)
		if got, ok := name.Pop(v.Session); got != "" || ok {
			t.Errorf("%s: Pop = %q, %t of what has run out", kind, got, ok)
		}
		v.finish().succeeded()
	}
}

func TestLeewayAddsToAValuesTime(t *testing.T) {
	w := newWorld(t, session.Options{Leeway: 5 * time.Second})
	cookie := w.read(t, "", func(s *session.Session) { name.SetFor(s, "4711", time.Minute) }).succeeded().issued()
	w.now = w.now.Add(time.Minute + 5*time.Second - time.Millisecond)
	w.wantName(t, "within the leeway", cookie, "4711")
	w.now = w.now.Add(time.Millisecond)
	w.wantName(t, "after it", cookie, "")
}

func TestSetMakesAValuePermanentAndSetForStartsAnew(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		w.now = w.now.Add(9 * time.Minute)
		again := func(s *session.Session) { name.SetFor(s, "4711", 10*time.Minute) }
		cookie := w.read(t, w.cookie, again).succeeded().next(w.cookie)
		w.now = w.now.Add(9 * time.Minute)
		w.wantName(t, kind+", set for ten minutes again", cookie, "4711")
		cookie = w.read(t, cookie, func(s *session.Session) { name.Set(s, "4711") }).succeeded().next(cookie)
		w.now = w.now.Add(20 * time.Minute)
		w.wantName(t, kind+", set for good", cookie, "4711")
	}
}

func TestUpdateAndTryKeepTheRemainingTime(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		w.now = w.now.Add(5 * time.Minute)
		cookie := w.read(t, w.cookie, func(s *session.Session) {
			name.Update(s, func(v string) string { return v + "x" })
			if err := name.Try(s, func(v string) (string, error) { return v + "y", nil }); err != nil {
				t.Error(err)
			}
		}).succeeded().next(w.cookie)
		w.now = w.now.Add(5*time.Minute - time.Millisecond)
		w.wantName(t, kind+", before", cookie, "4711xy")
		w.now = w.now.Add(time.Millisecond)
		w.wantName(t, kind+", after", cookie, "")
		cookie = w.read(t, cookie, func(s *session.Session) {
			name.Update(s, func(v string) string { return v + "anew" })
		}).succeeded().next(cookie)
		w.now = w.now.Add(20 * time.Minute)
		w.wantName(t, kind+", an update of nothing is for good", cookie, "anew")
	}
}

func TestExpiredValuesAreDroppedAtTheNextSaveAndCauseNone(t *testing.T) {
	w := timedWorlds(t)["stored"]
	size := func() int {
		i, err := w.Inspect(t.Context(), w.cookie)
		if err != nil {
			t.Fatal(err)
		}
		return i.Size
	}
	before := size()
	w.now = w.now.Add(10 * time.Minute)
	for what, f := range map[string]func(*session.Session){
		"Get":    func(s *session.Session) { name.Get(s); s.Keys(); s.All() },
		"Delete": func(s *session.Session) { name.Delete(s) },
		"Pop":    func(s *session.Session) { name.Pop(s) },
		"Try": func(s *session.Session) {
			_ = name.Try(s, func(string) (string, error) { return "", http.ErrNoCookie })
		},
	} {
		w.store.Reset()
		w.read(t, w.cookie, f).succeeded()
		if n := w.store.Count("Update"); n != 0 || size() != before {
			t.Errorf("%s of an expired value: %d saves, want none", what, n)
		}
	}
	w.spoil(t, w.cookie)
	if after := size(); after >= before-len("name4711") {
		t.Errorf("%d bytes before the save and %d after it: the expired value is still there", before, after)
	}
}

func TestATimedValueSurvivesWhatTheSessionGoesThrough(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		cookie := w.cookie
		for _, step := range []func(*session.Session){
			(*session.Session).Renew, (*session.Session).Touch,
			func(s *session.Session) { s.Login("user:1") }, func(s *session.Session) { count.Set(s, 5) },
		} {
			cookie = w.read(t, cookie, step).succeeded().next(cookie)
		}
		w.now = w.now.Add(10*time.Minute - time.Millisecond)
		w.wantName(t, kind, cookie, "4711")
		w.now = w.now.Add(time.Millisecond)
		w.wantName(t, kind, cookie, "")
		cookie = w.read(t, cookie, func(s *session.Session) {
			s.Clear()
			name.SetFor(s, "after Clear", time.Minute)
		}).succeeded().next(cookie)
		w.wantName(t, kind, cookie, "after Clear")
	}
}

func TestATimedValueIsSavedAsTheResponseSays(t *testing.T) {
	w := newWorld(t, session.Options{SaveOn: func(status int) bool { return status < 400 }})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	name.SetFor(v.Session, "4711", time.Minute)
	v.instead, v.ok = v.request.Commit(http.StatusTeapot)
	v.request.End()
	w.wantName(t, "SaveOn refused it", cookie, "")
}

func TestAValueThatRunsOutBeforeItIsSavedStaysAway(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		cookie := w.read(t, w.cookie, func(s *session.Session) { name.Set(s, "old, for good") }).succeeded().next(w.cookie)
		v := begin(t, w.Manager, cookie)
		name.SetFor(v.Session, "short", time.Second)
		w.now = w.now.Add(time.Second)
		if got, ok := name.Lookup(v.Session); ok {
			t.Errorf("%s: name = %q", kind, got)
		}
		name.Delete(v.Session)
		cookie = v.finish().succeeded().next(cookie)
		w.wantName(t, kind+": what it replaced came back", cookie, "")
	}
}

func TestAValueThatRunsOutBeforeItIsSavedIsNoChange(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	for _, change := range []bool{false, true} {
		v := begin(t, w.Manager, cookie)
		name.SetFor(v.Session, strings.Repeat("long ", 100), time.Second)
		if change {
			count.Update(v.Session, addOne)
		}
		w.now = w.now.Add(time.Second)
		v.finish().succeeded()
		i, err := w.Inspect(t.Context(), cookie)
		if n := w.store.Count("Update"); err != nil || (n > 0) != change || i.Size > 500 {
			t.Errorf("with another change: %t: %d saves, then %d bytes (%v)", change, n, i.Size, err)
		}
	}
}

func TestATimeThatIsNoneIsRefused(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second, time.Millisecond - 1, math.MinInt64} {
		w := newWorld(t, session.Options{})
		cookie := w.read(t, "", func(s *session.Session) { name.Set(s, "old") }).succeeded().issued()
		v := begin(t, w.Manager, cookie)
		name.SetFor(v.Session, "new", d)
		err := v.Err()
		if err == nil || !strings.Contains(err.Error(), `"name"`) || !strings.Contains(err.Error(), "Delete") {
			t.Errorf("SetFor(%v): %v, want an error with the key and the remedy", d, err)
		}
		v.finish().failedWith(http.StatusInternalServerError)
		w.wantName(t, "after a refused SetFor", cookie, "old")
	}
	w := newWorld(t, session.Options{})
	v := begin(t, w.Manager, "")
	session.Key[func()]("f").SetFor(v.Session, nil, time.Minute)
	v.finish().failedWith(http.StatusInternalServerError)
	far := w.read(t, "", func(s *session.Session) { name.SetFor(s, "for good", math.MaxInt64) }).succeeded().issued()
	w.wantName(t, "the longest time", far, "for good")
}

func TestGetOr(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		w.read(t, w.cookie, func(s *session.Session) {
			if got := name.GetOr(s, "none"); got != "4711" {
				t.Errorf("%s: %q, want what is there", kind, got)
			}
			if got := items.GetOr(s, []string{"x"}); len(got) != 1 {
				t.Errorf("%s: %q, want the argument", kind, got)
			}
			if got := session.Key[int]("name").GetOr(s, 7); got != 7 {
				t.Errorf("%s: %d of what does not fit, want the argument", kind, got)
			}
		})
		w.now = w.now.Add(10 * time.Minute)
		w.read(t, w.cookie, func(s *session.Session) {
			if got := name.GetOr(s, "none"); got != "none" {
				t.Errorf("%s: %q of what has run out, want the argument", kind, got)
			}
			name.Set(s, "")
			if got := name.GetOr(s, "none"); got != "" {
				t.Errorf("%s: %q, want the zero value that was set", kind, got)
			}
		})
	}
}
