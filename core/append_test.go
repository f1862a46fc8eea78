package session_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestAppendKeepsTheLast(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		cookie := w.cookie
		for _, item := range []string{"a", "b", "c", "d"} {
			cookie = w.read(t, cookie, func(s *session.Session) { session.Append(s, items, item, 3) }).succeeded().next(cookie)
		}
		w.read(t, cookie, func(s *session.Session) {
			if got := session.Append(s, items, "e", 3); !slices.Equal(got, []string{"c", "d", "e"}) {
				t.Errorf("%s: Append = %q", kind, got)
			}
			if got := session.Append(s, items, "f", 1); !slices.Equal(got, []string{"f"}) || !slices.Equal(items.Get(s), got) {
				t.Errorf("%s: with a smaller limit: %q, then %q", kind, got, items.Get(s))
			}
		})
	}
}

func TestAppendsOfOverlappingRequestsAreAllKept(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	visits := []*visit{begin(t, w.Manager, cookie), begin(t, w.Manager, cookie), begin(t, w.Manager, cookie)}
	for i, v := range visits {
		session.Append(v.Session, items, string(rune('a'+i)), 2)
	}
	for _, v := range visits {
		v.finish().succeeded()
	}
	w.read(t, cookie, func(s *session.Session) {
		if got := items.Get(s); !slices.Equal(got, []string{"b", "c"}) {
			t.Errorf("items %q, want the last two", got)
		}
	})
}

// What the handler does to a value afterwards must not reach the session, in a replay neither.
func TestAppendTakesACopy(t *testing.T) {
	const lists session.Key[[][]int] = "lists"
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v, list := begin(t, w.Manager, cookie), []int{1, 2}
	session.Append(v.Session, lists, list, 10)
	list[0] = 9
	w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
	v.finish().succeeded()
	w.read(t, cookie, func(s *session.Session) {
		if got := lists.Get(s); len(got) != 1 || !slices.Equal(got[0], []int{1, 2}) {
			t.Errorf("lists %v", got)
		}
	})
}

func TestAppendKeepsTheListsOwnTime(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) {
		items.SetFor(s, []string{"a"}, time.Minute)
		session.Append(s, items, "b", 5)
	}).succeeded().issued()
	w.now = w.now.Add(time.Minute)
	w.read(t, cookie, func(s *session.Session) {
		if got := items.Get(s); got != nil {
			t.Errorf("items %q after their time", got)
		}
	})
}

func TestAppendRefusesWhatCannotBe(t *testing.T) {
	const pointers session.Key[[]func()] = "pointers"
	for what, c := range map[string]struct {
		f    func(*session.Session)
		says string
	}{
		"limit 0":   {func(s *session.Session) { session.Append(s, items, "x", 0) }, "at least 1"},
		"limit -1":  {func(s *session.Session) { session.Append(s, items, "x", -1) }, "at least 1"},
		"type":      {func(s *session.Session) { session.Append(s, pointers, nil, 1) }, "leave it out"},
		"value":     {func(s *session.Session) { session.Append(s, items, "\xff", 1) }, "UTF-8"},
		"clash":     {func(s *session.Session) { session.Append(s, session.Key[[]int]("count"), 1, 1) }, "does not fit"},
		"unlimited": {func(s *session.Session) { session.Append(s, items, "x", 1<<62) }, ""},
	} {
		w := newWorld(t, session.Options{})
		v := begin(t, w.Manager, w.start(t))
		c.f(v.Session)
		if err := v.Err(); (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error with %q", what, err, c.says)
		}
		v.finish()
	}
}
