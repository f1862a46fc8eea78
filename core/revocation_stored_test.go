package session_test

import (
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// keyed is a store that cannot search, as Memcached is.
type keyed struct {
	session.Store
	session.BatchLoader
}

// newUnlisted returns a world whose store cannot search by subject, and keeps the revocations too.
func newUnlisted(t *testing.T, o session.Options) *world {
	t.Helper()
	w := &world{now: time.Now(), records: memstore.New()}
	w.store = probe.New(&witness{Store: w.records, w: w})
	w.Manager = newUnlistedIn(t, w, o)
	return w
}

// newUnlistedIn is another server's manager over the store of w, which newUnlisted has made.
func newUnlistedIn(t *testing.T, w *world, o session.Options) *session.Manager {
	t.Helper()
	store := keyed{w.store, w.store}
	o.Revocations = store
	m, err := session.New(store, w.observed(o))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// P27: sessions in a store that cannot list them end like sealed ones.
func TestP27SessionsInAStoreThatCannotSearch(t *testing.T) {
	w := newUnlisted(t, session.Options{})
	a, b, c := w.login(t, "user:1"), w.login(t, "user:1"), w.login(t, "user:1")
	if err := w.Revoke(t.Context(), "user:1", w.handleOf(t, b)); err != nil {
		t.Fatal(err)
	}
	w.out(t, "b", b)
	w.revokeOthers(t, a)
	w.out(t, "c", c)
	w.in(t, "a", a, "user:1")
	w.revokeAll(t, "user:1")
	w.out(t, "a", a)
	cookie := w.login(t, "user:1")
	w.store.Reset()
	w.read(t, cookie, (*session.Session).Destroy).succeeded()
	if n := w.store.Count("Create"); n != 0 {
		t.Error("Destroy writes a revocation, though it ends the record")
	}
	if reason, _ := w.reasonFor(t, cookie); reason != session.ReasonAlreadyEnded {
		t.Errorf("after Destroy: %s", reason)
	}
	if _, err := w.List(t.Context(), "user:1"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("List: %v", err)
	}
}

// P6: what has been revoked comes back on no path: not through the values that a login takes over.
func TestP27NoLoginTakesOverWhatWasRevoked(t *testing.T) {
	for what, late := range map[string]bool{"in flight": false, "with a dead token": true} {
		w := newUnlisted(t, session.Options{})
		old := w.start(t)
		v := begin(t, w.Manager, old)
		if !late {
			count.Get(v.Session)
		}
		w.read(t, old, func(s *session.Session) { s.Login("user:1"); name.Set(s, "secret") }).succeeded()
		w.revokeAll(t, "user:1")
		v.Login("user:1")
		count.Set(v.Session, 3)
		fresh := v.finish().succeeded().issued()
		w.read(t, fresh, func(s *session.Session) {
			if s.Subject() != "user:1" || name.Get(s) != "" || count.Get(s) != 3 {
				t.Errorf("%s: %q, %q, %d; want user:1 with count 3 only", what, s.Subject(), name.Get(s), count.Get(s))
			}
		})
	}
}

// A stored session that has been revoked while a request logs in with it is none to go on with.
func TestP27ALoginInFlightOverAStore(t *testing.T) {
	w := newUnlisted(t, session.Options{})
	cookie := w.login(t, "user:1")
	w.read(t, cookie, func(s *session.Session) { name.Set(s, "secret") })
	v := begin(t, w.Manager, cookie)
	name.Get(v.Session)
	w.revokeAll(t, "user:1")
	v.Login("user:1")
	fresh := v.finish().succeeded().issued()
	w.in(t, "the login", fresh, "user:1")
	w.read(t, fresh, func(s *session.Session) {
		if name.Get(s) != "" {
			t.Error("the login has what was revoked")
		}
	})
	w.out(t, "the old token", cookie)
}

// Where the store can search, revoked sessions are not listed, and do not count.
func TestP27RevokedSessionsAreNotListed(t *testing.T) {
	w := newWorld(t, session.Options{Revocations: memstore.New(), MaxPerSubject: 2, AtLimit: session.RefuseLogin})
	a, b := w.login(t, "user:1"), w.login(t, "user:1")
	w.revokeOthers(t, b)
	if list := w.list(t, "user:1"); len(list) != 1 || list[0].Handle != w.handleOf(t, b) {
		t.Errorf("%d listed, want the one that is left", len(list))
	}
	w.in(t, "a login where there is room again", w.login(t, "user:1"), "user:1")
	w.out(t, "a", a)
}

// P8: a periodic renewal keeps what the login has seen, and both tokens end.
func TestP27APeriodicRenewalKeepsWhatTheLoginHasSeen(t *testing.T) {
	w := newUnlisted(t, session.Options{RenewAfter: 10 * time.Minute})
	w.revokeAll(t, "user:1")
	old := w.login(t, "user:1")
	w.now = w.now.Add(10 * time.Minute)
	renewed := w.read(t, old, func(s *session.Session) { s.Subject() }).issued()
	w.in(t, "renewed", renewed, "user:1")
	w.revokeAll(t, "user:1")
	w.out(t, "the old token", old)
	w.out(t, "the new one", renewed)
}

// Sweep and the sweeper remove what is over from both stores.
func TestSweepRemovesRevocations(t *testing.T) {
	kept := memstore.New()
	w := &world{now: time.Now(), keys: session.TemporaryKeys()}
	m, err := session.NewSealed(w.keys, w.observed(session.Options{Revocations: kept, MaxLifetime: 12 * time.Hour}))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	if err := w.Revoke(t.Context(), "user:1", w.handleOf(t, w.login(t, "user:1"))); err != nil {
		t.Fatal(err)
	}
	w.revokeAll(t, "user:1")
	if n, err := w.Sweep(t.Context()); n != 0 || err != nil {
		t.Error(n, err)
	}
	w.now = w.now.Add(13 * time.Hour)
	if n, err := w.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("%d swept, %v; want the revocation of one session", n, err)
	}
	w.now = w.now.Add(400 * 24 * time.Hour)
	if n, err := w.Sweep(t.Context()); n != 1 || err != nil {
		t.Errorf("%d swept, %v; want the revocation of all", n, err)
	}
}

// P6: a login stamps what it goes on with as not revoked, so it believes no memory, and no store that does not answer.
func TestP27ALoginBelievesNoMemoryOfRevocations(t *testing.T) {
	for _, down := range []bool{false, true} {
		w := newUnlisted(t, session.Options{RevocationAge: time.Minute, AcceptUnchecked: true})
		elsewhere := newUnlistedIn(t, w, session.Options{})
		old := w.start(t)
		fresh := w.read(t, old, func(s *session.Session) { s.Login("user:1"); name.Set(s, "secret") }).issued()
		w.in(t, "now it is remembered", fresh, "user:1")
		if _, err := elsewhere.RevokeAll(t.Context(), "user:1"); err != nil {
			t.Fatal(err)
		}
		asked := 0
		w.store.Before(func(c probe.Call) error {
			if c.Method != "LoadAll" {
				return nil
			}
			if asked++; down && asked == 2 { // after the generations it asks about what it goes on with
				return errDown
			}
			return nil
		})
		fresh = w.loginAt(t, old, "user:1")
		w.store.Before(nil)
		w.now = w.now.Add(2 * time.Minute)
		w.read(t, fresh, func(s *session.Session) {
			if name.Get(s) != "" {
				t.Errorf("down %t: the login has what was revoked", down)
			}
		})
	}
}
