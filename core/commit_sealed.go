package session

import "fmt"

// runSealed seals the session anew, for whichever reason, or lets the cookie be deleted. It seals before it revokes
// what the plan ends, so that a session that is too large ends nothing, and hands out only what it has revoked for.
func (c *commit) runSealed() error {
	line := ""
	if c.action != doEnd {
		var err error
		if line, err = c.sealAnew(); err != nil {
			return c.tolerateUpkeepFailure(err)
		}
	}
	if c.m.revocations != nil {
		if err := c.revokeReplaced(); err != nil {
			return err
		}
	}
	if c.action == doEnd || c.action == doEndThenCreate {
		c.noteDestroyed()
	}
	if c.action == doEnd {
		return nil
	}
	c.cookie = line
	if c.reason != "" {
		c.addEvent(c.reason, &c.next)
	}
	return nil
}

// noteDestroyed notes that what was to be ended has ended, as far as anybody can know of sealed sessions: there is one
// event, and all who watch one of them are told.
func (c *commit) noteDestroyed() {
	c.noteEnded(&c.ending.sessions[0])
	for i := range c.ending.sessions {
		c.m.tellEnded(&c.ending.sessions[i], ReasonEnded)
	}
}

// sealAnew returns the Set-Cookie line of the session as the commit leaves it.
func (c *commit) sealAnew() (line string, _ error) {
	next := &c.next
	if err := c.reseal(next); err != nil {
		return "", err
	}
	cookie := &c.m.cookie
	attributes := cookie.attributesFor(c.m.cookieLasts(&next.env, c.now))
	line, err := c.m.sealing.seal(next.data, c.now, cookie.assignment, attributes)
	if err != nil {
		return "", fmt.Errorf("session: seal: %w", err)
	}
	if len(line) > maxCookie {
		return "", tooLarge(len(line), maxCookie)
	}
	return line, nil
}

func (c *commit) reseal(next *record) error {
	switch {
	case c.restart:
		c.reason = ReasonCreated
	case c.importing != nil:
		c.reason = ReasonImported
	}
	switch {
	case c.restart, c.action == doCreate, c.action == doEndThenCreate:
		return c.encodeFromOperations(next, values{})
	case c.action == doRenew:
		next.env = c.renewedFrom(c.old.env)
	default:
		next.env = c.old.env
		c.stampLifetime(&next.env)
	}
	next.seen, next.expires = c.old.seen, c.old.expires
	return c.encodeNext(next, c.values(&c.old), c.ops)
}

func tooLarge(size, limit int) error {
	return fmt.Errorf("%w: %d bytes, %d allowed", ErrTooLarge, size, limit)
}
