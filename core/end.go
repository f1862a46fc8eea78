package session

import (
	"errors"
	"math/rand/v2"
)

// end turns the destroyed session's record into an ended marker, which outlives every request in flight, so that
// none of them brings it back. If a login or renewal got there first, the session that it made is the one to end.
// A session that has ended already is fine, and leaves the cookie to whoever ended it.
func (j *job) end() error {
	for target := *j.ending; ; {
		mark := j.marker(&target, ended, 0, nil)
		err := j.replace(&mark)
		switch {
		case err == nil:
			return j.done()
		case errors.Is(err, ErrNotFound):
			j.over = true
			return nil
		case !errors.Is(err, ErrConflict):
			return unavailable("destroy", err)
		}
		if err := j.takeTurn(target.id); err != nil {
			return err
		}
		if j.applied(&mark) {
			return j.done()
		}
		if target, err = j.follow(target.id, !j.revoked); errors.Is(err, ErrEnded) {
			j.over = true
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (j *job) done() error {
	j.over = true
	j.cookie = ticket{action: deleteTicket}
	reason := ReasonEnded
	if j.revoked {
		reason = ReasonRevoked
	}
	j.event(reason, j.ending)
	return nil
}

// marker replaces a record by one that holds no values, subject or handle, for as long as requests in flight may
// come back to it. It judges its age by its own deadline, so that a touch in flight cannot prolong it.
func (j *job) marker(old *held, k kind, flags byte, body []byte) held {
	h := held{kept: kept{id: old.id, version: old.version, seen: j.now}}
	h.env = envelope{kind: k, flags: flags, created: j.now, deadline: j.now + markerLifetime, renewed: j.now, writes: old.env.writes, body: body}
	h.expires = h.env.deadline
	h.env.stamp(rand.Uint64())
	h.encode(values{}, nil)
	return h
}
