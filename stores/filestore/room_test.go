//go:build unix

package filestore_test

import (
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Nobody is logged out because others log in.
func TestNoSessionMakesRoomForAnother(t *testing.T) {
	s := open(t, newDir(t))
	var first session.RecordID
	for i := range 520 {
		r := session.Record{Version: 1, Data: []byte("x"), Expires: time.Now().Add(time.Hour)}
		r.ID[0], r.ID[1] = byte(i), byte(i>>8)
		if i == 0 {
			first = r.ID
		}
		must(t, s.Create(t.Context(), r))
	}
	if _, err := s.Load(t.Context(), first); err != nil {
		t.Errorf("the first of 520 sessions: %v", err)
	}
}
