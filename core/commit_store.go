package session

import "errors"

// runStored does the plan in a store: within the limit of sessions for a login, and with a look at an offered token.
func (c *commit) runStored() error {
	if c.login && c.m.maxPerSubject > 0 {
		return c.loginWithinLimit()
	}
	err := c.doAction()
	if err == nil && c.offer != "" && c.cookie == "" {
		c.offerHolds = c.checkOffer()
	}
	return err
}

// doAction does the plan's action, after ending what else a login or Destroy has to end.
func (c *commit) doAction() error {
	for i := range c.others { // first, so that a failure leaves nothing that nobody knows of
		if err := c.endRecord(c.others[i]); err != nil {
			return err
		}
		c.cookie = "" // ending it set the deleting line, but the cookie stays for the chosen session
	}
	switch c.action {
	case doDeleteCookie:
		return c.deleteDeadCookie()
	case doOffer:
		c.next = c.old
		return nil
	case doTouch:
		return c.touchRecord()
	case doUpdate:
		return c.updateRecord()
	case doRenew:
		if c.restart {
			return c.startOver(ReasonCreated, values{})
		}
		return c.renewRecord()
	}
	if c.ending != nil {
		for e := c.ending; e.done < len(e.sessions); e.done++ {
			if err := c.endRecord(e.sessions[e.done]); err != nil {
				return err
			}
		}
	}
	if c.action == doEnd {
		return nil
	}
	return c.createSession()
}

// checkOffer reports whether the offered token still opens the session: since it was loaded, a login may have given the
// visitor another one. If so, its cookie gets the attributes that the session wants by now.
func (c *commit) checkOffer() bool {
	if c.action == doUpdate && !c.followed {
		c.renewOffer(&c.next)
		return true
	}
	found, reason, err := c.lookUp(c.old.id)
	if err != nil {
		return false
	}
	if reason == "" {
		c.renewOffer(&found)
		return true
	}
	if _, way, err := c.follow(found, reason); err == nil {
		c.cookie = way.offer // periodically renewed in its turn: then this is the token to give
	}
	return c.cookie != ""
}

func (c *commit) renewOffer(to *record) {
	c.cookie = c.m.cookie.set(c.offeredToken, c.m.cookieLasts(&to.env, c.now))
}

// createSession starts a session from this request's operations.
func (c *commit) createSession() error {
	if c.marker != nil {
		if done, err := c.createPastMarker(); done || err != nil {
			return err
		}
	}
	return c.beginSession(ReasonCreated, values{})
}

// beginSession starts a session from this request's operations over v.
func (c *commit) beginSession(r Reason, v values) error {
	var next record
	if err := c.encodeFromOperations(&next, v); err != nil {
		return err
	}
	token := c.mint()
	if err := c.insert(&next, token); err != nil {
		return err
	}
	return c.issue(r, next, token)
}

// issue makes next the request's session and its token the cookie's value.
func (c *commit) issue(r Reason, next record, token string) error {
	c.next = next
	c.cookie, c.minted = c.m.cookie.set(token, c.m.cookieLasts(&next.env, c.now)), true
	if c.importing != nil {
		c.addEvent(ReasonImported, &next)
	} else {
		c.addEvent(r, &next)
	}
	if r == ReasonRenewed {
		c.m.tellRenewed(&c.old, &next, c.login)
	}
	return nil
}

// insert creates the record under a token.
func (c *commit) insert(rec *record, token string) error {
	if err := c.indexLabels(rec); err != nil {
		return err
	}
	rec.id, rec.version = recordID(c.m.name, token), 1
	err := c.m.store.Create(c.ctx, rec.toStore())
	if errors.Is(err, ErrExists) && c.isStored(rec) {
		err = nil
	}
	if err != nil {
		return unavailable("create", err)
	}
	return nil
}

// isStored reports whether the write of rec, which has failed, is in the store all the same: its answer got lost, the
// store's client sent it again, and was told that the record exists or has another version.
func (c *commit) isStored(rec *record) bool {
	var stored record
	return c.m.loadRecord(c.ctx, rec.id, &stored) == nil && stored.env.HasWriteID(rec.env.Writes[0])
}

// replace writes rec over the record that has its version. The error is the store's own.
func (c *commit) replace(rec *record) error {
	err := c.m.store.Update(c.ctx, rec.toStore())
	if err == nil {
		rec.version++
	}
	return err
}

// updateRecord saves changed values. When another request got in between, the operations run again on what it left,
// until they fit or the commit's time is up.
func (c *commit) updateRecord() error {
	contested, err := c.queue(c.old.id)
	if err != nil {
		return c.tolerateUpkeepFailure(err)
	}
	base, ops, mine := &c.old, c.ops, uint64(0)
	for ; ; contested = true {
		if contested {
			if c.unasked { // the other has noted its use, but perhaps at an earlier time than this one's
				return c.noteUseIfLate()
			}
			fresh, stored, err := c.lookAgain(base.id, mine)
			if err != nil {
				return err
			}
			if stored {
				return c.updated(&fresh)
			}
			base = &fresh
			if ops, err = c.rebase(base); err != nil {
				return err
			}
		}
		if err := c.encodeOver(&c.next, base, ops); err != nil {
			return err
		}
		if err := c.indexLabels(&c.next); err != nil {
			return err
		}
		mine = c.next.env.Writes[0]
		switch err := c.replace(&c.next); {
		case err == nil:
			return c.updated(&c.next)
		case errors.Is(err, ErrNotFound):
			return c.tolerateUpkeepFailure(ErrEnded)
		case !errors.Is(err, ErrConflict):
			return c.tolerateUpkeepFailure(unavailable("update", err))
		}
	}
}

// lookAgain takes the turn of a contested record and returns what it has become. stored reports whether that contains
// the changes already: mine is the id of their last attempt, or 0.
func (c *commit) lookAgain(id RecordID, mine uint64) (fresh record, stored bool, err error) {
	if _, err = c.takeTurn(id, 0); err != nil {
		return fresh, false, err
	}
	if fresh, err = c.freshBase(id); err != nil {
		return fresh, false, err
	}
	has := fresh.env.HasWriteID
	return fresh, mine != 0 && has(mine) || c.tentative != 0 && has(c.tentative), nil
}

// updated makes what is stored what this request sees from now on. A request whose session was renewed meanwhile keeps
// its own view: the renewed session's values and subject are not for whoever holds the old token. It keeps the old id
// and version too, so that a later commit of it conflicts, follows the alias and reaches the renewed record.
func (c *commit) updated(stored *record) error {
	if c.reissued != "" {
		c.cookie = c.reissued
	}
	if !c.followed {
		if c.stored != nil {
			c.addEvent(ReasonMerged, stored)
		}
		c.next = *stored
		return nil
	}
	c.addEvent(ReasonFollowed, &c.old)
	c.next = c.old
	c.stampLifetime(&c.next.env)
	_ = c.encodeNext(&c.next, c.values(&c.old), c.ops) // of whatever size: it is not stored
	c.next.id, c.next.version = c.old.id, c.old.version
	return nil
}

// freshBase returns the live record that id has become, for this request's changes.
func (c *commit) freshBase(id RecordID) (record, error) {
	found, reason, err := c.lookUp(id)
	if err != nil {
		return record{}, err
	}
	now, way, err := c.follow(found, reason)
	switch {
	case err != nil:
		return record{}, err
	case way.login: // whoever planted the old token must not write into what the login made
		return record{}, ErrEnded
	}
	if c.noteFollowed(way); !c.followed {
		c.stored = &now
	}
	return now, nil
}

// rebase runs the operations again on a fresh base.
func (c *commit) rebase(base *record) ([]operation, error) {
	v, ops := c.values(base), withoutNoChanges(c.ops)
	if err := c.check(v, ops); err != nil {
		return nil, err
	}
	return c.rerun(v, ops)
}

// tolerateUpkeepFailure turns the failure of mere upkeep, which nobody asked for, into a success and an event.
func (c *commit) tolerateUpkeepFailure(err error) error {
	if !c.unasked {
		return err
	}
	c.next = c.old
	if !errors.Is(err, ErrEnded) {
		c.events = c.m.appendEvent(c.events, c.old.event(ReasonTouchFailed, err))
	}
	return nil
}

// addEvent keeps an event for the time when the lock is free.
func (c *commit) addEvent(r Reason, rec *record) {
	if c.m.onEvent != nil {
		c.events = c.m.appendEvent(c.events, rec.event(r, nil))
	}
}
