package session

import (
	"errors"
	"time"
)

func (c *commit) runStored() error {
	if c.login && c.m.maxPerSubject > 0 {
		return c.loginWithinLimit()
	}
	err := c.carryOut()
	if err == nil && c.offer != "" && c.cookie == "" {
		c.offerHolds = c.offerStands()
	}
	return err
}

// offerStands reports whether the session is still the one that the offered token opens: a login since has given the
// visitor another one.
func (c *commit) offerStands() bool {
	if c.action == doUpdate && !c.followed {
		return true
	}
	found, reason, err := c.lookUp(c.old.id)
	if err != nil || reason == "" {
		return err == nil
	}
	if _, way, err := c.follow(found, reason); err == nil {
		c.cookie = way.offer // periodically renewed in its turn: then this is the token to give
	}
	return c.cookie != ""
}

func (c *commit) carryOut() error {
	for i := range c.others { // first, so that a failure leaves nothing that nobody knows of
		if err := c.endRecord(c.others[i]); err != nil {
			return err
		}
		c.cookie = "" // which is the chosen session's
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

// createSession starts a session from this request's operations.
func (c *commit) createSession() error {
	if c.marker != nil {
		if done, err := c.resumeLogin(); done || err != nil {
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
	token := mintToken()
	if err := c.insert(&next, token); err != nil {
		return err
	}
	return c.issue(r, next, token)
}

// issue makes next the request's session and its token the cookie's value.
func (c *commit) issue(r Reason, next record, token string) error {
	c.next = next
	c.cookie = c.m.cookie.set(token, c.m.absoluteEnd(&next.env)-c.now)
	c.addEvent(r, &next)
	return nil
}

// insert creates the record under a token.
func (c *commit) insert(h *record, token string) error {
	h.id, h.version = recordID(c.m.name, token), 1
	err := c.m.store.Create(c.ctx, h.toStore())
	if errors.Is(err, ErrExists) && c.isStored(h) {
		err = nil
	}
	if err != nil {
		return unavailable("create", err)
	}
	return nil
}

// isStored reports whether h's write is the one that is stored: the answer to it got lost and the store's
// client sent it again, to be told that it came too late.
func (c *commit) isStored(h *record) bool {
	var stored record
	return c.m.loadRecord(c.ctx, h.id, &stored) == nil && stored.env.HasWriteID(h.env.Writes[0])
}

// replace writes h over the record of h's version. The error is the store's own.
func (c *commit) replace(h *record) error {
	err := c.m.store.Update(c.ctx, h.toStore())
	if err == nil {
		h.version++
	}
	return err
}

func (h *record) toStore() Record {
	r := Record{ID: h.id, Version: h.version, Data: h.data, Seen: h.seen.Time(), Expires: h.expires.Time()}
	if len(h.env.Subject) > 0 {
		r.Subject, r.Handle = string(h.env.Subject), h.env.Handle.String()
	}
	return r
}

// updateRecord saves changed values. When another request got in between, the operations run again on what it left,
// until they fit or the commit's time is up.
func (c *commit) updateRecord() error {
	contested, err := c.queue(c.old.id)
	if err != nil {
		return c.excused(err)
	}
	base, ops, mine := &c.old, c.ops, uint64(0)
	for ; ; contested = true {
		if contested {
			if c.unasked { // another request has written what was to be noted, but perhaps at an earlier time than this one's
				return c.noteUse()
			}
			if _, err := c.takeTurn(base.id, 0); err != nil {
				return err
			}
			fresh, err := c.freshBase(base.id)
			if err != nil {
				return err
			}
			if mine != 0 && fresh.env.HasWriteID(mine) || c.tentative != 0 && fresh.env.HasWriteID(c.tentative) {
				return c.updated(&fresh)
			}
			base = &fresh
			if ops, err = c.rebase(base); err != nil {
				return err
			}
		}
		next := &c.next
		if err := c.encodeOver(next, base, ops); err != nil {
			return err
		}
		mine = next.env.Writes[0]
		switch err := c.replace(next); {
		case err == nil:
			return c.updated(next)
		case errors.Is(err, ErrNotFound):
			return c.excused(ErrEnded)
		case !errors.Is(err, ErrConflict):
			return c.excused(unavailable("update", err))
		}
	}
}

// encodeOver drafts base as ops change it, under base's token.
func (c *commit) encodeOver(next, base *record, ops []operation) error {
	*next = record{snapshot: snapshot{seen: base.seen}, env: base.env}
	if !c.cameByReplaced && !c.followed {
		next.env.MarkPresented(c.now)
	}
	if err := c.encodeNext(next, c.values(base), ops); err != nil {
		return err
	}
	next.id, next.version = base.id, base.version
	// The other request may have been later.
	next.expires = max(next.expires, min(c.m.idleEnd(base), base.env.Deadline))
	return nil
}

// excused lets a commit that does only what nobody asked for succeed though it failed.
func (c *commit) excused(err error) error {
	if !c.unasked {
		return err
	}
	c.next = c.old
	if !errors.Is(err, ErrEnded) {
		c.events = c.m.appendEvent(c.events, Event{
			Reason: ReasonTouchFailed, Handle: c.old.env.Handle.String(), Subject: string(c.old.env.Subject), Err: err,
		})
	}
	return nil
}

// updated settles what this request sees from now on. A request whose session was renewed meanwhile keeps its own
// view: the renewed session's values and subject are not for whoever holds the old token. Its stale version
// makes a later commit of this request find the successor again.
func (c *commit) updated(stored *record) error {
	if !c.followed {
		if c.stored != nil {
			c.addEvent(ReasonMerged, stored)
		}
		c.next = *stored
		return nil
	}
	c.addEvent(ReasonFollowed, &c.old)
	c.next = record{env: c.old.env}
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
	return v.replay(ops)
}

// queue waits for a record's turn before the first attempt to write it, if another request of this process has it. It
// reports whether that request has written it: then the first attempt would fail.
func (c *commit) queue(id RecordID) (written bool, err error) {
	got, err := c.takeTurn(id, c.m.storeTimeout/20)
	return got == turnPassedOn, err
}

// takeTurn waits for a record's turn, and gives up the turn that was held before.
func (c *commit) takeTurn(id RecordID, patience time.Duration) (turnResult, error) {
	if c.holdsTurn && c.turnOf == id {
		return turnFree, nil
	}
	c.release()
	if err := c.ctx.Err(); err != nil { // whatever the store makes of its context
		return turnRefused, unavailable("commit", err)
	}
	got, err := turns.take(c.ctx, id, patience)
	if err != nil {
		return got, unavailable("commit", err)
	}
	c.turnOf, c.holdsTurn = id, got != turnRefused
	return got, nil
}

// release lets the next request have its turn.
func (c *commit) release() {
	if c.holdsTurn {
		turns.pass(c.turnOf)
		c.holdsTurn = false
	}
}

// touchRecord extends the idle clock. What another request has ended is left alone: nothing brings it back.
func (c *commit) touchRecord() error {
	if c.tookLong() {
		return c.noteUse()
	}
	next := c.old
	next.expires = c.plan.expires
	return c.touchAs(next)
}

// noteUse is for a request that other requests have overtaken. They have noted down their own uses of the session, which
// stand for this one's too unless it took very long; then what the session has become is extended.
func (c *commit) noteUse() error {
	if !c.tookLong() {
		c.next = c.old
		return nil
	}
	found, reason, err := c.lookUp(c.old.id)
	if err != nil {
		return c.excused(err)
	}
	heir, way, err := c.follow(found, reason)
	switch {
	case errors.Is(err, ErrEnded), err == nil && way.login:
		c.next = c.old
		return nil
	case err != nil:
		return c.excused(err)
	}
	c.noteFollowed(way)
	heir.expires = min(max(c.now+c.m.idleSpan(&heir.env), c.m.idleEnd(&heir)), c.m.absoluteEnd(&heir.env))
	return c.touchAs(heir)
}

// tookLong reports whether the session was loaded longer ago than a touch interval.
func (c *commit) tookLong() bool {
	_, touchEvery := c.m.idleTerms(&c.old.env)
	return c.now >= c.loadedAt+max(touchEvery, 1000)
}

// touchAs writes the clocks of next.
func (c *commit) touchAs(next record) error {
	next.seen = max(c.now, next.seen)
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
	return c.excused(unavailable("touch", err))
}

// touchUnchanged notes the use of a session whose changes could not be saved.
func (c *commit) touchUnchanged() {
	u := c.m.upkeepOf(&c.old, false)
	if !c.found || c.now < u.touchAt() {
		return
	}
	c.plan.expires = min(max(c.now+c.m.idleSpan(&c.old.env), c.m.idleEnd(&c.old)), c.m.absoluteEnd(&c.old.env))
	c.unasked = true
	_ = c.touchRecord() // the caller has an error to return already
}

func (c *commit) touchStored(next *record) error {
	if t, ok := c.m.store.(Toucher); ok {
		err := t.Touch(c.ctx, next.id, next.seen.Time(), next.expires.Time())
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
		if err != nil || reason != "" || c.now < u.touchAt() { // what has ended stays so, and what was just used needs nothing
			*next = c.old
			return err
		}
		found.seen, found.expires = next.seen, max(next.expires, found.expires)
		*next = found
	}
}
