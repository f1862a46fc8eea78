package session

import "fmt"

// runSealed seals the session anew, for whichever reason, or lets the cookie be deleted.
func (j *job) runSealed() error {
	if j.action == doEnd {
		return j.done()
	}
	next, err := j.reseal()
	if err != nil {
		return err
	}
	value, err := j.m.sealing.seal(next.data, j.now)
	if err != nil {
		return fmt.Errorf("session: seal: %w", err)
	}
	line := j.m.cookie.set(value, next.env.deadline-j.now)
	if len(line) > maxCookie {
		return tooLarge(len(line), maxCookie)
	}
	j.next, j.cookie = next, ticket{action: issueTicket, line: line}
	if j.reason != "" {
		j.event(j.reason, &next)
	}
	return nil
}

func (j *job) reseal() (held, error) {
	switch j.action {
	case doCreate, doEndThenCreate:
		return j.restart()
	case doRotate:
		return j.draft(j.renewedFrom(j.old.env), j.values(&j.old.env), j.ops)
	default:
		return j.draft(j.old.env, j.values(&j.old.env), j.ops)
	}
}

func tooLarge(size, limit int) error {
	return fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, size, limit)
}
