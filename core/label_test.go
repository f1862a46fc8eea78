package session_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// labelWorlds are the ways in which labels are kept.
var labelWorlds = map[string]func(*testing.T, session.Options) *world{
	"a store that searches": newWorld, "sealed": newRevocable, "a store that cannot search": newUnlisted,
}

func (w *world) loginLabelled(t *testing.T, cookie, subject string, labels ...string) string {
	t.Helper()
	var options []session.LoginOption
	for _, l := range labels {
		options = append(options, session.Label(l))
	}
	return w.read(t, cookie, func(s *session.Session) { s.Login(subject, options...) }).succeeded().issued()
}

// ended fails the test unless a cookie's session has been ended, of whatever kind it is.
func (w *world) ended(t *testing.T, who, cookie string) {
	t.Helper()
	if reason, _ := w.reasonFor(t, cookie); reason != session.ReasonAlreadyEnded {
		t.Errorf("%s: reason %q, want already-ended", who, reason)
	}
}

// revokeLabel returns how many sessions were ended, which revocations do not know.
func (w *world) revokeLabel(t *testing.T, label string) (n int) {
	t.Helper()
	n, err := w.RevokeLabel(t.Context(), label)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRevokeLabelEndsTheSessionsThatHaveIt(t *testing.T) {
	for kind, create := range labelWorlds {
		w := create(t, session.Options{})
		a, b := w.loginLabelled(t, "", "user:1", "sid:a", "shared"), w.loginLabelled(t, "", "user:2", "sid:b", "shared")
		plain, other := w.login(t, "user:1"), w.loginLabelled(t, "", "user:1", "sid:c")
		if n := w.revokeLabel(t, "sid:a"); n != 1 && n != -1 {
			t.Errorf("%s: %d ended, want 1", kind, n)
		}
		w.ended(t, kind, a)
		for c, who := range map[string]string{b: "user:2", plain: "user:1", other: "user:1"} {
			w.in(t, kind, c, who)
		}
		a = w.loginLabelled(t, "", "user:1", "sid:a", "shared")
		if n := w.revokeLabel(t, "shared"); n != 2 && n != -1 {
			t.Errorf("%s: %d ended, want 2", kind, n)
		}
		w.ended(t, kind+", a", a)
		w.ended(t, kind+", b", b)
		w.in(t, kind, w.loginLabelled(t, "", "user:1", "sid:a", "shared"), "user:1")
		if n := w.revokeLabel(t, "unheard of"); n > 0 {
			t.Errorf("%s: %d sessions have a label that none has", kind, n)
		}
	}
}

// Labels follow the session through whatever its token goes through.
func TestLabelsStayWithTheSession(t *testing.T) {
	for kind, create := range labelWorlds {
		for what, do := range map[string]func(*session.Session){
			"renew":   (*session.Session).Renew,
			"write":   func(s *session.Session) { count.Set(s, 5) },
			"login":   func(s *session.Session) { s.Login("user:1") },
			"step up": func(s *session.Session) { s.Login("user:1", session.Label("more")) },
			"life":    func(s *session.Session) { s.SetLifetime(remembered) },
			"read":    func(s *session.Session) { s.Subject() },
		} {
			w := create(t, session.Options{RenewAfter: 10 * time.Minute})
			cookie := w.loginLabelled(t, "", "user:1", "sid")
			w.now = w.now.Add(11 * time.Minute)
			if issued, _ := w.read(t, cookie, do).succeeded().cookie(); issued != "" {
				cookie = issued
			}
			w.read(t, cookie, func(s *session.Session) {
				if !slices.Contains(s.Info().Labels, "sid") {
					t.Errorf("%s, %s: labels %q", kind, what, s.Info().Labels)
				}
			})
			if what == "life" { // a day after what was its end before
				for range 30 {
					w.now = w.now.Add(time.Hour)
					if issued, _ := w.read(t, cookie, func(s *session.Session) { s.Subject() }).cookie(); issued != "" {
						cookie = issued
					}
				}
				if w.store != nil {
					_, _ = w.records.Sweep(t.Context(), w.now.Add(-5*time.Minute), 1000)
				}
			}
			w.in(t, kind+", "+what, cookie, "user:1")
			w.revokeLabel(t, "sid")
			w.ended(t, kind+", "+what, cookie)
		}
		w := create(t, session.Options{})
		cookie := w.loginLabelled(t, "", "user:1", "sid")
		cookie = w.loginLabelled(t, cookie, "user:2", "other")
		w.revokeLabel(t, "sid")
		w.in(t, kind+", as somebody else", cookie, "user:2")
	}
}

// A label that is too much is a refused write, not half a login.
func TestLabelsThatAreRefused(t *testing.T) {
	var many []string
	for i := range 9 {
		many = append(many, fmt.Sprint("label ", i))
	}
	for what, labels := range map[string][]string{
		"an empty one": {""}, "a long one": {strings.Repeat("x", 201)}, "nine": many,
	} {
		w := newWorld(t, session.Options{})
		v := w.read(t, "", func(s *session.Session) {
			for _, l := range labels { // one after the other
				s.Login("user:1", session.Label(l))
			}
		})
		v.failedWith(500)
		if n := w.store.Count("Create"); n != 0 {
			t.Errorf("%s: %d records", what, n)
		}
	}
	w := newWorld(t, session.Options{})
	cookie := w.loginLabelled(t, "", "user:1", many[:8]...)
	w.loginLabelled(t, cookie, "user:1", many[3])
	cookie = w.loginLabelled(t, "", "user:1", many[:8]...)
	begin(t, w.Manager, cookie)
	w.read(t, cookie, func(s *session.Session) { s.Login("user:1", session.Label(many[8])) }).failedWith(500)
	w.loginLabelled(t, cookie, "user:2", many[8])
	for what, m := range map[string]*session.Manager{
		"sealed":                     newSealed(t, session.TemporaryKeys(), session.Options{}).Manager,
		"a store that cannot search": newBare(t),
	} {
		v := begin(t, m, "")
		v.Login("user:1", session.Label("sid"))
		v.finish().failedWith(500)
		if _, err := m.RevokeLabel(t.Context(), "sid"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v, want errors.ErrUnsupported", what, err)
		}
	}
	if _, err := w.RevokeLabel(t.Context(), ""); err == nil {
		t.Error("sessions without a label were ended")
	}
}

func newBare(t *testing.T) *session.Manager {
	t.Helper()
	s := memstore.New()
	m, err := session.New(keyed{s, s}, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// P6: a session that has been answered has its label in the index: the record that says so is written first.
func TestALabelIsFoundFromTheLoginOn(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Create" && c.Record.Subject == "user:1" {
			ids, err := w.records.Find(t.Context(), "\x00label\x00sid")
			if len(ids) != 1 || err != nil {
				t.Errorf("the session is written, and %d records have its label", len(ids))
			}
		}
		return nil
	})
	cookie := w.loginLabelled(t, "", "user:1", "sid")
	w.store.Before(nil)
	if list := w.list(t, "user:1"); len(list) != 1 || !slices.Equal(list[0].Labels, []string{"sid"}) {
		t.Errorf("%+v, want one session with its label", list)
	}
	w.store.Before(fail("Create"))
	v := begin(t, w.Manager, cookie)
	v.Login("user:1", session.Label("more"))
	v.finish().failedWith(503)
	v = begin(t, w.Manager, cookie)
	v.SetLifetime(remembered) // the session may outlive the record that says what label it has
	v.finish().failedWith(503)
	w.store.Before(nil)
	w.revokeLabel(t, "sid")
	w.ended(t, "the login before", cookie)
}

// P6: RevokeLabel follows what a renewal in flight makes of the session.
func TestRevokeLabelFollowsRenewals(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 200 * time.Millisecond})
	cookie := w.loginLabelled(t, "", "user:1", "sid")
	v := begin(t, w.Manager, cookie)
	v.Renew()
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" { // the new record is there, and the old one not yet an alias
			w.store.Before(nil)
			w.revokeLabel(t, "sid")
		}
		return nil
	})
	v.finish()
	if n := w.alive(t); n != 0 {
		t.Errorf("%d sessions live", n)
	}
	w.ended(t, "the old token", cookie)
}

// A label's records are nobody's sessions.
func TestLabelsAreNoSessions(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.loginLabelled(t, "", "user:1", "sid")
	for _, subject := range []string{"\x00label\x00sid", "sid"} {
		if list := w.list(t, subject); len(list) != 0 {
			t.Errorf("%q has %d sessions", subject, len(list))
		}
		if n, err := w.RevokeAll(t.Context(), subject); n != 0 || err != nil {
			t.Error(n, err)
		}
	}
}

// P22: while a deploy rolls, a label's record may be beyond this version, and its session must not be passed over in
// silence.
func TestRevokeLabelTellsOfWhatItDoesNotUnderstand(t *testing.T) {
	w := newWorld(t, session.Options{})
	for range 2 {
		w.read(t, "", func(s *session.Session) { s.Login("user:1", session.Label("device")) }).succeeded()
	}
	for _, r := range records(t, w.records) {
		if _, err := r.Describe(); err != nil {
			t.Fatal(err)
		}
		if r.Subject == "user:1" {
			continue
		}
		r.Data = append([]byte{'C', 99}, r.Data[2:]...)
		if err := w.records.Update(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		break
	}
	if n, err := w.RevokeLabel(t.Context(), "device"); n != 1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want 1 and ErrUnavailable", n, err)
	}
}

// Logins and logouts must not fill the store with labels' records.
func TestALogoutRemovesTheRecordsOfItsLabels(t *testing.T) {
	w := newWorld(t, session.Options{})
	for range 20 {
		cookie := w.read(t, "", func(s *session.Session) {
			s.Login("user:1", session.Label("device"), session.Label("customer"))
		}).succeeded().issued()
		w.read(t, cookie, (*session.Session).Destroy).succeeded()
	}
	if n := len(records(t, w.records)); n != 20 {
		t.Errorf("%d records are left, want the 20 markers of the ended sessions", n)
	}
}
