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

func TestListIsNewestFirst(t *testing.T) {
	w := newWorld(t, session.Options{})
	var want []string
	for range 4 {
		want = slices.Insert(want, 0, w.handleOf(t, w.login(t, "user:1")))
		w.now = w.now.Add(time.Minute)
	}
	w.login(t, "user:2")
	w.start(t)
	if got := handles(w.list(t, "user:1")); !slices.Equal(got, want) {
		t.Errorf("handles %q, want %q", got, want)
	}
	if got := w.list(t, "user:3"); len(got) != 0 {
		t.Errorf("a stranger's sessions: %v", got)
	}
}

func TestListTellsTheClocks(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.now = w.now.Truncate(time.Millisecond)
	created := w.now
	cookie := w.start(t)
	w.now = w.now.Add(5 * time.Minute)
	loggedIn := w.now
	cookie = w.read(t, cookie, func(s *session.Session) { s.Login("user:1") }).succeeded().issued()
	w.now = w.now.Add(10 * time.Minute)
	w.read(t, cookie, func(s *session.Session) { count.Get(s) }).succeeded()
	list := w.list(t, "user:1")
	if len(list) != 1 {
		t.Fatalf("%d sessions, want 1", len(list))
	}
	want := session.Info{
		Handle: w.handleOf(t, cookie), Subject: "user:1", Created: created, Authenticated: loggedIn,
		LastSeen: w.now, ExpiresAt: w.now.Add(idleEnd), Deadline: loggedIn.Add(12 * time.Hour),
	}
	if got := list[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
}

func TestListLeavesOutWhatIsNotAlive(t *testing.T) {
	for name, end := range map[string]func(w *world, cookie string){
		"expired": func(w *world, _ string) { w.now = w.now.Add(idleEnd) },
		"ended":   func(w *world, c string) { w.read(t, c, func(s *session.Session) { s.Destroy() }) },
		"other":   func(w *world, c string) { w.read(t, c, func(s *session.Session) { s.Login("user:2") }) },
	} {
		w := newWorld(t, session.Options{})
		cookie := w.login(t, "user:1")
		end(w, cookie)
		if list := w.list(t, "user:1"); len(list) != 0 {
			t.Errorf("%s: it is listed: %v", name, list)
		}
	}
}

// A store may answer with what its index held a moment ago.
func TestListBelievesTheRecordAndNotTheIndex(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	w.store.After(func(c probe.Call, err error) error { return err })
	list := recordsOf(t, w, "user:1")
	other, err := session.New(&listing{Store: w.store, records: list}, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := other.List(t.Context(), "user:2"); err != nil || len(got) != 0 {
		t.Errorf("another subject's session is listed: %v %v", got, err)
	}
}

// listing answers every search with the same records.
type listing struct {
	*probe.Store
	records []session.Record
}

func (l *listing) Find(context.Context, string) ([]session.RecordID, error) {
	return make([]session.RecordID, len(l.records)), nil
}

func (l *listing) LoadAll(context.Context, []session.RecordID) ([]session.Record, error) {
	return l.records, nil
}

func TestASessionThatIsBeingRenewedIsListedOnce(t *testing.T) {
	w := newWorld(t, session.Options{})
	cookie := w.login(t, "user:1")
	w.login(t, "user:1")
	seen := 0
	w.store.Before(func(c probe.Call) error {
		if c.Method == "Update" { // the new record is there, the old one is no alias yet
			w.store.Before(nil)
			seen = len(w.list(t, "user:1"))
		}
		return nil
	})
	w.now = w.now.Add(time.Second)
	w.read(t, cookie, func(s *session.Session) { s.Renew() }).succeeded()
	if seen != 2 {
		t.Errorf("%d sessions during a renewal, want 2", seen)
	}
}

func TestListSaysWhenItCannot(t *testing.T) {
	sealed := newSealed(t, session.TemporaryKeys(), session.Options{})
	if _, err := sealed.List(t.Context(), "user:1"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("sealed: %v, want ErrUnsupported", err)
	}
	plain, err := session.New(struct{ session.Store }{newWorld(t, session.Options{}).store}, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.List(t.Context(), "user:1"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a store without an index: %v, want ErrUnsupported", err)
	}
	w := newWorld(t, session.Options{})
	if _, err := w.List(t.Context(), ""); err == nil {
		t.Error("everybody's anonymous sessions were listed")
	}
	w.store.Before(func(probe.Call) error { return errors.New("down") })
	if _, err := w.List(t.Context(), "user:1"); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("a store that is down: %v, want ErrUnavailable", err)
	}
}

func TestARecordOfANewerVersionIsNotHidden(t *testing.T) {
	w := newWorld(t, session.Options{})
	w.login(t, "user:1")
	records := recordsOf(t, w, "user:1")
	newer := records[0]
	newer.Data = slices.Clone(newer.Data)
	newer.Data[1]++
	newer.Subject, newer.Handle = "user:1", "h"
	if err := w.store.Update(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	if list, err := w.List(t.Context(), "user:1"); !errors.Is(err, session.ErrUnavailable) {
		t.Errorf("%v %v, want ErrUnavailable: a list without it would hide a session that works", list, err)
	}
}
