package session

import (
	"errors"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// rotate gives the session a new token: it writes the new record, then turns the old one into an alias that leads
// requests in flight to it. Until that second write has succeeded the old token is the valid one, so a failure
// between the two logs nobody out.
func (j *job) rotate() error {
	written, err := j.queue(j.old.id)
	if err != nil {
		return j.unrenewed(err)
	}
	if written {
		if lost, err := j.catchUp(); lost || err != nil {
			return err
		}
	}
	next, token, salt, err := j.successor()
	if err != nil {
		return j.unrenewed(err)
	}
	for {
		mark := j.aliasOf(&j.old, next.id, salt)
		failure := j.replace(&mark)
		if failure == nil {
			return j.issue(ReasonRenewed, next, token)
		}
		found, reason, err := j.examineInTurn(j.old.id)
		switch {
		case err != nil: // whether the old token leads to the new record is unknown, so that one has to stay
			j.tentative = next.env.Writes[0]
			return j.unrenewed(err)
		case reason == ReasonSuperseded && found.env.Successor() == next.id: // applied; the answer was lost
			return j.issue(ReasonRenewed, next, token)
		case reason != "":
			j.discard(&next)
			return j.outrun(found, reason)
		case !errors.Is(failure, ErrConflict):
			j.tentative = next.env.Writes[0]
			return j.unrenewed(unavailable("renew", failure))
		}
		if err := j.carryOver(found, &next); err != nil {
			j.discard(&next)
			if errors.Is(err, ErrConflict) {
				return err
			}
			return j.unrenewed(err)
		}
	}
}

// catchUp looks again at a record that another request was writing. It reports whether the renewal was settled with that.
func (j *job) catchUp() (settled bool, _ error) {
	found, reason, err := j.examine(j.old.id)
	switch {
	case err != nil:
		return true, j.unrenewed(err)
	case reason != "":
		return true, j.outrun(found, reason)
	}
	return false, j.advance(found)
}

// advance makes what another request has left the base of this one.
func (j *job) advance(base held) error {
	j.stored = &base
	ops, err := j.rebase(&base)
	if err == nil {
		j.old, j.ops = base, ops
	}
	return err
}

// successor writes the new record.
func (j *job) successor() (next held, token string, salt []byte, err error) {
	token = mintToken()
	next.env = j.renewedFrom(j.old.env)
	if j.periodic() {
		salt = mintSalt()
		token = j.presented(j.old.id)
		if token == "" {
			return next, "", nil, errNoToken
		}
		token = successorToken(token, salt)
		next.env.Flags |= wire.Unpresented
	}
	if err = j.draft(&next, j.values(&j.old), j.ops); err == nil {
		err = j.insert(&next, token)
	}
	return next, token, salt, err
}

var errNoToken = errors.New("session: the request did not present the token that is to be renewed")

// periodic reports whether the renewal is one that nobody asked for.
func (j *job) periodic() bool { return !j.login && !j.renew }

// carryOver rebuilds the new record, which nobody else knows yet, on what another request has meanwhile written into the
// old one.
func (j *job) carryOver(old held, next *held) error {
	if err := j.advance(old); err != nil {
		return err
	}
	again := held{env: j.renewedFrom(old.env)}
	again.env.Handle, again.env.Flags = next.env.Handle, next.env.Flags
	w := old.env.Writes // of those whose answers may be lost
	again.env.Writes = [4]uint64{next.env.Writes[0], w[0], w[1], w[2]}
	if err := j.draft(&again, j.values(&j.old), j.ops); err != nil {
		return err
	}
	again.id, again.version = next.id, next.version
	if err := j.replace(&again); err != nil {
		if !errors.Is(err, ErrConflict) || !j.applied(&again) {
			return unavailable("renew", err)
		}
		again.version++
	}
	*next = again
	return nil
}

// outrun settles a renewal whose record another request has renewed or ended first. Nothing that has ended comes back, so
// the aliases are followed to their end before anything else.
func (j *job) outrun(last held, reason Reason) error {
	heir, way, err := j.follow(last, reason)
	over := errors.Is(err, ErrEnded)
	switch {
	case err != nil && !over:
		return j.unrenewed(err)
	case j.login && over:
		if last.env.Kind == wire.Ended || last.env.Kind == wire.Alias {
			j.dead = &last
		}
		return j.startOver(ReasonCreated, values{})
	case j.login:
		return j.loginAfter(heir, way)
	case j.renew && !over && !way.asked: // whatever upkeep did, the token that was asked to go has to go
		return j.rotateOn(heir)
	case !over && !way.login:
		return j.followRenewal(way)
	case j.changed || j.renew:
		return ErrEnded
	}
	j.next = j.old
	return nil
}

// loginAfter goes on with a login whose session another request was faster to renew: from the session, if that was only
// renewed; with its values as a session of its own, if the same subject has logged in; and otherwise from this request's
// operations alone.
func (j *job) loginAfter(heir held, way journey) error {
	switch {
	case !way.login:
		return j.rotateOn(heir)
	case string(heir.env.Subject) == j.subject:
		return j.startOver(ReasonSeparate, j.values(&heir))
	}
	return j.startOver(ReasonSeparate, values{})
}

// rotateOn renews the session that another request's renewal has left.
func (j *job) rotateOn(heir held) error {
	if err := j.advance(heir); err != nil {
		return err
	}
	return j.rotate()
}

// followRenewal drops this request's renewal for one that was faster.
func (j *job) followRenewal(way journey) error {
	j.adopt(way)
	if !j.changed {
		return j.noteUse()
	}
	j.unasked = false
	return j.update()
}

// startOver starts a session of this request's own. The marker of one that has ended learns of it.
func (j *job) startOver(r Reason, v values) error {
	if j.dead != nil {
		if err := j.claim(true); err != nil {
			return err
		}
	}
	return j.begin(r, v)
}

// unrenewed goes on without a periodic renewal that failed, because nobody asked for it: the changes, if any, are saved
// under the old token, or under the new one should the renewal have succeeded after all.
func (j *job) unrenewed(err error) error {
	if !j.periodic() {
		return err
	}
	if j.changed || j.touch {
		j.unasked = false
		return j.update()
	}
	failed := j.excused(err)
	if u := j.m.upkeepOf(&j.old, false); failed == nil && j.now >= u.touchAt() {
		return j.touchRecord()
	}
	return failed
}

// discard removes a record that no token was handed out for. If that fails it idles out.
func (j *job) discard(h *held) { _ = j.m.store.Delete(j.ctx, h.id) }

// aliasOf is the marker that leads from an old record to its successor, and holds no value, subject or handle. After a periodic renewal it
// lasts as long as the session could have, because until then the old token is either good or a sign of theft.
func (j *job) aliasOf(old *held, successor RecordID, salt []byte) held {
	var flags byte
	lasts := j.now + markerLifetime
	switch {
	case j.switched:
		flags = wire.LeftByLogin | wire.LeftByOtherSubject
	case j.login:
		flags = wire.LeftByLogin
	case salt != nil:
		flags, lasts = wire.LeftByRenewal, old.env.Deadline
	}
	mark := j.marker(old, wire.Alias, flags, lasts, slices.Concat(successor[:], salt))
	if salt != nil && old.env.Extension(wire.PresentedAt) != "" {
		mark.env.SetExtension(wire.PresentedAt, old.env.Extension(wire.PresentedAt))
		mark.encode(values{}, nil)
	}
	return mark
}
