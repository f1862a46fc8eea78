package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
	"github.com/coatcheck/coatcheck/stores/tieredstore"
)

const toggle session.Key[string] = "toggle"

// P3 and P18 together: what a request wants is "no change" only against what is durable. Two servers have a cache
// each, and the second one's is behind.
func TestAnOperationIsNoChangeOnlyAgainstWhatIsDurable(t *testing.T) {
	for what, c := range map[string]struct {
		before, other, do func(*session.Session) // at server 1; at server 2; and then at server 1 again
		want              string
	}{
		"set back": {
			func(s *session.Session) { toggle.Set(s, "off") }, func(s *session.Session) { toggle.Set(s, "on") },
			func(s *session.Session) { toggle.Set(s, "off") }, "off",
		},
		"delete what was added elsewhere": {
			func(s *session.Session) { count.Set(s, 1) }, func(s *session.Session) { toggle.Set(s, "on") },
			func(s *session.Session) { toggle.Delete(s) }, "",
		},
		"clear": {
			func(s *session.Session) { s.Login("user:1") }, func(s *session.Session) { toggle.Set(s, "on") },
			(*session.Session).Clear, "",
		},
		"update to the same": {
			func(s *session.Session) { toggle.Set(s, "off") }, func(s *session.Session) { toggle.Set(s, "on") },
			func(s *session.Session) { toggle.Update(s, func(string) string { return "off" }) }, "off",
		},
		"pop": {
			func(s *session.Session) { count.Set(s, 1) }, func(s *session.Session) { toggle.Set(s, "on") },
			func(s *session.Session) { toggle.Delete(s); count.Set(s, 1) }, "",
		},
	} {
		durable := memstore.New()
		now := time.Now()
		server := func() *session.Manager {
			m, err := session.New(tieredstore.New(memstore.New(), durable, tieredstore.Options{}),
				session.Options{Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		one, two := server(), server()
		ask := func(m *session.Manager, cookie string, f func(*session.Session)) string {
			v := begin(t, m, cookie)
			f(v.Session)
			v.finish().succeeded()
			if value, _ := v.cookie(); value != "" {
				return value
			}
			return cookie
		}
		cookie := ask(one, "", c.before)
		ask(two, cookie, c.other)
		ask(one, cookie, c.do)
		for name, m := range map[string]*session.Manager{"where it was done": one, "at a new server": server()} {
			ask(m, cookie, func(s *session.Session) {
				if got := toggle.Get(s); got != c.want {
					t.Errorf("%s, %s: toggle = %q, want %q: a change that was acknowledged was dropped", what, name, got, c.want)
				}
			})
		}
	}
}

// A request that read the key first is told, as it would be without a cache.
func TestAReadFromACacheIsHeldAgainstWhatIsDurable(t *testing.T) {
	durable := memstore.New()
	var managers []*session.Manager
	for range 2 {
		m, err := session.New(tieredstore.New(memstore.New(), durable, tieredstore.Options{}), session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		managers = append(managers, m)
	}
	v := begin(t, managers[0], "")
	toggle.Set(v.Session, "off")
	cookie := v.finish().succeeded().issued()
	v = begin(t, managers[1], cookie)
	toggle.Set(v.Session, "on")
	v.finish().succeeded()
	v = begin(t, managers[0], cookie)
	if toggle.Get(v.Session) == "off" {
		toggle.Set(v.Session, "off")
		v.finish().failedWith(409)
	}
}

// updatesDown is a fast store that refuses updates for a while.
type updatesDown struct {
	session.Store
	down *bool
}

func (u updatesDown) Update(ctx context.Context, r session.Record) error {
	if *u.down {
		return errDown
	}
	return u.Store.Update(ctx, r)
}

// Two logins race on one token while the fast store of the server misses an update, and the slower one logs in again at
// another server. Each has a handle of its own all the time, or List would show one and RevokeOthers spare the other.
func TestTwoSessionsNeverShareAHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		durable, fast, down := memstore.New(), memstore.New(), false
		server := func(fast session.Store) *session.Manager {
			m, err := session.New(tieredstore.New(fast, durable,
				tieredstore.Options{BackOff: time.Nanosecond, OnError: func(error) {}}), session.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		one, two := server(updatesDown{fast, &down}), server(fast)
		login := func(m *session.Manager, cookie string, meanwhile func()) string {
			v := begin(t, m, cookie)
			v.Login("user:1")
			meanwhile()
			return v.finish().succeeded().issued()
		}
		look := func(m *session.Manager, cookie string) (handle, subject string) {
			v := begin(t, m, cookie)
			defer v.finish()
			return v.Handle(), v.Subject()
		}
		v := begin(t, two, "")
		name.Set(v.Session, "x")
		start := v.finish().succeeded().issued()
		winner := ""
		loser := login(one, start, func() { winner = login(one, start, func() {}); down = true })
		down = false
		loser = login(two, loser, func() {})
		first, _ := look(one, winner)
		second, _ := look(two, loser)
		if list, err := one.List(t.Context(), "user:1"); err != nil || len(list) != 2 || first == second {
			t.Errorf("handles %q and %q, %d listed (%v): two sessions have one handle", first, second, len(list), err)
		}
		v = begin(t, one, winner)
		if n, err := one.RevokeOthers(t.Context(), v.Session); n != 1 || err != nil {
			t.Errorf("RevokeOthers: %d, %v", n, err)
		}
		v.finish()
		time.Sleep(6 * time.Second) // MaxStale is 5
		if _, subject := look(two, loser); subject != "" {
			t.Error("the other session goes on")
		}
	})
}

// P3, P18: an operation is "no change" only against what is durable.
type staleReads struct {
	*memstore.Store
	stale map[session.RecordID]session.Record
}

func (s *staleReads) Load(ctx context.Context, id session.RecordID) (session.Record, error) {
	if r, ok := s.stale[id]; ok {
		delete(s.stale, id) // one read from the cache, as with a fast tier that the next look passes by
		r.Cached = true
		return r, nil
	}
	return s.Store.Load(ctx, id)
}

func TestP18AWriteOverACachedRecordIsNotDropped(t *testing.T) {
	s := &staleReads{memstore.New(), map[session.RecordID]session.Record{}}
	var ids []session.RecordID
	p := probe.New(s)
	p.Before(func(c probe.Call) error {
		if c.Method == "Create" {
			ids = append(ids, c.ID)
		}
		return nil
	})
	m, err := session.New(p, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	count.Set(v.Session, 1)
	cookie := v.finish().succeeded().issued()
	before, _ := s.Store.Load(t.Context(), ids[0])
	v = begin(t, m, cookie)
	count.Set(v.Session, 2)
	v.finish().succeeded()
	s.stale[ids[0]] = before
	v = begin(t, m, cookie)
	count.Set(v.Session, 1) // back, as the cached record still says
	v.finish().succeeded()
	v = begin(t, m, cookie)
	if got := count.Get(v.Session); got != 1 {
		t.Errorf("Set 1 was answered with success, and the store holds %d", got)
	}
	v.finish()
}
