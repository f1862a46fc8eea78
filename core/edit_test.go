package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

const role session.Key[string] = "role"

func demote(s *session.Session) { role.Set(s, "user") }

func TestEditChangesAllSessionsOfASubject(t *testing.T) {
	w := newWorld(t, session.Options{})
	var cookies []string
	for range 3 {
		cookies = append(cookies, w.loginWith(t, "user:1", "admin"))
	}
	other := w.loginWith(t, "user:2", "admin")
	if n, err := w.Edit(t.Context(), "user:1", demote); n != 3 || err != nil {
		t.Fatalf("%d edited, %v; want 3", n, err)
	}
	for _, c := range cookies {
		if got := w.roleOf(t, c); got != "user" {
			t.Errorf("the role is %q", got)
		}
	}
	if got := w.roleOf(t, other); got != "admin" {
		t.Errorf("somebody else's role is %q", got)
	}
	if n, err := w.Edit(t.Context(), "user:1", demote); n != 0 || err != nil {
		t.Errorf("%d edited, %v, though nothing changes", n, err)
	}
}

// loginWith returns the cookie of a new session of subject with a role.
func (w *world) loginWith(t *testing.T, subject, as string) string {
	t.Helper()
	return w.read(t, "", func(s *session.Session) { s.Login(subject); role.Set(s, as) }).succeeded().issued()
}

func (w *world) roleOf(t *testing.T, cookie string) (as string) {
	t.Helper()
	w.read(t, cookie, func(s *session.Session) { as = role.Get(s) }).succeeded()
	return as
}

// P5: an edit is one more request at the same time.
func TestEditAndRequestsInFlightLoseNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	if n, err := w.Edit(t.Context(), "user:1", demote); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	slow.finish().succeeded()
	if w.roleOf(t, cookie) != "user" || w.countOf(t, cookie) != 1 {
		t.Errorf("role %q, count %d", w.roleOf(t, cookie), w.countOf(t, cookie))
	}

	reader := begin(t, w.Manager, cookie) // has read what the edit changes
	role.Get(reader.Session)
	role.Set(reader.Session, "admin")
	if _, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { role.Set(s, "guest") }); err != nil {
		t.Fatal(err)
	}
	reader.finish().failedWith(http.StatusConflict)
}

func TestEditRunsAgainOnWhatOthersHaveChanged(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			w.store.Before(nil)
			w.read(t, cookie, func(s *session.Session) { role.Set(s, "owner") }).succeeded()
		}
		return nil
	})
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { role.Set(s, "former "+role.Get(s)) })
	if got := w.roleOf(t, cookie); n != 1 || err != nil || got != "former owner" {
		t.Errorf("%d edited, %v; role %q", n, err, got)
	}
}

// P7: whatever is being renewed meanwhile has been edited in the end.
func TestEditReachesWhatIsRenewedMeanwhile(t *testing.T) {
	for _, at := range []string{"Find", "LoadAll", "Update"} {
		for _, after := range []bool{false, true} {
			w := newWorld(t, session.Options{})
			cookie := w.loginWith(t, "user:1", "admin")
			done := false
			between := func(c probe.Call) {
				if c.Method == at && !done {
					done = true
					cookie = w.read(t, cookie, (*session.Session).Renew).succeeded().issued()
				}
			}
			w.store.Before(func(c probe.Call) error {
				if !after {
					between(c)
				}
				return nil
			})
			w.store.After(func(c probe.Call, err error) error {
				if after && at != "Update" {
					between(c)
				}
				return err
			})
			if n, err := w.Edit(t.Context(), "user:1", demote); n != 1 || err != nil || w.roleOf(t, cookie) != "user" {
				t.Errorf("%s, after %t: %d edited, %v, role %q", at, after, n, err, w.roleOf(t, cookie))
			}
		}
	}
}

// The edit comes when the new record exists and the old one leads nowhere yet.
func TestARenewalTakesAnEditAlong(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	w.now = w.now.Add(time.Minute)
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" {
			w.store.Before(nil)
			if n, err := w.Edit(t.Context(), "user:1", demote); n != 1 || err != nil {
				t.Errorf("%d edited, %v", n, err)
			}
			w.read(t, cookie, func(s *session.Session) { count.Set(s, 7) }).succeeded()
		}
		return nil
	})
	renewed := w.read(t, cookie, (*session.Session).Renew).succeeded().issued()
	if w.roleOf(t, renewed) != "user" || w.countOf(t, renewed) != 7 {
		t.Errorf("the renewed session has role %q, count %d", w.roleOf(t, renewed), w.countOf(t, renewed))
	}
}

// An operator who changes everybody's sessions must not keep those alive that nobody uses.
func TestAnEditIsNoUse(t *testing.T) {
	w := newWorld(t, session.Options{RenewAfter: time.Hour})
	w.loginWith(t, "user:1", "admin")
	before := w.list(t, "user:1")[0]
	w.now = w.now.Add(20 * time.Minute)
	if n, err := w.Edit(t.Context(), "user:1", demote); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { role.Get(s) }); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	for _, f := range []func(*session.Session){
		func(s *session.Session) { role.Set(s, strings.Repeat("long", 1<<20)) },
		(*session.Session).Renew,
	} {
		if n, err := w.Edit(t.Context(), "user:1", f); n != 0 || err == nil {
			t.Fatal(n, err)
		}
	}
	if after := w.list(t, "user:1")[0]; fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("\n got %v\nwant %v", after, before)
	}
	if _, err := w.Edit(t.Context(), "user:1", (*session.Session).Touch); err != nil {
		t.Fatal(err)
	}
	if after := w.list(t, "user:1")[0]; !after.LastSeen.After(before.LastSeen) {
		t.Error("Touch has not extended the session")
	}
}

func TestEditCanEndSessionsAndGiveThemALifetime(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	long := session.Lifetime{Idle: time.Hour, Absolute: 48 * time.Hour, Persistent: session.Keep}
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { s.SetLifetime(long) })
	if list := w.list(t, "user:1"); n != 1 || err != nil || !list[0].Persistent {
		t.Fatalf("%d edited, %v, %v", n, err, list)
	}
	if value := w.read(t, cookie, func(s *session.Session) { role.Get(s) }).succeeded().issued(); value != cookie {
		t.Error("the browser has not got its cookie with the new attributes")
	}
	if n, err := w.Edit(t.Context(), "user:1", (*session.Session).Destroy); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if w.subjectOf(t, cookie) != "" {
		t.Error("the session is alive")
	}
}

func TestEditRefusesWhatNeedsABrowser(t *testing.T) {
	for name, f := range map[string]func(*session.Session){
		"Login": func(s *session.Session) { s.Login("user:2") },
		"Renew": (*session.Session).Renew,
	} {
		w := newWorld(t, session.Options{})
		cookie := w.loginWith(t, "user:1", "admin")
		n, err := w.Edit(t.Context(), "user:1", f)
		if n != 0 || err == nil || w.subjectOf(t, cookie) != "user:1" {
			t.Errorf("%s: %d edited, %v, subject %q", name, n, err, w.subjectOf(t, cookie))
		}
	}
}

func TestEditTellsWhatFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.loginWith(t, "user:1", "admin")
	w.loginWith(t, "user:1", "admin")
	failOnce(w, "Update")
	if n, err := w.Edit(t.Context(), "user:1", demote); n != 1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d edited, %v; want the other one and ErrUnavailable", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Edit(ctx, "user:1", demote); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
	var kept *session.Session
	if _, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { kept = s }); err != nil {
		t.Fatal(err)
	}
	if err := kept.Err(); !errors.Is(err, session.ErrRequestOver) {
		t.Errorf("a session that is over: %v", err)
	}
	sealed := newSealed(t, session.TemporaryKeys(), session.Options{})
	if _, err := sealed.Edit(t.Context(), "user:1", demote); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("sealed: %v", err)
	}
}

// An owner who enters the password once more has the same session under another token.
func TestEditReachesWhatIsLoggedInAgainMeanwhile(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	again := func(as string) {
		cookie = w.read(t, cookie, func(s *session.Session) { s.Login(as) }).succeeded().issued()
	}
	calls := 0
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) {
		if calls++; calls <= 2 {
			again("user:1")
		}
		demote(s)
	})
	if n != 1 || err != nil || w.roleOf(t, cookie) != "user" {
		t.Errorf("%d edited, %v, role %q", n, err, w.roleOf(t, cookie))
	}
	n, err = w.Edit(t.Context(), "user:1", func(s *session.Session) { again("user:1"); role.Set(s, "guest") })
	if n != 0 || !errors.Is(err, session.ErrConflict) {
		t.Errorf("an owner who logs in each time: %d edited, %v", n, err)
	}
	n, err = w.Edit(t.Context(), "user:1", func(s *session.Session) { again("user:2"); role.Set(s, "guest") })
	if n != 0 || err != nil || w.roleOf(t, cookie) != "" {
		t.Errorf("somebody else's login: %d edited, %v, role %q", n, err, w.roleOf(t, cookie))
	}
}

func TestEditCountsWhatTheFunctionHasSaved(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) {
		demote(s)
		if err := s.Save(); err != nil {
			t.Error(err)
		}
		w.read(t, cookie, (*session.Session).Destroy)
		count.Set(s, 1)
	})
	if n != 1 || err != nil {
		t.Errorf("%d edited, %v", n, err)
	}
}

func TestEditTellsThatASaveOfTheFunctionFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	calls := 0
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) {
		if calls++; calls == 1 {
			cookie = w.loginAt(t, cookie, "user:1")
		}
		demote(s)
		_ = s.Save()
	})
	if n != 1 || err != nil || w.roleOf(t, cookie) != "user" {
		t.Errorf("%d edited, %v, role %q", n, err, w.roleOf(t, cookie))
	}
	n, err = w.Edit(t.Context(), "user:1", func(s *session.Session) {
		role.Set(s, strings.Repeat("long", 1<<20))
		_ = s.Save()
	})
	if n != 0 || !errors.Is(err, session.ErrTooLarge) {
		t.Errorf("%d edited, %v", n, err)
	}
}

// A login that comes second begins with the first one's values, which an edit changes at the same time.
func TestEditReachesWhatASecondLoginBegins(t *testing.T) {
	for _, at := range []string{"before its record", "after its record", "while it looks again"} {
		w := newWorld(t, session.Options{})
		cookie := w.loginWith(t, "user:1", "admin")
		second := begin(t, w.Manager, cookie)
		second.Login("user:1")
		first := w.loginAt(t, cookie, "user:1")
		creates := 0
		edit := func() {
			w.store.Before(nil)
			w.store.After(nil)
			if n, err := w.Edit(t.Context(), "user:1", demote); n == 0 || err != nil {
				t.Errorf("%s: %d edited, %v", at, n, err)
			}
		}
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Create" {
				creates++ // the first one is the renewal of what the first login has left
			}
			if c.Method == "Create" && creates == 2 && at == "before its record" {
				edit()
			}
			return nil
		})
		w.store.After(func(c probe.Call, err error) error {
			if creates == 2 && (c.Method == "Create" && at == "after its record" || c.Method == "Load") {
				edit()
			}
			return err
		})
		begun := second.finish().succeeded().issued()
		if w.roleOf(t, begun) != "user" || w.roleOf(t, first) != "user" {
			t.Errorf("%s: roles %q and %q", at, w.roleOf(t, begun), w.roleOf(t, first))
		}
		if n := len(w.list(t, "user:1")); n != 2 {
			t.Errorf("%s: %d sessions", at, n)
		}
	}
}

// The edit has looked for sessions when a login with what it is about to change begins another one.
func TestEditLooksForWhatBeginsMeanwhile(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.loginWith(t, "user:1", "admin")
	second, begun := begin(t, w.Manager, cookie), ""
	second.Login("user:1")
	w.loginAt(t, cookie, "user:1")
	n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) {
		if begun == "" {
			begun = second.finish().succeeded().issued()
		}
		demote(s)
	})
	if n != 2 || err != nil || w.roleOf(t, begun) != "user" {
		t.Errorf("%d edited, %v, role %q", n, err, w.roleOf(t, begun))
	}
}

// P9: the application's clock may use the session, because no lock is held.
func TestEditReadsTheClockWithoutALock(t *testing.T) {
	var edited *session.Session
	w := &world{records: memstore.New()}
	m, err := session.New(w.records, session.Options{Now: func() time.Time {
		if s := edited; s != nil {
			edited = nil
			s.Handle()
		}
		return time.Now()
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	w.loginWith(t, "user:1", "admin")
	if n, err := w.Edit(t.Context(), "user:1", func(s *session.Session) { demote(s); edited = s }); n != 1 || err != nil {
		t.Error(n, err)
	}
}
