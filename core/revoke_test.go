package session_test

import (
	"context"
	"errors"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
)

func TestRevokeEndsOneSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	lost, kept := w.login(t, "user:1"), w.login(t, "user:1")
	if err := w.Revoke(t.Context(), "user:1", w.handleOf(t, lost)); err != nil {
		t.Fatal(err)
	}
	if w.subjectOf(t, lost) != "" || w.subjectOf(t, kept) != "user:1" {
		t.Error("the wrong session ended, or none")
	}
	if !w.saw(session.ReasonRevoked) {
		t.Error("no event says that a session was revoked")
	}
}

// A visitor may send any handle.
func TestRevokeEndsOnlyWhatIsTheSubjects(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	handle := w.handleOf(t, cookie)
	for _, c := range [][2]string{{"user:2", handle}, {"user:1", "x"}, {"user:1", ""}} {
		if err := w.Revoke(t.Context(), c[0], c[1]); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Revoke(%q, %q): %v, want ErrNotFound", c[0], c[1], err)
		}
	}
	if w.subjectOf(t, cookie) != "user:1" {
		t.Error("somebody else ended the session")
	}
	if err := w.Revoke(t.Context(), "user:1", handle); err != nil {
		t.Fatal(err)
	}
	if err := w.Revoke(t.Context(), "user:1", handle); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the second time: %v, want ErrNotFound", err)
	}
}

func TestRevokeOthersKeepsThePresentSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	mine, other, strangers := w.login(t, "user:1"), w.login(t, "user:1"), w.login(t, "user:2")
	w.read(t, mine, func(s *session.Session) {
		if n, err := w.RevokeOthers(t.Context(), s); n != 1 || err != nil {
			t.Errorf("%d sessions ended (%v), want 1", n, err)
		}
	}).succeeded()
	if w.subjectOf(t, mine) != "user:1" || w.subjectOf(t, other) != "" || w.subjectOf(t, strangers) != "user:2" {
		t.Error("the wrong sessions ended")
	}
}

// A changed password: log in anew and end the others, in one handler and in either order.
func TestRevokeOthersCountsALoginThatIsNotSavedYet(t *testing.T) {
	for _, before := range []string{"", "user:1", "user:2"} {
		w := newWorld(t, session.Options{})
		other, cookie := w.login(t, "user:1"), ""
		if before != "" {
			cookie = w.login(t, before)
		}
		v := begin(t, w.Manager, cookie)
		v.Login("user:1")
		if n, err := w.RevokeOthers(t.Context(), v.Session); n != 1 || err != nil {
			t.Errorf("before %q: %d sessions ended (%v), want 1", before, n, err)
		}
		fresh := v.finish().succeeded().issued()
		if w.subjectOf(t, fresh) != "user:1" || w.subjectOf(t, other) != "" {
			t.Errorf("before %q: the wrong sessions ended", before)
		}
	}
}

func TestRevokeOthersRefuses(t *testing.T) {
	w, elsewhere := newWorld(t, session.Options{}), newWorld(t, session.Options{})
	anonymous, member := begin(t, w.Manager, w.start(t)), begin(t, w.Manager, w.login(t, "user:1"))
	if _, err := w.RevokeOthers(t.Context(), anonymous.Session); err == nil {
		t.Error("an anonymous visitor ended sessions")
	}
	if _, err := elsewhere.RevokeOthers(t.Context(), member.Session); err == nil {
		t.Error("another manager's session was taken")
	}
	anonymous.finish()
	if _, err := w.RevokeOthers(t.Context(), anonymous.Session); !errors.Is(err, session.ErrRequestOver) {
		t.Errorf("after the request: %v, want ErrRequestOver", err)
	}
	broken := begin(t, w.Manager, w.login(t, "user:1"))
	w.store.Before(func(probe.Call) error { return errors.New("down") })
	if _, err := w.RevokeOthers(t.Context(), broken.Session); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a session that could not be loaded: %v, want ErrUnavailable", err)
	}
	if _, err := w.RevokeAll(t.Context(), ""); err == nil {
		t.Error("everybody's anonymous sessions were ended")
	}
}

// A flooded account: however many sessions there are, they end.
func TestManySessionsOfOneSubjectEnd(t *testing.T) {
	w := newWorld(t, session.Options{StoreTimeout: 150 * time.Millisecond,
		OnEvent: func(context.Context, session.Event) {}})
	const many = 1500
	for range many {
		w.login(t, "user:1")
	}
	if n := len(w.list(t, "user:1")); n != many {
		t.Errorf("%d listed, want %d", n, many)
	}
	failing := 0
	w.store.Before(func(c probe.Call) error {
		if (c.Method == "Update" || c.Method == "Delete") && failing < 3 {
			failing++
			return errDown
		}
		return nil
	})
	n, err := w.RevokeAll(t.Context(), "user:1")
	if n != many-1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want all but the one that failed, and its error", n, err)
	}
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Errorf("the second time: %d, %v", n, err)
	}
}

// The operator's command knows neither the application's clock nor its leeway.
func TestRevokeEndsWhatIsExpiredByItsOwnClockOnly(t *testing.T) {
	w := newWorld(t, session.Options{Leeway: time.Minute})
	cookie := w.login(t, "user:1")
	strict, err := session.New(w.store, w.observed(session.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(30*time.Minute + 30*time.Second)
	if w.subjectOf(t, cookie) != "user:1" {
		t.Fatal("the application does not accept the session")
	}
	w.now = w.now.Add(30*time.Minute + 30*time.Second) // that request has extended it
	if _, err := strict.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	if w.subjectOf(t, cookie) != "" {
		t.Error("the session outlived its end")
	}
}
