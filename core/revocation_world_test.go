package session_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/probe"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// newRevocable returns a world of sealed sessions and, as its store, where their revocations are kept.
func newRevocable(t *testing.T, o session.Options) *world {
	t.Helper()
	w := revocationStore()
	w.keys = session.TemporaryKeys()
	o.Revocations = w.store
	m, err := session.NewSealed(w.keys, w.observed(o))
	if err != nil {
		t.Fatal(err)
	}
	w.Manager = m
	return w
}

func revocationStore() *world {
	w := &world{now: time.Now(), records: memstore.New()}
	w.store = probe.New(&witness{Store: w.records, w: w})
	return w
}

// anotherServer is a manager with w's keys and revocations, and a clock of its own.
func (w *world) anotherServer(t *testing.T, skew time.Duration, o session.Options) *session.Manager {
	t.Helper()
	o.Revocations = w.store
	o = w.observed(o)
	o.Now = func() time.Time { return w.now.Add(skew) }
	m, err := session.NewSealed(w.keys, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// out fails the test unless a cookie has been revoked.
func (w *world) out(t *testing.T, who, cookie string) {
	t.Helper()
	v := begin(t, w.Manager, cookie)
	if v.Subject() != "" || v.Reason() != session.ReasonAlreadyEnded {
		t.Errorf("%s: subject %q, reason %q; want nobody, already-ended", who, v.Subject(), v.Reason())
	}
	v.finish().succeeded().untouched()
}

// in fails the test if a cookie opens nothing.
func (w *world) in(t *testing.T, who, cookie, subject string) {
	t.Helper()
	if got := w.subjectOf(t, cookie); got != subject {
		t.Errorf("%s: subject %q, want %q", who, got, subject)
	}
}

func (w *world) revokeAll(t *testing.T, subject string) {
	t.Helper()
	if n, err := w.RevokeAll(t.Context(), subject); n != -1 || err != nil {
		t.Fatalf("RevokeAll: %d, %v; want -1, because nobody knows how many", n, err)
	}
}
