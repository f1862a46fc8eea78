package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
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

// P6: what is in flight cannot bring a revoked session back.
func TestAWriteInFlightDuringARevocationDoesNotReviveTheSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	slow := begin(t, w.Manager, cookie)
	count.Update(slow.Session, addOne)
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	slow.finish().failedWith(http.StatusConflict)
	slow.untouched()
	if w.subjectOf(t, cookie) != "" || len(w.list(t, "user:1")) != 0 {
		t.Error("the session came back")
	}
}

func TestRevokeEndsWhatARenewalMakesMeanwhile(t *testing.T) {
	for _, at := range []string{"LoadAll", "Update"} { // between search and end, in both orders
		w := newWorld(t, session.Options{})
		cookie, renewed := w.login(t, "user:1"), ""
		handle := w.handleOf(t, cookie)
		w.store.Before(func(c probe.Call) error {
			if c.Method == at && at == "Update" {
				w.store.Before(nil)
				renewed = w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded().issued()
			}
			return nil
		})
		w.store.After(func(c probe.Call, err error) error {
			if c.Method == at && at == "LoadAll" {
				w.store.After(nil)
				renewed = w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded().issued()
			}
			return err
		})
		if err := w.Revoke(t.Context(), "user:1", handle); err != nil {
			t.Fatal(err)
		}
		if renewed == "" || w.subjectOf(t, renewed) != "" || w.subjectOf(t, cookie) != "" {
			t.Errorf("%s: a renewal saved the session from its end", at)
		}
	}
}

// The new record exists and the old one is not its alias yet when the revocation comes.
func TestARenewalInFlightDoesNotSurviveARevocation(t *testing.T) {
	for name, renew := range map[string]func(*session.Session){
		"renew": (*session.Session).Renew,
		"write": func(s *session.Session) { s.Renew(); count.Set(s, 2) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.store.Before(func(c probe.Call) error {
			if c.Method == "Update" {
				w.store.Before(nil)
				if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
					t.Errorf("%s: %d sessions ended (%v), want 1", name, n, err)
				}
			}
			return nil
		})
		v := begin(t, w.Manager, cookie)
		renew(v.Session)
		v.finish()
		if value, _ := v.cookie(); value != "" && w.subjectOf(t, value) != "" {
			t.Errorf("%s: the renewed session is alive", name)
		}
		if list := w.list(t, "user:1"); len(list) != 0 {
			t.Errorf("%s: still listed: %v", name, handles(list))
		}
	}
}

// Whoever uses the browser now is somebody else.
func TestRevokeDoesNotFollowIntoAnotherSubjectsSession(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie, other := w.login(t, "user:1"), ""
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "LoadAll" {
			w.store.After(nil)
			other = w.read(t, cookie, func(s *session.Session) { s.Login("user:2") }).succeeded().issued()
		}
		return err
	})
	if _, err := w.RevokeAll(t.Context(), "user:1"); err != nil {
		t.Fatal(err)
	}
	if w.subjectOf(t, other) != "user:2" {
		t.Error("another subject's session was ended")
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

func TestRevokeWhileOthersWrite(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	writes := 0
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" && writes < 5 {
			before := writes
			if writes++; before%2 == 0 {
				w.read(t, cookie, func(s *session.Session) { count.Update(s, addOne) }).succeeded()
			}
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if w.subjectOf(t, cookie) != "" {
		t.Error("a write got the session past its end")
	}
}

func TestRevokeTellsWhatFailed(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" || c.Method == "Delete" {
			return errors.New("down")
		}
		return nil
	})
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want none and ErrUnavailable", n, err)
	}
	w.store.Before(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.RevokeAll(ctx, "user:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("under a cancelled context: %v", err)
	}
	if len(w.list(t, "user:1")) != 1 {
		t.Error("the session ended all the same")
	}
}

// An operator who interrupts the command must not wait for the rest.
func TestRevokeStopsBetweenRecordsWhenItsContextEnds(t *testing.T) {
	w := newWorld(t, session.Options{})
	for range 3 {
		w.login(t, "user:1")
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.store.After(func(c probe.Call, err error) error {
		if c.Method == "Update" {
			cancel()
		}
		return err
	})
	if n, err := w.RevokeAll(ctx, "user:1"); n != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d ended, %v; want the one that was begun and context.Canceled", n, err)
	}
	w.store.After(nil)
	if n := len(w.list(t, "user:1")); n != 2 {
		t.Errorf("%d sessions are left, want 2", n)
	}
}

// P6: a session in the last moment of its time is not alive for the one and is for the other.
func TestRevokeEndsWhatAWriteInFlightIsAboutToExtend(t *testing.T) {
	for _, method := range []string{"Touch", "Update"} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		w.now = w.now.Add(idleEnd - time.Millisecond)
		w.store.Before(func(c probe.Call) error {
			if c.Method == method {
				w.store.Before(nil)
				w.now = w.now.Add(time.Millisecond)
				if n, err := w.RevokeAll(t.Context(), "user:1"); n != 0 || err != nil {
					t.Errorf("%s: %d ended (%v), want none that was alive", method, n, err)
				}
			}
			return nil
		})
		w.read(t, cookie, func(s *session.Session) {
			if method == "Update" {
				count.Set(s, 7)
			} else {
				count.Get(s)
			}
		})
		if w.subjectOf(t, cookie) != "" {
			t.Errorf("%s: the session outlived its end", method)
		}
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

// While a deploy rolls, some records are beyond this version. The others must not stay open for that.
func TestRevokeAllEndsWhatItUnderstands(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookies := []string{w.login(t, "user:1"), w.login(t, "user:1")}
	records := recordsOf(t, w, "user:1")
	newer := records[0]
	newer.Data, newer.Subject = slices.Clone(newer.Data), "user:1"
	newer.Data[1]++
	if err := w.store.Update(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if n, err := w.RevokeAll(t.Context(), "user:1"); n != 1 || !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%d ended, %v; want 1 and ErrUnavailable", n, err)
	}
	alive := 0
	for _, c := range cookies {
		if found, err := w.Inspect(t.Context(), c); err == nil && found.Reason == "" {
			alive++
		}
	}
	if alive != 0 {
		t.Errorf("%d sessions that this version understands are alive", alive)
	}
}

// A store whose index lags for good must not keep the caller for ever.
func TestRevokeEndsThoughTheIndexDoesNotLearn(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	records := recordsOf(t, w, "user:1")
	m, err := session.New(&listing{Store: w.store, records: records}, session.Options{OnEvent: func(context.Context, session.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.RevokeAll(t.Context(), "user:1"); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
	if list := w.list(t, "user:1"); len(list) != 0 {
		t.Error("the session is alive")
	}
}

func TestInspect(t *testing.T) {
	for name, w := range map[string]*world{
		"stored": newWorld(t, session.Options{}),
		"sealed": newSealed(t, session.TemporaryKeys(), session.Options{}),
	} {
		cookie := w.read(t, w.start(t), func(s *session.Session) { s.Login("user:1"); items.Set(s, []string{"tea"}) }).succeeded().issued()
		got, err := w.Inspect(t.Context(), cookie)
		if err != nil {
			t.Fatal(err)
		}
		if got.Reason != "" || got.Subject != "user:1" || got.Handle != w.handleOf(t, cookie) || got.Size == 0 {
			t.Errorf("%s: %+v", name, got)
		}
		if string(got.Values["count"]) != "1" || string(got.Values["items"]) != `["tea"]` || len(got.Values) != 2 {
			t.Errorf("%s: values %q", name, got.Values)
		}
		w.now = w.now.Add(idleEnd)
		if got, err = w.Inspect(t.Context(), cookie); err != nil || got.Reason != session.ReasonExpiredIdle || got.Subject != "user:1" {
			t.Errorf("%s: after the idle timeout: %+v %v", name, got, err)
		}
		if got, err = w.Inspect(t.Context(), cookie[:20]); err != nil || !slices.Contains([]session.Reason{session.ReasonMalformed, session.ReasonUnopenable}, got.Reason) {
			t.Errorf("%s: half a cookie: %+v %v", name, got, err)
		}
	}
}

func TestInspectLeavesTheSessionAlone(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	w.store.Reset()
	w.now = w.now.Add(20 * time.Minute)
	if _, err := w.Inspect(t.Context(), cookie); err != nil {
		t.Fatal(err)
	}
	if n := w.store.Count(""); n != 1 {
		t.Errorf("%d store calls, want 1: looking must not extend a session", n)
	}
	w.store.Before(func(probe.Call) error { return errors.New("down") })
	if _, err := w.Inspect(t.Context(), cookie); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestInspectShowsCopies(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.start(t)
	found, err := w.Inspect(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	found.Values["count"][0] = '9'
	if n := w.countOf(t, cookie); n != 1 {
		t.Errorf("count = %d: whoever looks can change the session", n)
	}
}

// silent answers when its context ends.
type silent struct{ session.Store }

func (silent) Load(ctx context.Context, _ session.RecordID) (session.Record, error) {
	<-ctx.Done()
	return session.Record{}, ctx.Err()
}

func TestInspectEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, session.Options{})
		m, err := session.New(silent{w.store}, session.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begun := time.Now()
		if _, err := m.Inspect(ctx, w.start(t)); !errors.Is(err, context.Canceled) || time.Since(begun) != time.Second {
			t.Errorf("%v after %v, want context.Canceled after 1s", err, time.Since(begun))
		}
	})
}

func TestInspectTellsWhyACookieOpensNothing(t *testing.T) {
	w := newWorld(t, session.Options{})
	renewed, ended := w.start(t), w.start(t)
	w.read(t, renewed, func(s *session.Session) { s.Renew() }).succeeded()
	w.read(t, ended, func(s *session.Session) { s.Destroy() }).succeeded()
	for cookie, want := range map[string]session.Reason{renewed: session.ReasonSuperseded, ended: session.ReasonAlreadyEnded} {
		if got, err := w.Inspect(t.Context(), cookie); err != nil || got.Reason != want || got.Values != nil || got.Handle != "" {
			t.Errorf("%+v %v, want %s and nothing else", got, err, want)
		}
	}
}
