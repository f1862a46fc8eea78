package session_test

import (
	"maps"
	"slices"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
)

const prices session.Key[map[string]int] = "prices"

// Assigning to a nil map panics, and who writes m[k] = v in an Update has no other map to assign to.
func TestAnAbsentMapIsEmptyInsideOfUpdate(t *testing.T) {
	put := func(m map[string]int) map[string]int { m["tea"]++; return m }
	for what, prepare := range map[string]func(*session.Session){
		"absent":         func(s *session.Session) {},
		"nil":            func(s *session.Session) { prices.Set(s, nil) },
		"in one request": func(s *session.Session) { prices.Delete(s) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.start(t)
		w.read(t, cookie, prepare).succeeded()
		v := begin(t, w.Manager, cookie)
		if got := prices.Update(v.Session, put); got["tea"] != 1 {
			t.Errorf("%s: %v", what, got)
		}
		if err := prices.Try(v.Session, func(m map[string]int) (map[string]int, error) { return put(m), nil }); err != nil {
			t.Error(err)
		}
		w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
		v.finish().succeeded()
		w.read(t, cookie, func(s *session.Session) {
			if got := prices.Get(s); !maps.Equal(got, map[string]int{"tea": 2}) {
				t.Errorf("%s, replayed: %v", what, got)
			}
		})
	}
}

func TestAnEmptyMapInPlaceOfNoneIsNoChange(t *testing.T) {
	for what, c := range map[string]struct {
		f     func(map[string]int) map[string]int
		saves int
	}{
		"as it came": {func(m map[string]int) map[string]int { return m }, 0},
		"nil":        {func(map[string]int) map[string]int { return nil }, 0},
		"cleared":    {func(m map[string]int) map[string]int { m["x"] = 1; clear(m); return m }, 0},
		"filled":     {func(m map[string]int) map[string]int { m["x"] = 1; return m }, 1},
	} {
		for _, prepare := range []func(*session.Session){
			func(*session.Session) {}, func(s *session.Session) { prices.Set(s, nil) },
		} {
			w := newWorld(t, session.Options{})
			cookie := w.start(t)
			w.read(t, cookie, prepare).succeeded()
			before := slices.Clone(keysOf(t, w, cookie))
			w.store.Reset()
			w.read(t, cookie, func(s *session.Session) { prices.Update(s, c.f) }).succeeded()
			if n := w.store.Count("Update"); n != c.saves {
				t.Errorf("%s: %d saves, want %d", what, n, c.saves)
			}
			if after := keysOf(t, w, cookie); c.saves == 0 && !slices.Equal(before, after) {
				t.Errorf("%s: keys %q, before %q", what, after, before)
			}
		}
	}
	w := newWorld(t, session.Options{})
	v := w.read(t, "", func(s *session.Session) { prices.Update(s, maps.Clone) })
	v.succeeded().untouched() // no session begins with nothing in it
}

func TestAnEmptiedMapStaysAMap(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { prices.Set(s, map[string]int{"tea": 1}) }).succeeded().issued()
	w.read(t, cookie, func(s *session.Session) {
		prices.Update(s, func(m map[string]int) map[string]int { delete(m, "tea"); return m })
	}).succeeded()
	w.read(t, cookie, func(s *session.Session) {
		if m, ok := prices.Lookup(s); !ok || m == nil || len(m) != 0 {
			t.Errorf("%v, %t, want an empty map", m, ok)
		}
	})
}
