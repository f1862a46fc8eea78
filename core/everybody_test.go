package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

// all returns the handles of all live sessions, sorted.
func (w *world) all(t *testing.T) (found []string) {
	t.Helper()
	for i, err := range w.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, i.Handle)
	}
	slices.Sort(found)
	return found
}

// crowd starts n sessions, every second one somebody's, and returns their cookies.
func (w *world) crowd(t *testing.T, n int) (cookies []string) {
	t.Helper()
	for i := range n {
		if i%2 == 0 {
			cookies = append(cookies, w.start(t))
		} else {
			cookies = append(cookies, w.login(t, fmt.Sprintf("user:%d", i)))
		}
	}
	return cookies
}

func TestAllGoesThroughLiveSessionsOfEverybody(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := w.crowd(t, 500)
	w.read(t, cookies[0], (*session.Session).Destroy)
	cookies[1] = w.read(t, cookies[1], (*session.Session).Renew).succeeded().issued()
	w.now = w.now.Add(idleEnd / 2)
	var want []string
	for _, c := range cookies[1:400] {
		want = append(want, w.handleOf(t, c)) // which is a use; the others expire
	}
	w.now = w.now.Add(idleEnd / 2)
	slices.Sort(want)
	if got := w.all(t); !slices.Equal(got, want) {
		t.Errorf("%d sessions, want %d", len(got), len(want))
	}
	if n, err := w.Count(t.Context()); n != len(want) || err != nil {
		t.Errorf("Count: %d, %v; want %d", n, err, len(want))
	}
}

// A session that is renewed while the walk is under way is at another place of the store afterwards.
func TestAllMissesAndRepeatsNothingThatIsRenewedMeanwhile(t *testing.T) {
	for _, renew := range []func(*session.Session){(*session.Session).Renew, loginAgain} {
		w := newWorld(t, session.Options{})
		cookies := w.crowd(t, 600)
		want := w.all(t)
		w.store.After(func(c probe.Call, err error) error {
			if c.Method == "Walk" {
				w.store.After(nil)
				for i := range cookies {
					cookies[i] = w.read(t, cookies[i], renew).succeeded().issued()
				}
			}
			return err
		})
		got := w.all(t)
		if !slices.Equal(got, want) {
			t.Errorf("%d sessions, %d of them once, want %d", len(got), len(slices.Compact(got)), len(want))
		}
	}
}

// loginAgain renews an anonymous visitor's session, and logs others in as who they are.
func loginAgain(s *session.Session) {
	if subject := s.Subject(); subject != "" {
		s.Login(subject)
	} else {
		s.Renew()
	}
}

func TestAllStopsWhenTheCallerDoes(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.crowd(t, 450)
	n := 0
	for _, err := range w.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
	if calls := w.store.Count("Walk"); n != 3 || calls != 1 {
		t.Errorf("%d sessions and %d pages after the caller has stopped", n, calls)
	}
}

func TestAllTellsWhatFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.crowd(t, 450)
	w.store.Before(fail("Walk"))
	if n, err := w.Count(t.Context()); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a store that is down: %d, %v", n, err)
	}
	w.store.Before(nil)
	failOnce(w, "Walk")
	if n, err := w.Count(t.Context()); n != 450 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a store that has failed once: %d, %v; want all 450 and the error", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Count(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
	sealed := newSealed(t, session.TemporaryKeys(), session.Options{})
	if _, err := sealed.Count(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("sealed: %v", err)
	}
	plain, err := session.New(struct{ session.Store }{w.records}, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.RevokeEverybody(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a store that cannot walk: %v", err)
	}
}

func TestRevokeEverybodyEndsAll(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := w.crowd(t, 450)
	slow := begin(t, w.Manager, cookies[0])
	count.Update(slow.Session, addOne)
	if n, err := w.RevokeEverybody(t.Context()); n != 450 || err != nil {
		t.Fatalf("%d ended, %v; want 450", n, err)
	}
	slow.finish().failedWith(409)
	for _, c := range cookies {
		if existsWith(t, w, c) {
			t.Fatal("a session is alive")
		}
	}
	if n := w.alive(t); n != 0 {
		t.Errorf("%d records are alive", n)
	}
}

// P6: what was there when it began is over when it returns, whatever was being renewed meanwhile.
func TestRevokeEverybodyEndsWhatIsRenewedMeanwhile(t *testing.T) {
	for name, renew := range map[string]func(*session.Session){
		"renewed": (*session.Session).Renew, "logged in again": loginAgain,
	} {
		for _, at := range []string{"Walk", "Update"} {
			w := newWorld(t, session.Options{})
			cookies := w.crowd(t, 300)
			rounds := 0
			renewAll := func() {
				for i := range cookies {
					v := begin(t, w.Manager, cookies[i])
					renew(v.Session)
					if next, _ := v.finish().cookie(); next != "" {
						cookies[i] = next
					}
				}
			}
			w.store.After(func(c probe.Call, err error) error {
				if c.Method == "Walk" && at == "Walk" && rounds < 2 {
					rounds++
					renewAll()
				}
				return err
			})
			w.store.Before(func(c probe.Call) error {
				if c.Method == "Update" && at == "Update" && rounds == 0 {
					rounds++
					renewAll()
				}
				return nil
			})
			if _, err := w.RevokeEverybody(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.store.After(nil)
			w.store.Before(nil)
			for _, c := range cookies {
				if existsWith(t, w, c) {
					t.Fatalf("%s at %s: a renewal saved a session from its end", name, at)
				}
			}
		}
	}
}

// P27: what a revocation has ended is there until it is swept, and is neither counted nor edited.
func TestWhatIsRevokedIsNeitherCountedNorEdited(t *testing.T) {
	w := newWorld(t, session.Options{})
	m, err := session.New(w.store, w.observed(session.Options{Revocations: w.store}))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	w.crowd(t, 401)
	own := w.login(t, "user:own")
	w.revokeAll(t, "user:own")
	w.revokeAll(t, "user:7")
	w.login(t, "user:7")
	if n, err := w.Count(t.Context()); n != 401 || err != nil {
		t.Errorf("%d are counted (%v), want 401", n, err)
	}
	if n, err := w.Edit(t.Context(), "user:own", demote); n != 0 || err != nil {
		t.Errorf("%d are edited (%v)", n, err)
	}
	if n, err := w.RevokeEverybody(t.Context()); n != -1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := w.Count(t.Context()); n != 201 || err != nil {
		t.Errorf("%d live after RevokeEverybody (%v), want the 201 anonymous ones", n, err)
	}
	w.out(t, "revoked", own)
}

// renewAtLength makes the n-th call of a method take long, with all sessions renewed before it returns: what led from
// the old records to the new ones is gone by then. The new cookies are in cookies.
func (w *world) renewAtLength(t *testing.T, method string, n int, cookies []string) {
	t.Helper()
	calls := 0
	w.store.After(func(c probe.Call, err error) error {
		if c.Method != method {
			return err
		}
		if calls++; calls == n {
			w.store.After(nil)
			for i := range cookies {
				if v := w.read(t, cookies[i], (*session.Session).Renew); v.ok {
					if next, _ := v.cookie(); next != "" {
						cookies[i] = next
					}
				}
			}
			w.now = w.now.Add(6 * time.Minute)
		}
		return err
	})
}

// P6: what is renewed into a part of the store that a long walk has passed is met all the same.
func TestALongWalkMissesNothingThatIsRenewedMeanwhile(t *testing.T) {
	for name, revoke := range map[string]func(*world) (int, error){
		"RevokeEverybody": func(w *world) (int, error) { return w.RevokeEverybody(t.Context()) },
		"RevokeAll":       func(w *world) (int, error) { return w.RevokeAll(t.Context(), "user:1") },
	} {
		w := newWorld(t, session.Options{})
		var cookies []string
		for range 450 {
			cookies = append(cookies, w.login(t, "user:1"))
		}
		w.renewAtLength(t, "Update", 250, cookies)
		if n, err := revoke(w); n != 450 || err != nil || w.alive(t) != 0 {
			t.Errorf("%s: %d ended, %v, %d alive", name, n, err, w.alive(t))
		}
	}
	w := newWorld(t, session.Options{})
	cookies := w.crowd(t, 600)
	want := w.all(t)
	w.renewAtLength(t, "Walk", 2, cookies)
	if got := w.all(t); !slices.Equal(got, want) {
		t.Errorf("All: %d sessions, %d of them once, want %d", len(got), len(slices.Compact(got)), len(want))
	}
}

// What begins all the time must not keep a long walk from its end.
func TestALongWalkEnds(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.crowd(t, 10)
	walks := 0
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Walk" {
			walks++
			w.now = w.now.Add(6 * time.Minute)
			w.start(t)
		}
		return nil
	})
	if n, err := w.RevokeEverybody(t.Context()); n < 10 || err != nil || walks != 2 {
		t.Errorf("%d ended, %v, in %d walks", n, err, walks)
	}
}

func TestRevokeEverybodyCountsNothingBesideAnError(t *testing.T) {
	w := newWorld(t, session.Options{})
	m, err := session.New(w.store, session.Options{Revocations: w.store})
	if err != nil {
		t.Fatal(err)
	}
	w.store.Before(fail("Create", "Update"))
	if n, err := m.RevokeEverybody(t.Context()); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d, %v", n, err)
	}
}
