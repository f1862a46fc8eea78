package session

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"time"

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
		if err := c.closeShared(&target); err != nil {
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
		case errors.Is(err, ErrEnded), err == nil && (way.other || c.spares && way.login):
			return nil
		case err == nil && c.revoked != "" && string(heir.env.Subject) != subject:
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
	c.m.tellEnded(target, cmp.Or(c.revoked, ReasonEnded))
	c.dropLabels(target)
	if c.revoked != "" {
		c.addEvent(c.revoked, target)
		return
	}
	c.cookie = c.m.cookie.delete()
	c.addEvent(ReasonEnded, target)
}

// markerLifetime is how long an alias or an ended marker keeps requests in flight from bringing a session back.
const markerLifetime = wire.Millis(5 * time.Minute / time.Millisecond)

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
