package session

import "errors"

func (j *job) runStored() error {
	switch j.action {
	case doTouch:
		return j.touchRecord()
	case doUpdate:
		return j.update()
	case doRotate:
		return j.rotate()
	case doEnd:
		return j.end()
	case doEndThenCreate:
		if err := j.end(); err != nil {
			return err
		}
	}
	return j.create()
}

// create starts a session from this request's operations.
func (j *job) create() error {
	var next held
	if err := j.restart(&next); err != nil {
		return err
	}
	token, err := j.insert(&next)
	if err != nil {
		return err
	}
	j.issue(ReasonCreated, next, token)
	return nil
}

// issue makes next the request's session and its token the cookie's value.
func (j *job) issue(r Reason, next held, token string) {
	j.next = next
	j.cookie = ticket{action: issueTicket, line: j.m.cookie.set(token, next.env.deadline-j.now)}
	j.event(r, &next)
}

// insert creates the record under a new token.
func (j *job) insert(h *held) (token string, err error) {
	token = mintToken()
	h.id, h.version = recordID(j.m.name, token), 1
	err = j.m.store.Create(j.ctx, h.record())
	if errors.Is(err, ErrExists) && j.applied(h) {
		err = nil
	}
	if err != nil {
		return "", unavailable("create", err)
	}
	return token, nil
}

// applied reports whether h's write is the one that is stored: the answer to it got lost and the store's
// client sent it again, to be told that it came too late.
func (j *job) applied(h *held) bool {
	var stored held
	return j.m.fetch(j.ctx, h.id, &stored) == nil && stored.env.written(h.env.writes[0])
}

// replace writes h over the record of h's version. The error is the store's own.
func (j *job) replace(h *held) error {
	err := j.m.store.Update(j.ctx, h.record())
	if err == nil {
		h.version++
	}
	return err
}

func (h *held) record() Record {
	r := Record{ID: h.id, Version: h.version, Data: h.data, Seen: h.seen.time(), Expires: h.expires.time()}
	if len(h.env.subject) > 0 {
		r.Subject, r.Handle = string(h.env.subject), h.env.handle.String()
	}
	return r
}

// update saves changed values. When another request got in between, the operations run again on what it left,
// until they fit or the commit's time is up.
func (j *job) update() error {
	base, ops, mine := &j.old, j.ops, uint64(0)
	for contested := j.expired; ; contested = true { // expired as far as we know: another request may have extended it
		if contested {
			fresh, err := j.reload(base.id)
			if err != nil {
				return err
			}
			base = &fresh
			if mine != 0 && base.env.written(mine) {
				return j.updated(base)
			}
			if ops, err = j.rebase(base); err != nil {
				return err
			}
		}
		next := &j.next
		*next = held{env: base.env}
		if err := j.draft(next, j.values(base), ops); err != nil {
			return err
		}
		next.id, next.version, mine = base.id, base.version, next.env.writes[0]
		next.expires = max(next.expires, min(base.expires, base.env.deadline)) // the other request may have been later
		switch err := j.replace(next); {
		case err == nil:
			return j.updated(next)
		case errors.Is(err, ErrNotFound):
			return ErrEnded
		case !errors.Is(err, ErrConflict):
			return unavailable("update", err)
		}
	}
}

// updated settles what this request sees from now on. A request whose session was renewed meanwhile keeps its own
// view: the renewed session's values and subject are not for whoever holds the old token. Its stale version
// makes a later commit of this request find the successor again.
func (j *job) updated(stored *held) error {
	if !j.adopted {
		if j.release != nil {
			j.event(ReasonMerged, stored)
		}
		j.next = *stored
		return nil
	}
	j.event(ReasonFollowed, &j.old)
	j.next = held{env: j.old.env}
	_ = j.draft(&j.next, j.values(&j.old), j.ops) // of whatever size: it is not stored
	j.next.id, j.next.version = j.old.id, j.old.version
	return nil
}

// reload waits for this request's turn and returns the live record that id has become.
func (j *job) reload(id RecordID) (held, error) {
	if err := j.takeTurn(id); err != nil {
		return held{}, err
	}
	now, err := j.follow(id, false)
	if err == nil && !j.adopted {
		j.stored = &now
	}
	return now, err
}

// rebase runs the operations again on a fresh base.
func (j *job) rebase(base *held) ([]operation, error) {
	v, ops := j.values(base), active(j.ops)
	if err := j.check(v, ops); err != nil {
		return nil, err
	}
	return v.replay(ops)
}

// takeTurn queues for a record once a first conflict has shown that others want it too.
func (j *job) takeTurn(id RecordID) error {
	if err := j.ctx.Err(); err != nil { // whatever the store makes of its context
		return unavailable("commit", err)
	}
	if j.release != nil {
		return nil
	}
	release, err := j.m.queue(j.ctx, id)
	if err != nil {
		return unavailable("commit", err)
	}
	j.release = release
	return nil
}

// follow returns the live record that id has become, or ErrEnded. It leads through renewals, and into another
// subject's session only when that is to be ended.
func (j *job) follow(id RecordID, toEnd bool) (held, error) {
	for {
		h, reason, err := j.examine(id)
		switch {
		case err != nil:
			return held{}, err
		case reason == "":
			return h, nil
		case reason != ReasonSuperseded, h.env.flags&flagOtherSubject != 0 && !toEnd:
			return held{}, ErrEnded
		}
		id, j.adopted = h.env.successor(), true
	}
}

// examine loads a record and judges it.
func (j *job) examine(id RecordID) (h held, _ Reason, _ error) {
	if err := j.ctx.Err(); err != nil {
		return h, "", unavailable("reload", err)
	}
	err := j.m.fetch(j.ctx, id, &h)
	if errors.Is(err, ErrNotFound) {
		return h, ReasonUnknown, nil
	}
	reason, err := j.m.judge(&h, j.m.now(), err)
	if err != nil {
		return h, "", unavailable("reload", err)
	}
	return h, reason, nil
}

// touchRecord extends the idle clock. A record that another request has changed or ended is left alone: changing
// extends it too, and nothing brings an ended one back.
func (j *job) touchRecord() error {
	next := j.old
	next.seen, next.expires = j.now, j.plan.expires
	err := errors.ErrUnsupported
	if t, ok := j.m.store.(Toucher); ok {
		err = t.Touch(j.ctx, next.id, next.seen.time(), next.expires.time())
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = j.replace(&next)
	}
	switch {
	case err == nil:
		j.next = next
		j.event(ReasonTouched, &next)
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
	case j.touch:
		return unavailable("touch", err)
	default:
		j.events = j.m.event(j.events, Event{Reason: ReasonTouchFailed, Handle: next.env.handle.String(), Err: unavailable("touch", err)})
	}
	j.next = j.old
	return nil
}
