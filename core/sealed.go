package session

import "fmt"

// runSealed seals the session anew, for whichever reason, or lets the cookie be deleted.
func (j *job) runSealed() error {
	if j.action == doEnd {
		return j.done(&j.ending.sessions[0])
	}
	next := &j.next
	if err := j.reseal(next); err != nil {
		return err
	}
	cookie := &j.m.cookie
	attributes := cookie.attributesFor(j.m.absoluteEnd(&next.env) - j.now)
	line, err := j.m.sealing.seal(next.data, j.now, cookie.assignment, attributes)
	if err != nil {
		return fmt.Errorf("session: seal: %w", err)
	}
	if len(line) > maxCookie {
		return tooLarge(len(line), maxCookie)
	}
	j.cookie = line
	if j.reason != "" {
		j.event(j.reason, next)
	}
	return nil
}

func (j *job) reseal(next *held) error {
	switch j.action {
	case doCreate, doEndThenCreate:
		return j.restart(next, values{})
	case doRotate:
		next.env = j.renewedFrom(j.old.env)
	default:
		next.env = j.old.env
	}
	next.seen = j.old.seen
	return j.draft(next, j.values(&j.old), j.ops)
}

func tooLarge(size, limit int) error {
	return fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, size, limit)
}
