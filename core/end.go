package session

import (
	"errors"
	"math/rand/v2"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// end turns a session's record into an ended marker, which outlives every request in flight, so that
// none of them brings it back. If a login or renewal got there first, the session that it made is the one to end, unless it
// is somebody else's. A session that has ended already is fine, and leaves the cookie to whoever ended it.
func (j *job) end(target held) error {
	subject, tried := string(target.env.Subject), false
	for {
		if _, err := j.queue(target.id); err != nil {
			return err
		}
		mark := j.marker(&target, wire.Ended, j.revocation(), j.now+markerLifetime, nil)
		failure := j.replace(&mark)
		if failure == nil {
			return j.done(&target)
		}
		found, reason, err := j.examineInTurn(target.id)
		switch {
		case err != nil:
			return unavailable("destroy", errors.Join(failure, err))
		case found.env.HasWriteID(mark.env.Writes[0]): // applied; the answer was lost
			return j.done(&target)
		case reason == "" && !errors.Is(failure, ErrConflict) && tried:
			return j.remove(&target, failure)
		}
		tried = tried || !errors.Is(failure, ErrConflict) // a store that is full is so the second time
		heir, way, err := j.follow(found, reason)
		switch {
		case errors.Is(err, ErrEnded), err == nil && way.other, err == nil && j.revoked != "" && string(heir.env.Subject) != subject:
			j.over = true
			return nil
		case err != nil:
			return err
		}
		target = heir
	}
}

func (j *job) revocation() byte {
	if j.revoked != "" {
		return wire.Untold
	}
	return 0
}

// remove ends a session whose marker cannot be written, as in a store that is full. Nothing brings the record back,
// because an Update never creates.
func (j *job) remove(target *held, failure error) error {
	if err := j.m.store.Delete(j.ctx, target.id); err != nil {
		return unavailable("destroy", errors.Join(failure, err))
	}
	j.removed = true
	return j.done(target)
}

func (j *job) done(target *held) error {
	j.over, j.ended = true, true
	if j.revoked != "" {
		j.event(j.revoked, target)
		return nil
	}
	j.cookie = j.m.cookie.delete()
	j.event(ReasonEnded, target)
	return nil
}

// marker replaces a record by one that holds no values, subject or handle, for as long as requests in flight may
// come back to it. It judges its age by its own deadline, so that a touch in flight cannot prolong it.
func (j *job) marker(old *held, k wire.Kind, flags byte, deadline wire.Millis, body []byte) held {
	h := held{kept: kept{id: old.id, version: old.version, seen: j.now}}
	h.env = wire.Envelope{Kind: k, Flags: flags, Created: j.now, Deadline: deadline, Renewed: j.now, Writes: old.env.Writes, Body: body}
	h.expires = h.env.Deadline
	h.env.PushWriteID(rand.Uint64())
	h.encode(values{}, nil)
	return h
}

// forget deletes the cookie of a token that opens nothing any more, unless another request has meanwhile given the visitor
// a newer one.
func (j *job) forget() error {
	if j.claim(false) == nil {
		j.cookie = j.m.cookie.delete()
	}
	return nil
}

// claim notes in the marker of a dead token that a response to that token's visitor sets or deletes the cookie, so that no
// other response undoes it. If another one was faster it fails with ErrEnded, unless this request goes on all the same.
func (j *job) claim(anyway bool) error {
	mark := *j.dead
	if !anyway && j.m.expired(mark.env.Deadline, j.now) { // others do not see it any more
		return ErrEnded
	}
	for {
		mark.env.Renewed, mark.seen = j.now, j.now
		mark.env.Flags &^= wire.Untold // from now on the visitor has been told
		mark.env.PushWriteID(rand.Uint64())
		mark.encode(values{}, nil)
		err := j.replace(&mark)
		switch {
		case err == nil, anyway && errors.Is(err, ErrNotFound):
			return nil
		case !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound):
			return unavailable("claim", err)
		case !anyway:
			return ErrEnded
		}
		var reason Reason
		if mark, reason, err = j.examine(mark.id); err != nil {
			return err
		}
		if reason != ReasonSuperseded && reason != ReasonAlreadyEnded {
			return nil
		}
	}
}

// resume starts a session for a visitor whose token is dead. One who logs in as the subject that a login with the token has
// made a session for gets that session's values, because the answer to that login may have been lost; its session ends.
func (j *job) resume() (done bool, _ error) {
	if !j.login {
		return false, j.claim(false)
	}
	if j.dead.env.Kind == wire.Alias {
		heir, way, err := j.follow(*j.dead, ReasonSuperseded)
		switch {
		case err != nil && !errors.Is(err, ErrEnded):
			return true, err
		case err == nil && way.login && string(heir.env.Subject) == j.subject && !j.m.lapsed(&heir, j.now):
			if err := j.claim(true); err != nil {
				return true, err
			}
			ops, err := j.values(&heir).replay(j.ops)
			if err != nil {
				return true, err
			}
			j.old, j.ops, j.found = heir, ops, true
			return true, j.rotate()
		}
	}
	return false, j.claim(true)
}
