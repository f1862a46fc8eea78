package session_test

import (
	"errors"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

// records are what a store has, without what it knows besides of whose they are.
func records(t *testing.T, store session.Walker) []session.Record {
	t.Helper()
	page, next, err := store.Walk(t.Context(), "", 500)
	if err != nil || next != "" {
		t.Fatal(next, err)
	}
	for i := range page {
		page[i].Subject, page[i].Handle = "", ""
	}
	return page
}

// TestDescribe: whoever moves records to another store has to tell that one whose they are.
func TestDescribe(t *testing.T) {
	store := memstore.New()
	m, err := session.New(store, session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := begin(t, m, "")
	v.Login("user:42")
	v.commit()
	handle := v.Handle()
	v.request.End()
	r := records(t, store)[0]
	if live, err := r.Describe(); !live || err != nil || r.Subject != "user:42" || r.Handle != handle {
		t.Errorf("%v, %v: %q, %q", live, err, r.Subject, r.Handle)
	}
	if _, err := m.RevokeAll(t.Context(), "user:42"); err != nil {
		t.Fatal(err)
	}
	marker := records(t, store)[0]
	if live, err := marker.Describe(); live || err != nil || marker.Subject != "" || marker.Handle != "" {
		t.Errorf("ended: %v, %v: %q, %q", live, err, marker.Subject, marker.Handle)
	}
}

// TestDescribeLabels: a session that has moved to another store has to end by its label there.
func TestDescribeLabels(t *testing.T) {
	w, moved := newWorld(t, session.Options{}), newWorld(t, session.Options{})
	cookie := w.read(t, "", func(s *session.Session) { s.Login("user:42", session.Label("device")) }).issued()
	for _, r := range records(t, w.records) {
		if _, err := r.Describe(); err != nil {
			t.Fatal(err)
		}
		if err := moved.records.Create(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := moved.RevokeLabel(t.Context(), "device"); n != 1 || err != nil || moved.subjectOf(t, cookie) != "" {
		t.Errorf("%d ended, %v; the session is %q's", n, err, moved.subjectOf(t, cookie))
	}
}

// TestDescribeWhatIsNoSession: a record that cannot be read is not to lose what its store knows of it.
func TestDescribeWhatIsNoSession(t *testing.T) {
	for data, unavailable := range map[string]bool{"": false, "values": false, "C\xff\x01\x00 and 16 bytes more": true} {
		r := session.Record{Data: []byte(data), Subject: "user:42", Handle: "handle"}
		live, err := r.Describe()
		if live || err == nil || errors.Is(err, session.ErrUnavailable) != unavailable || r.Subject != "user:42" {
			t.Errorf("%q: %v, %v, %q", data, live, err, r.Subject)
		}
	}
}
