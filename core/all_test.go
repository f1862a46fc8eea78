package session_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

func TestKeysAndAll(t *testing.T) {
	const notices session.Flash[string] = "notices"
	for kind, w := range timedWorlds(t) {
		w.read(t, w.cookie, func(s *session.Session) {
			items.Set(s, []string{"a"})
			prices.Set(s, map[string]int{"tea": 2})
			prices.Delete(s)
			count.Update(s, addOne)
			notices.Add(s, "hello")
			if got := s.Keys(); !slices.Equal(got, []string{"count", "items", "name", "notices"}) {
				t.Errorf("%s: keys %q", kind, got)
			}
			all := s.All()
			if string(all["count"]) != "2" || string(all["items"]) != `["a"]` || string(all["name"]) != `"4711"` ||
				!strings.Contains(string(all["notices"]), `"hello"`) || len(all) != 4 {
				t.Errorf("%s: all %s", kind, all)
			}
			all["count"][0] = '7'
			if n := count.Get(s); n != 2 {
				t.Errorf("%s: count = %d: whoever looks can change the session", kind, n)
			}
			s.Clear()
			if len(s.Keys()) != 0 || len(s.All()) != 0 || s.All() == nil {
				t.Errorf("%s: %q after Clear", kind, s.Keys())
			}
			refuse(s)
		}).failedWith(500)
		all := map[string]string{}
		w.now = w.now.Add(10 * time.Minute)
		w.read(t, w.cookie, func(s *session.Session) {
			for k, v := range s.All() {
				v[0] = '8'
				all[k] = string(v)
			}
			if n := count.Get(s); n != 1 || len(all) != 1 || len(s.Keys()) != 1 {
				t.Errorf("%s: after ten minutes: count %d, all %q, keys %q", kind, n, all, s.Keys())
			}
		})
		w.read(t, "", func(s *session.Session) {
			if len(s.Keys()) != 0 || len(s.All()) != 0 {
				t.Errorf("%s: a visitor without a session has %q", kind, s.Keys())
			}
		}).untouched()
	}
}

// refuse makes a request fail, so that nothing is saved.
func refuse(s *session.Session) { s.Login("") }

func TestLookingAtAllMakesNoConflict(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	v := begin(t, w.Manager, cookie)
	v.All()
	v.Keys()
	w.read(t, cookie, func(s *session.Session) { count.Set(s, 5) }).succeeded()
	count.Set(v.Session, 7)
	v.finish().succeeded()
}

func TestInspectShowsValuesWithoutTheirTimes(t *testing.T) {
	for kind, w := range timedWorlds(t) {
		i, err := w.Inspect(t.Context(), w.cookie)
		if err != nil || string(i.Values["name"]) != `"4711"` || len(i.Values) != 2 {
			t.Errorf("%s: %q, %v", kind, i.Values, err)
		}
		w.now = w.now.Add(10 * time.Minute)
		if i, err = w.Inspect(t.Context(), w.cookie); err != nil || len(i.Values) != 1 {
			t.Errorf("%s: %q, %v, want what is left", kind, i.Values, err)
		}
	}
}

func TestTheValuesOfARequestThatIsOverAreNone(t *testing.T) {
	w := newWorld(t, session.Options{})
	v := w.read(t, w.start(t), func(*session.Session) {})
	if v.Keys() != nil || len(v.All()) != 0 || session.Append(v.Session, items, "x", 1) != nil ||
		session.Flash[int]("f").Take(v.Session) != nil || count.GetOr(v.Session, 3) != 3 {
		t.Error("a request that is over shows values")
	}
	if err := v.Err(); !errors.Is(err, session.ErrRequestOver) {
		t.Error(err)
	}
}

func keysOf(t *testing.T, w *world, cookie string) (keys []string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { keys = s.Keys() })
	return keys
}
