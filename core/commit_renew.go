package session

import (
	"errors"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// renewRecord gives the session a new token: it writes the new record, then turns the old one into an alias that leads
// requests in flight to it. Until that second write has succeeded the old token is the valid one, so a failure
// between the two logs nobody out.
func (c *commit) renewRecord() error {
	written, err := c.queue(c.old.id)
	if err != nil {
		return c.skipPeriodicRenewal(err)
	}
	if written {
		if lost, err := c.catchUp(); lost || err != nil {
			return err
		}
	}
	next, token, salt, err := c.createSuccessor()
	if err != nil {
		return c.skipPeriodicRenewal(err)
	}
	for {
		mark := c.aliasOf(&c.old, next.id, salt, next.env.Deadline)
		failure := c.replace(&mark)
		if failure == nil {
			return c.issue(ReasonRenewed, next, token)
		}
		if settled, err := c.aliasFailed(failure, &next, token); settled || err != nil {
			return err
		}
	}
}

// aliasFailed finds out what came of an attempt to write the alias that returned an error. Unless that settles the
// renewal, next is ready for another attempt.
func (c *commit) aliasFailed(failure error, next *record, token string) (settled bool, _ error) {
	found, reason, err := c.lookUpInTurn(c.old.id)
	switch {
	case err != nil: // whether the old token leads to the new record is unknown, so that one has to stay
		c.tentative = next.env.Writes[0]
		return true, c.skipPeriodicRenewal(err)
	case reason == ReasonSuperseded && found.env.Successor() == next.id: // applied; the answer was lost
		return true, c.issue(ReasonRenewed, *next, token)
	case reason != "":
		c.deleteUnused(next)
		return true, c.settleOutrun(found, reason)
	case !errors.Is(failure, ErrConflict):
		c.tentative = next.env.Writes[0]
		return true, c.skipPeriodicRenewal(unavailable("renew", failure))
	}
	if err = c.carryOver(found, next); err == nil {
		return false, nil
	}
	c.deleteUnused(next)
	if errors.Is(err, ErrConflict) {
		return true, err
	}
	return true, c.skipPeriodicRenewal(err)
}

// catchUp looks again at a record that another request was writing. It reports whether the renewal was settled with
// that.
func (c *commit) catchUp() (settled bool, _ error) {
	found, reason, err := c.lookUp(c.old.id)
	switch {
	case err != nil:
		return true, c.skipPeriodicRenewal(err)
	case reason != "":
		return true, c.settleOutrun(found, reason)
	}
	return false, c.advance(found)
}

// advance makes what another request has left the base of this one.
func (c *commit) advance(base record) error {
	c.stored = &base
	ops, err := c.rebase(&base)
	if err == nil {
		c.old, c.ops = base, ops
	}
	return err
}

// createSuccessor writes the new record.
func (c *commit) createSuccessor() (next record, token string, salt []byte, err error) {
	token = c.mint()
	if c.periodic() {
		presented := c.presentedToken(c.old.id)
		if presented == "" {
			return next, "", nil, errNoToken
		}
		salt, c.formKey = mintSalt(), storedFormKey(presented)
		token = successorToken(presented, salt)
	}
	if c.beginRenewed(&next); c.periodic() {
		next.env.Flags |= wire.Unpresented
	}
	if err = c.encodeNext(&next, c.values(&c.old), c.ops); err == nil {
		err = c.insert(&next, token)
	}
	return next, token, salt, err
}

var errNoToken = errors.New("session: the request did not present the token that is to be renewed")

// periodic reports whether the renewal is one that nobody asked for.
func (c *commit) periodic() bool { return !c.login && !c.renew }

// carryOver rebuilds the new record, which nobody else knows yet, on what another request has meanwhile written into
// the old one.
func (c *commit) carryOver(old record, next *record) error {
	if err := c.advance(old); err != nil {
		return err
	}
	var again record
	c.beginRenewed(&again)
	again.env.Handle, again.env.Flags = next.env.Handle, next.env.Flags
	w := old.env.Writes // of those whose answers may be lost
	again.env.Writes = [4]uint64{next.env.Writes[0], w[0], w[1], w[2]}
	if err := c.encodeNext(&again, c.values(&c.old), c.ops); err != nil {
		return err
	}
	if err := c.indexLabels(&again); err != nil {
		return err
	}
	again.id, again.version = next.id, next.version
	if err := c.replace(&again); err != nil {
		if !errors.Is(err, ErrConflict) || !c.isStored(&again) {
			return unavailable("renew", err)
		}
		again.version++
	}
	*next = again
	return nil
}

// settleOutrun settles a renewal whose record another request has renewed or ended first. Nothing that has ended
// comes back, so the aliases are followed to their end before anything else.
func (c *commit) settleOutrun(last record, reason Reason) error {
	heir, way, err := c.follow(last, reason)
	over := errors.Is(err, ErrEnded)
	switch {
	case err != nil && !over:
		return c.skipPeriodicRenewal(err)
	case c.login && over:
		if last.env.Kind == wire.Ended || last.env.Kind == wire.Alias {
			c.marker = &last
		}
		return c.startOver(ReasonCreated, values{})
	case c.login:
		return c.loginAfter(heir, way)
	case c.renew && !over && !way.requested: // whatever upkeep did, the token that was asked to go has to go
		return c.renewHeir(heir)
	case !over && !way.login:
		return c.followRenewal(way)
	case c.changed || c.renew:
		return ErrEnded
	}
	c.next = c.old
	return nil
}

// loginAfter goes on with a login whose session another request was faster to renew: from the session, if that was only
// renewed; with its values and labels as a session of its own, if the same subject has logged in; and otherwise from
// this request's operations alone.
func (c *commit) loginAfter(heir record, way journey) error {
	switch {
	case !way.login:
		return c.renewHeir(heir)
	case string(heir.env.Subject) == c.subject:
		if c.lifetime == nil { // it keeps the subject's, as any login would
			c.lifetime = &wantedLifetime{Lifetime: heir.env.Lifetime()}
		}
		c.inherited = heir.env.Labels()
		return c.startBeside(heir)
	}
	return c.startOver(ReasonSeparate, values{})
}

// startBeside starts a session of this request's own with the values of one that lives on. Those may change until the
// new record is there; what changes them later, such as Manager.Edit, finds it.
func (c *commit) startBeside(other record) error {
	for {
		events := len(c.events)
		if err := c.startOver(ReasonSeparate, c.values(&other)); err != nil {
			return err
		}
		found, reason, err := c.lookUp(other.id)
		if err == nil {
			found, _, err = c.follow(found, reason)
		}
		if err == nil && found.id == other.id && found.version == other.version || errors.Is(err, ErrEnded) ||
			err == nil && string(found.env.Subject) != c.subject {
			return nil
		}
		c.deleteUnused(&c.next)
		c.cookie, c.minted, c.events = "", false, c.events[:events]
		if err != nil {
			return err
		}
		other = found
	}
}

// renewHeir renews the session that another request's renewal has left.
func (c *commit) renewHeir(heir record) error {
	if err := c.advance(heir); err != nil {
		return err
	}
	return c.renewRecord()
}

// followRenewal drops this request's renewal for one that was faster.
func (c *commit) followRenewal(way journey) error {
	c.noteFollowed(way)
	if !c.changed {
		return c.noteUseIfLate()
	}
	c.unasked = false
	return c.updateRecord()
}

// startOver starts a session of this request's own. The marker of one that has ended learns of it.
func (c *commit) startOver(r Reason, v values) error {
	if c.marker != nil {
		if err := c.claimCookie(true); err != nil {
			return err
		}
	}
	return c.beginSession(r, v)
}

// skipPeriodicRenewal goes on without a periodic renewal that failed, because nobody asked for it: the changes, if any,
// are saved under the old token, or under the new one should the renewal have succeeded after all. The failure of a
// renewal that was asked for it returns.
func (c *commit) skipPeriodicRenewal(err error) error {
	if !c.periodic() {
		return err
	}
	if c.changed || c.touch {
		c.unasked = false
		return c.updateRecord()
	}
	failed := c.tolerateUpkeepFailure(err)
	if u := c.m.upkeepOf(&c.old, false); failed == nil && c.now >= u.touchAt() {
		return c.touchRecord()
	}
	return failed
}

// deleteUnused removes a record that no token was handed out for. If that fails it idles out.
func (c *commit) deleteUnused(rec *record) { _ = c.m.store.Delete(c.ctx, rec.id) }

// beginRenewed makes rec the old session under a new token, without its values: another session for another subject.
func (c *commit) beginRenewed(rec *record) {
	rec.env = c.renewedFrom(c.old.env)
	if !c.switched {
		rec.seen, rec.expires = c.old.seen, c.old.expires
	}
}

// aliasOf is the marker that leads from an old record to its successor, and holds no value, subject or handle. After
// a periodic renewal it lasts as long as the session can, until its deadline, because until then the old token is
// either good or a sign of theft.
func (c *commit) aliasOf(old *record, successor RecordID, salt []byte, deadline wire.Millis) record {
	var flags byte
	lasts := c.now + markerLifetime
	switch {
	case c.switched:
		flags = wire.LeftByLogin | wire.LeftByOtherSubject
	case c.login:
		flags = wire.LeftByLogin
	case salt != nil:
		flags, lasts = wire.LeftByRenewal, deadline
	}
	mark := c.newMarker(old, wire.Alias, flags, lasts, slices.Concat(successor[:], salt))
	if salt != nil && old.env.Extension(wire.PresentedAt) != "" {
		mark.env.SetExtension(wire.PresentedAt, old.env.Extension(wire.PresentedAt))
		mark.encode(values{}, nil)
	}
	return mark
}
