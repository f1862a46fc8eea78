package session

import "errors"

// touchRecord extends the idle clock. What another request has ended is left alone: nothing brings it back.
func (c *commit) touchRecord() error {
	if c.tookLong() {
		return c.noteUseIfLate()
	}
	return c.touchAs(c.old)
}

// noteUseIfLate is for a request that other requests have overtaken. They have noted down their own uses of the
// session, which stand for this one's too unless it took very long; then what the session has become is extended.
// Where only changes extend, theirs stand for nobody's Touch.
func (c *commit) noteUseIfLate() error {
	if byChange := c.m.basisOf(&c.old.env) == LastChange; byChange && !c.extends() || !byChange && !c.tookLong() {
		c.next = c.old
		return nil
	}
	found, reason, err := c.lookUp(c.old.id)
	if err != nil {
		return c.tolerateUpkeepFailure(err)
	}
	heir, way, err := c.follow(found, reason)
	switch {
	case errors.Is(err, ErrEnded), err == nil && way.login:
		c.next = c.old
		return nil
	case err != nil:
		return c.tolerateUpkeepFailure(err)
	}
	c.noteFollowed(way)
	return c.touchAs(heir)
}

// tookLong reports whether the session was loaded longer ago than a touch interval.
func (c *commit) tookLong() bool {
	_, touchEvery := c.m.idleTerms(&c.old.env)
	return c.now >= c.loadedAt+max(touchEvery, 1000)
}

// touchAs writes the clocks of next as this use leaves them.
func (c *commit) touchAs(next record) error {
	c.m.noteUse(&next, c.now, c.extends())
	err := c.touchStored(&next)
	switch {
	case err == nil:
		if c.next = next; c.followed {
			c.next = c.old
		}
		c.addEvent(ReasonTouched, &next)
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
		c.next = c.old
		return nil
	}
	return c.tolerateUpkeepFailure(unavailable("touch", err))
}

// touchUnchanged notes the use of a session whose changes could not be saved.
func (c *commit) touchUnchanged() {
	u := c.m.upkeepOf(&c.old, false)
	if !c.found || !c.isUse() || c.now < u.touchAt() {
		return
	}
	c.unasked = true
	_ = c.touchRecord() // the caller has an error to return already
}

// touchStored writes the clocks of next by Touch or, where the store has none, by Update. It leaves c.old in next if
// there was nothing to extend any more.
func (c *commit) touchStored(next *record) error {
	if c.m.toucher != nil {
		err := c.m.toucher.Touch(c.ctx, next.id, next.seen.Time(), next.expires.Time())
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for {
		if err := c.replace(next); !errors.Is(err, ErrConflict) {
			return err
		}
		found, reason, err := c.lookUpInTurn(next.id)
		u := c.m.upkeepOf(&found, false)
		due := c.now >= u.touchAt() || c.touch && c.m.usedEnd(found, c.now) > c.m.idleEnd(&found)
		if err != nil || reason != "" || !due { // what has ended stays so; what was just used is
			*next = c.old
			return err
		}
		found.seen, found.expires = next.seen, max(next.expires, found.expires)
		*next = found
	}
}
