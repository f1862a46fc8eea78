package session_test

import (
	"errors"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// TestRevokeHandle: a handle in a log may be an anonymous visitor's, and its neighbours' sessions live on.
func TestRevokeHandle(t *testing.T) {
	m, err := session.New(memstore.New(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	begun := func(subject string) (cookie, handle string) {
		v := begin(t, m, "")
		if count.Set(v.Session, 1); subject != "" {
			v.Login(subject)
		}
		v.commit()
		handle = v.Handle()
		v.request.End()
		return v.issued(), handle
	}
	stays, _ := begun("user:42")
	for _, subject := range []string{"", "user:42"} {
		cookie, handle := begun(subject)
		if err := m.RevokeHandle(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
		if v := begin(t, m, cookie); v.Exists() {
			t.Errorf("%q: the session lives on", subject)
		}
		if err := m.RevokeHandle(t.Context(), handle); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
	}
	if v := begin(t, m, stays); !v.Exists() {
		t.Error("another session has ended too")
	}
	sealed, err := session.NewSealed(session.TemporaryKeys(), session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sealed.RevokeHandle(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("sealed: %v", err)
	}
}
