package session

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func TestZeroOptionsAreTheSafeChoice(t *testing.T) {
	m, err := New(struct{ Store }{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"name", m.name, "id"},
		{"cookie", m.cookie.name, "__Host-id"},
		{"idle timeout", m.idle, wire.FromDuration(30 * time.Minute)},
		{"absolute timeout", m.absolute, wire.FromDuration(12 * time.Hour)},
		{"touch interval (0: a tenth of the session's idle timeout)", m.touchEvery, wire.Millis(0)},
		{"renewal (0: never)", m.renewEvery, wire.Millis(0)},
		{"leeway", m.leeway, wire.Millis(0)},
		{"largest stored session", m.maxSize, 1 << 20},
		{"store timeout", m.storeTimeout, 5 * time.Second},
		{"conflicts", m.conflicts, RefuseConflicts},
		{"anonymous when unavailable", m.serveOn, false},
		{"longest lifetime", m.maxLifetime, wire.FromDuration(maxAge)},
		{"basis", m.basis, LastUse},
		{"persistent cookie", m.cookie.persistent, false},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
	if d := time.Since(m.clock()); d < 0 || d > time.Minute {
		t.Errorf("the clock is %v off", d)
	}
	if _, sealed := must(NewSealed(keysNamed("a"), Options{})).sealing.(*secureCookies); !sealed {
		t.Error("the default sealer is not gorilla/securecookie")
	}
}

func must(m *Manager, err error) *Manager {
	if err != nil {
		panic(err)
	}
	return m
}

func TestGoodOptionsAreTaken(t *testing.T) {
	for name, o := range map[string]Options{
		"everything at its smallest": {IdleTimeout: 1e6, AbsoluteTimeout: 1e6, TouchInterval: time.Millisecond,
			StoreTimeout: 1e6, MaxSize: 1},
		"everything at its largest": {IdleTimeout: maxAge, AbsoluteTimeout: maxAge, TouchInterval: maxAge,
			RenewAfter: maxAge, Leeway: time.Minute, StoreTimeout: time.Hour},
		"absolute below idle's 30 min": {AbsoluteTimeout: time.Minute},
		"AEAD":                         {Sealer: AEAD},
		"last write wins":              {Conflicts: LastWriteWins},
		"one letter":                   {Name: "s"},
		"nothing beyond the manager's": {MaxLifetime: 12 * time.Hour, Basis: LastChange},
		"every kind of character":      {Name: "Shop-2_b.c"},
		"64 letters":                   {Name: strings.Repeat("n", 64)},
	} {
		if _, err := NewSealed(keysNamed("a"), o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAShortAbsoluteTimeoutBoundsTheIdleTimeout(t *testing.T) {
	m := must(New(struct{ Store }{}, Options{AbsoluteTimeout: time.Minute}))
	if m.idle != wire.FromDuration(time.Minute) {
		t.Errorf("idle timeout is %v, want a minute", time.Duration(m.idle)*time.Millisecond)
	}
}

func TestBadOptionIsNamedInTheError(t *testing.T) {
	for _, c := range []struct {
		field   string
		options Options
	}{
		{"IdleTimeout", Options{IdleTimeout: -1}},
		{"IdleTimeout", Options{IdleTimeout: time.Microsecond}},
		{"IdleTimeout", Options{IdleTimeout: 13 * time.Hour}},
		{"IdleTimeout", Options{IdleTimeout: time.Hour, AbsoluteTimeout: time.Minute}},
		{"AbsoluteTimeout", Options{AbsoluteTimeout: -1}},
		{"AbsoluteTimeout", Options{AbsoluteTimeout: time.Microsecond}},
		{"AbsoluteTimeout", Options{AbsoluteTimeout: maxAge + 1}},
		{"MaxLifetime", Options{MaxLifetime: -1}},
		{"MaxLifetime", Options{MaxLifetime: time.Hour}},
		{"MaxLifetime", Options{MaxLifetime: maxAge + 1}},
		{"Basis", Options{Basis: 3}},
		{"TouchInterval", Options{TouchInterval: -1}},
		{"TouchInterval", Options{TouchInterval: 31 * time.Minute}},
		{"RenewAfter", Options{RenewAfter: -1}},
		{"RenewAfter", Options{RenewAfter: maxAge + 1}},
		{"Leeway", Options{Leeway: -1}},
		{"Leeway", Options{Leeway: time.Minute + 1}},
		{"StoreTimeout", Options{StoreTimeout: -1}},
		{"StoreTimeout", Options{StoreTimeout: time.Microsecond}},
		{"StoreTimeout", Options{StoreTimeout: 2 * time.Hour}},
		{"MaxSize", Options{MaxSize: -1}},
		{"Sealer", Options{Sealer: 7}},
		{"Conflicts", Options{Conflicts: 7}},
		{"Name", Options{Name: "two words"}},
		{"Name", Options{Name: strings.Repeat("n", 65)}},
		{"Name", Options{Name: "id=1"}},
		{"Name", Options{Name: "__host-id"}},
		{"Name", Options{Name: "__Http-id"}},
		{"cookie: Former", Options{Cookie: Cookie{Path: "/app", Former: []Scope{{Path: "app"}}}}},
		{"cookie: SameSite", Options{Cookie: Cookie{SameSite: 7}}},
		{"cookie: name", Options{Cookie: Cookie{Name: "a b"}}},
		{"cookie: Domain", Options{Cookie: Cookie{Domain: "localhost"}}},
		{"cookie: Path", Options{Cookie: Cookie{Path: "app"}}},
	} {
		_, stored := New(struct{ Store }{}, c.options)
		_, sealed := NewSealed(keysNamed("a"), c.options)
		for constructor, err := range map[string]error{"session: New: ": stored, "session: NewSealed: ": sealed} {
			if err == nil {
				t.Errorf("%s%s: a bad value is taken, want an error", constructor, c.field)
				continue
			}
			text, ours := strings.CutPrefix(err.Error(), constructor)
			if text = strings.TrimPrefix(text, "Options."); !ours || !strings.HasPrefix(text, c.field) {
				t.Errorf("%s%s: err = %q, want it to start with the constructor and the field", constructor, c.field, err)
			}
		}
	}
}

func TestManagerNeedsSomewhereToKeepSessions(t *testing.T) {
	if m, err := New(nil, Options{}); m != nil || err == nil || !strings.Contains(err.Error(), "NewSealed") {
		t.Errorf("New(nil): err = %v, want one that leads to NewSealed", err)
	}
	if m, err := NewSealed(Keys{}, Options{}); m != nil || err == nil || !strings.Contains(err.Error(), "ParseKeys") {
		t.Errorf("NewSealed without keys: err = %v, want one that leads to ParseKeys", err)
	}
}

func TestSealerIsTheOneAskedFor(t *testing.T) {
	if _, ok := must(NewSealed(keysNamed("a"), Options{Sealer: AEAD})).sealing.(*aeads); !ok {
		t.Error("Sealer: AEAD seals with something else")
	}
}

func TestExpiryIsReachedAndNotPassed(t *testing.T) {
	m := must(New(struct{ Store }{}, Options{Leeway: time.Second}))
	for now, want := range map[wire.Millis]bool{4999: false, 5999: false, 6000: true, 6001: true} {
		if got := m.reached(5000, now); got != want {
			t.Errorf("with a second of leeway, what expires at 5000 has expired at %d: %t, want %t", now, got, want)
		}
	}
}

func TestErrorAnswerFitsTheErrorAndTellsNothing(t *testing.T) {
	inner := errors.New("dial tcp 10.0.0.7:6379: secret detail")
	for _, c := range []struct {
		err    error
		status int
	}{
		{ErrConflict, 409}, {ErrEnded, 409}, {unavailable("load", inner), 503}, {tooLarge(5000, 4096), 500},
		{ErrCommitted, 500}, {inner, 500},
	} {
		got := defaultResponse(c.err)
		if got.Status != c.status {
			t.Errorf("%v is answered with %d, want %d", c.err, got.Status, c.status)
		}
		if body := string(got.Body); strings.Contains(body, "10.0.0.7") || strings.Count(body, "\n") != 1 {
			t.Errorf("%v is answered with %q, want plain sentences without internals", c.err, body)
		}
	}
}
