package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// AuthenticatedWithin reports whether the visitor is logged in and the login is younger than d. One of this request
// counts.
func (s *Session) AuthenticatedWithin(d time.Duration) bool {
	now := wire.FromTime(s.m.clock())
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	switch e := st.base.envelope(); {
	case st.changes().login:
		return d > 0
	case len(e.Subject) == 0:
		return false
	default:
		return now-e.Authenticated < wire.FromDuration(d)
	}
}
