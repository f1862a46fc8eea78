package session

import (
	"errors"
	"math/rand/v2"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// endRecord turns a session's record into an ended marker, which outlives every request in flight, so that
// none of them brings it back. If a login or renewal got there first, the session that it made is the one to end,
// unless it is somebody else's. A session that has ended already is fine, and leaves the cookie to whoever ended it.
func (c *commit) endRecord(target record) error {
	subject, tried := string(target.env.Subject), false
	for {
		if _, err := c.queue(target.id); err != nil {
			return err
		}
		mark := c.newMarker(&target, wire.Ended, c.revocation(), c.now+markerLifetime, nil)
		failure := c.replace(&mark)
		if failure == nil {
			c.noteEnded(&target)
			return nil
		}
		found, reason, err := c.lookUpInTurn(target.id)
		switch {
		case err != nil:
			return unavailable("destroy", errors.Join(failure, err))
		case found.env.HasWriteID(mark.env.Writes[0]): // applied; the answer was lost
			c.noteEnded(&target)
			return nil
		case reason == "" && !errors.Is(failure, ErrConflict) && tried:
			return c.deleteInstead(&target, failure)
		}
		tried = tried || !errors.Is(failure, ErrConflict) // a store that is full is so the second time
		heir, way, err := c.follow(found, reason)
		switch {
		case errors.Is(err, ErrEnded), err == nil && (way.other || c.revoked != "" && string(heir.env.Subject) != subject):
			return nil
		case err != nil:
			return err
		}
		target = heir
	}
}

// revocation is the flag of a marker that no response to the visitor tells of.
func (c *commit) revocation() byte {
	if c.revoked != "" {
		return wire.Untold
	}
	return 0
}

// deleteInstead ends a session whose marker cannot be written, as in a store that is full. Nothing brings the record
// back, because an Update never creates.
func (c *commit) deleteInstead(target *record, failure error) error {
	if err := c.m.store.Delete(c.ctx, target.id); err != nil {
		return unavailable("destroy", errors.Join(failure, err))
	}
	c.removed = true
	c.noteEnded(target)
	return nil
}

// noteEnded notes that this commit has ended target. Its cookie goes, unless it was ended from outside of a request.
func (c *commit) noteEnded(target *record) {
	c.endedHere = true
	if c.revoked != "" {
		c.addEvent(c.revoked, target)
		return
	}
	c.cookie = c.m.cookie.delete()
	c.addEvent(ReasonEnded, target)
}

// newMarker is what replaces a record that is over: it holds no values, subject or handle, for as long as requests in
// flight may come back to it. It judges its age by its own deadline, so that a touch in flight cannot prolong it.
func (c *commit) newMarker(old *record, k wire.Kind, flags byte, deadline wire.Millis, body []byte) record {
	rec := record{snapshot: snapshot{id: old.id, version: old.version, seen: c.now}}
	rec.env = wire.Envelope{Kind: k, Flags: flags, Created: c.now, Deadline: deadline, Renewed: c.now, Body: body}
	rec.env.Writes = old.env.Writes
	rec.expires = rec.env.Deadline
	rec.env.PushWriteID(rand.Uint64())
	rec.encode(values{}, nil)
	return rec
}

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
	if !anyway && c.m.expired(mark.env.Deadline, c.now) { // others do not see it any more
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

// resumeLogin starts a session for a visitor whose token is dead. One who logs in as the subject that a login with
// the token has made a session for gets that session's values, because the answer to that login may have been lost;
// its session ends.
func (c *commit) resumeLogin() (done bool, _ error) {
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
			ops, err := c.values(&heir).replay(c.ops)
			if err != nil {
				return true, err
			}
			c.old, c.ops, c.found = heir, ops, true
			return true, c.renewRecord()
		}
	}
	return false, c.claimCookie(true)
}
