package session

import (
	"errors"
	"math/rand/v2"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// deleteDeadCookie deletes the cookie of a token that opens nothing any more, unless another request has meanwhile
// given the visitor a newer one.
func (c *commit) deleteDeadCookie() error {
	if c.claimCookie(false) == nil {
		c.cookie = c.m.cookie.delete()
	}
	return nil
}

// claimCookie notes in the marker of a dead token that a response to that token's visitor sets or deletes the cookie,
// so that no other response undoes it. If another one was faster it fails with ErrEnded, unless this request goes on
// all the same.
func (c *commit) claimCookie(anyway bool) error {
	mark := *c.marker
	if !anyway && c.m.reached(mark.env.Deadline, c.now) { // others do not see it any more
		return ErrEnded
	}
	for {
		mark.env.Renewed, mark.seen = c.now, c.now
		mark.env.Flags &^= wire.Untold // from now on the visitor has been told
		mark.env.PushWriteID(rand.Uint64())
		mark.encode(values{}, nil)
		err := c.replace(&mark)
		switch {
		case err == nil, anyway && errors.Is(err, ErrNotFound):
			return nil
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
			return unavailable("claim", err)
		case !anyway:
			return ErrEnded
		}
		var reason Reason
		if mark, reason, err = c.lookUp(mark.id); err != nil {
			return err
		}
		if reason != ReasonSuperseded && reason != ReasonAlreadyEnded {
			return nil
		}
	}
}

// createPastMarker starts a session for a visitor whose token is dead. One who logs in as the subject that a login with
// the token has made a session for gets that session's values, because the answer to that login may have been lost;
// its session ends. done reports that this has settled the commit; otherwise the caller begins a session of its own.
func (c *commit) createPastMarker() (done bool, _ error) {
	if !c.login {
		return false, c.claimCookie(false)
	}
	if c.marker.env.Kind == wire.Alias {
		heir, way, err := c.follow(*c.marker, ReasonSuperseded)
		switch {
		case err != nil && !errors.Is(err, ErrEnded):
			return true, err
		case err == nil && way.login && string(heir.env.Subject) == c.subject && !c.m.hasExpired(&heir, c.now):
			if err := c.claimCookie(true); err != nil {
				return true, err
			}
			ops, err := c.rerun(c.values(&heir), c.ops)
			if err != nil {
				return true, err
			}
			c.old, c.ops, c.found = heir, ops, true
			return true, c.renewRecord()
		}
	}
	return false, c.claimCookie(true)
}
