package session

import "errors"

// rotate gives the session a new token: it writes the new record, then turns the old one into an alias that leads
// requests in flight to it. Until that second write has succeeded the old token is the valid one, so a failure
// between the two logs nobody out.
func (j *job) rotate() error {
	if j.expired {
		live, err := j.extended()
		if err != nil || !live {
			return err
		}
	}
	next := held{env: j.renewedFrom(j.old.env)}
	if err := j.draft(&next, j.values(&j.old), j.ops); err != nil {
		return err
	}
	token, err := j.insert(&next)
	if err != nil {
		return err
	}
	for old := j.old; ; {
		mark := j.aliasOf(&old, next.id)
		err := j.replace(&mark)
		switch {
		case err == nil:
			j.issue(ReasonRenewed, next, token)
			return nil
		case errors.Is(err, ErrNotFound):
			return j.renewedTooLate(next, token)
		case !errors.Is(err, ErrConflict):
			return unavailable("renew", err)
		}
		if err := j.takeTurn(old.id); err != nil {
			return err
		}
		found, reason, err := j.examine(old.id)
		switch {
		case err != nil:
			return err
		case reason == ReasonSuperseded && found.env.successor() == next.id: // applied; the answer was lost
			j.issue(ReasonRenewed, next, token)
			return nil
		case reason == ReasonSuperseded:
			return j.renewedTwice(next, token)
		case reason != "":
			return j.renewedTooLate(next, token)
		}
		old = found
		if next, err = j.carryOver(&found, next); err != nil {
			return err
		}
	}
}

// extended looks again at a session that has expired since it was loaded. If nobody has extended it, a login starts
// a session of its own and anything else finds the session ended.
func (j *job) extended() (live bool, _ error) {
	if err := j.takeTurn(j.old.id); err != nil {
		return false, err
	}
	found, reason, err := j.examine(j.old.id)
	switch {
	case err != nil:
		return false, err
	case reason == "":
		j.stored = &found
		ops, err := j.rebase(&found)
		j.old, j.ops = found, ops
		return true, err
	case j.login:
		return false, j.create()
	default:
		return false, ErrEnded
	}
}

// carryOver rebuilds the new record on what another request has meanwhile written into the old one.
func (j *job) carryOver(old *held, next held) (held, error) {
	j.stored = old
	ops, err := j.rebase(old)
	if err != nil {
		j.discard(&next)
		return next, err
	}
	env := j.renewedFrom(old.env)
	env.handle = next.env.handle
	return j.rewrite(next, env, j.values(old), ops)
}

// rewrite replaces the new record, which nobody else knows yet.
func (j *job) rewrite(next held, env envelope, v values, ops []operation) (held, error) {
	again := held{env: env}
	if err := j.draft(&again, v, ops); err != nil {
		j.discard(&next)
		return next, err
	}
	again.id, again.version = next.id, next.version
	if err := j.replace(&again); err != nil {
		if !errors.Is(err, ErrConflict) || !j.applied(&again) {
			return next, unavailable("renew", err)
		}
		again.version++
	}
	return again, nil
}

// renewedTwice: another request has renewed the session first. A login or explicit Renew keeps the new record as a
// session of its own, made of what this request knew; merging it into the other would mix two subjects' values. A
// periodic renewal is dropped, and its changes follow the other one.
func (j *job) renewedTwice(next held, token string) error {
	if !j.login && !j.renew {
		j.discard(&next)
		return j.unrenewed()
	}
	env := j.renewedFrom(j.old.env)
	env.handle, env.writes = mintHandle(), next.env.writes
	next, err := j.rewrite(next, env, j.values(&j.old), j.ops)
	if err != nil {
		return err
	}
	j.issue(ReasonSeparate, next, token)
	return nil
}

// renewedTooLate: the session ended before it could be renewed. A login starts anew from this request's operations
// alone; nothing of the old session comes back.
func (j *job) renewedTooLate(next held, token string) error {
	if !j.login {
		j.discard(&next)
		if j.renew {
			return ErrEnded
		}
		return j.unrenewed()
	}
	nothing := values{}
	ops, err := nothing.replay(j.ops)
	if err != nil {
		j.discard(&next)
		return err
	}
	env := j.fresh()
	env.writes = next.env.writes
	if next, err = j.rewrite(next, env, nothing, ops); err != nil {
		return err
	}
	j.issue(ReasonCreated, next, token)
	return nil
}

// unrenewed goes on without the periodic renewal.
func (j *job) unrenewed() error {
	if j.changed {
		return j.update()
	}
	j.next = j.old
	return nil
}

// discard removes a record that no token was handed out for. If that fails it idles out.
func (j *job) discard(h *held) { _ = j.m.store.Delete(j.ctx, h.id) }

// aliasOf is the marker that leads from an old record to its successor, and holds nothing else.
func (j *job) aliasOf(old *held, successor RecordID) held {
	var flags byte
	if j.switched {
		flags = flagOtherSubject
	}
	return j.marker(old, alias, flags, successor[:])
}
