package session

import (
	"errors"
	"time"
)

func (j *job) runStored() error {
	if j.login && j.m.maxPerSubject > 0 {
		return j.loginWithinLimit()
	}
	err := j.carryOut()
	if err == nil && j.offer != "" && j.cookie == "" {
		j.stands = j.offerStands()
	}
	return err
}

// offerStands reports whether the session is still the one that the offered token opens: a login since has given the
// visitor another one.
func (j *job) offerStands() bool {
	if j.action == doUpdate && !j.adopted {
		return true
	}
	found, reason, err := j.examine(j.old.id)
	if err != nil || reason == "" {
		return err == nil
	}
	if _, way, err := j.follow(found, reason); err == nil {
		j.cookie = way.offer // periodically renewed in its turn: then this is the token to give
	}
	return j.cookie != ""
}

func (j *job) carryOut() error {
	for i := range j.others { // first, so that a failure leaves nothing that nobody knows of
		if err := j.end(j.others[i]); err != nil {
			return err
		}
		j.cookie = "" // which is the chosen session's
	}
	switch j.action {
	case doForget:
		return j.forget()
	case doOffer:
		j.next = j.old
		return nil
	case doTouch:
		return j.touchRecord()
	case doUpdate:
		return j.update()
	case doRotate:
		return j.rotate()
	}
	if j.ending != nil {
		for e := j.ending; e.done < len(e.sessions); e.done++ {
			if err := j.end(e.sessions[e.done]); err != nil {
				return err
			}
		}
	}
	if j.action == doEnd {
		return nil
	}
	return j.create()
}

// create starts a session from this request's operations.
func (j *job) create() error {
	if j.dead != nil {
		if done, err := j.resume(); done || err != nil {
			return err
		}
	}
	return j.begin(ReasonCreated, values{})
}

// begin starts a session from this request's operations over v.
func (j *job) begin(r Reason, v values) error {
	var next held
	if err := j.restart(&next, v); err != nil {
		return err
	}
	token := mintToken()
	if err := j.insert(&next, token); err != nil {
		return err
	}
	return j.issue(r, next, token)
}

// issue makes next the request's session and its token the cookie's value.
func (j *job) issue(r Reason, next held, token string) error {
	j.next = next
	j.cookie = j.m.cookie.set(token, j.m.absoluteEnd(&next.env)-j.now)
	j.event(r, &next)
	return nil
}

// insert creates the record under a token.
func (j *job) insert(h *held, token string) error {
	h.id, h.version = recordID(j.m.name, token), 1
	err := j.m.store.Create(j.ctx, h.record())
	if errors.Is(err, ErrExists) && j.applied(h) {
		err = nil
	}
	if err != nil {
		return unavailable("create", err)
	}
	return nil
}

// applied reports whether h's write is the one that is stored: the answer to it got lost and the store's
// client sent it again, to be told that it came too late.
func (j *job) applied(h *held) bool {
	var stored held
	return j.m.fetch(j.ctx, h.id, &stored) == nil && stored.env.HasWriteID(h.env.Writes[0])
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
	r := Record{ID: h.id, Version: h.version, Data: h.data, Seen: h.seen.Time(), Expires: h.expires.Time()}
	if len(h.env.Subject) > 0 {
		r.Subject, r.Handle = string(h.env.Subject), h.env.Handle.String()
	}
	return r
}

// update saves changed values. When another request got in between, the operations run again on what it left,
// until they fit or the commit's time is up.
func (j *job) update() error {
	contested, err := j.queue(j.old.id)
	if err != nil {
		return j.excused(err)
	}
	base, ops, mine := &j.old, j.ops, uint64(0)
	for ; ; contested = true {
		if contested {
			if j.unasked { // another request has written what was to be noted, but perhaps at an earlier time than this one's
				return j.noteUse()
			}
			if _, err := j.takeTurn(base.id, 0); err != nil {
				return err
			}
			fresh, err := j.reload(base.id)
			if err != nil {
				return err
			}
			if mine != 0 && fresh.env.HasWriteID(mine) || j.tentative != 0 && fresh.env.HasWriteID(j.tentative) {
				return j.updated(&fresh)
			}
			base = &fresh
			if ops, err = j.rebase(base); err != nil {
				return err
			}
		}
		next := &j.next
		if err := j.draftOver(next, base, ops); err != nil {
			return err
		}
		mine = next.env.Writes[0]
		switch err := j.replace(next); {
		case err == nil:
			return j.updated(next)
		case errors.Is(err, ErrNotFound):
			return j.excused(ErrEnded)
		case !errors.Is(err, ErrConflict):
			return j.excused(unavailable("update", err))
		}
	}
}

// draftOver drafts base as ops change it, under base's token.
func (j *job) draftOver(next, base *held, ops []operation) error {
	*next = held{kept: kept{seen: base.seen}, env: base.env}
	if !j.replaced && !j.adopted {
		next.env.MarkPresented(j.now)
	}
	if err := j.draft(next, j.values(base), ops); err != nil {
		return err
	}
	next.id, next.version = base.id, base.version
	// The other request may have been later.
	next.expires = max(next.expires, min(j.m.idleEnd(base), base.env.Deadline))
	return nil
}

// excused lets a commit that does only what nobody asked for succeed though it failed.
func (j *job) excused(err error) error {
	if !j.unasked {
		return err
	}
	j.next = j.old
	if !errors.Is(err, ErrEnded) {
		j.events = j.m.event(j.events, Event{
			Reason: ReasonTouchFailed, Handle: j.old.env.Handle.String(), Subject: string(j.old.env.Subject), Err: err,
		})
	}
	return nil
}

// updated settles what this request sees from now on. A request whose session was renewed meanwhile keeps its own
// view: the renewed session's values and subject are not for whoever holds the old token. Its stale version
// makes a later commit of this request find the successor again.
func (j *job) updated(stored *held) error {
	if !j.adopted {
		if j.stored != nil {
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

// reload returns the live record that id has become, for this request's changes.
func (j *job) reload(id RecordID) (held, error) {
	found, reason, err := j.examine(id)
	if err != nil {
		return held{}, err
	}
	now, way, err := j.follow(found, reason)
	switch {
	case err != nil:
		return held{}, err
	case way.login: // whoever planted the old token must not write into what the login made
		return held{}, ErrEnded
	}
	if j.adopt(way); !j.adopted {
		j.stored = &now
	}
	return now, nil
}

// rebase runs the operations again on a fresh base.
func (j *job) rebase(base *held) ([]operation, error) {
	v, ops := j.values(base), active(j.ops)
	if err := j.check(v, ops); err != nil {
		return nil, err
	}
	return v.replay(ops)
}

// queue waits for a record's turn before the first attempt to write it, if another request of this process has it. It
// reports whether that request has written it: then the first attempt would fail.
func (j *job) queue(id RecordID) (written bool, err error) {
	got, err := j.takeTurn(id, j.m.storeTimeout/20)
	return got == passedTurn, err
}

// takeTurn waits for a record's turn, and gives up the turn that was held before.
func (j *job) takeTurn(id RecordID, patience time.Duration) (turn, error) {
	if j.turns && j.turn == id {
		return freeTurn, nil
	}
	j.release()
	if err := j.ctx.Err(); err != nil { // whatever the store makes of its context
		return refusedTurn, unavailable("commit", err)
	}
	got, err := turns.take(j.ctx, id, patience)
	if err != nil {
		return got, unavailable("commit", err)
	}
	j.turn, j.turns = id, got != refusedTurn
	return got, nil
}

// release lets the next request have its turn.
func (j *job) release() {
	if j.turns {
		turns.pass(j.turn)
		j.turns = false
	}
}

// touchRecord extends the idle clock. What another request has ended is left alone: nothing brings it back.
func (j *job) touchRecord() error {
	if j.slow() {
		return j.noteUse()
	}
	next := j.old
	next.expires = j.plan.expires
	return j.touchAs(next)
}

// noteUse is for a request that other requests have overtaken. They have noted down their own uses of the session, which
// stand for this one's too unless it took very long; then what the session has become is extended.
func (j *job) noteUse() error {
	if !j.slow() {
		j.next = j.old
		return nil
	}
	found, reason, err := j.examine(j.old.id)
	if err != nil {
		return j.excused(err)
	}
	heir, way, err := j.follow(found, reason)
	switch {
	case errors.Is(err, ErrEnded), err == nil && way.login:
		j.next = j.old
		return nil
	case err != nil:
		return j.excused(err)
	}
	j.adopt(way)
	heir.expires = min(max(j.now+j.m.idleSpan(&heir.env), j.m.idleEnd(&heir)), j.m.absoluteEnd(&heir.env))
	return j.touchAs(heir)
}

// slow reports whether the session was loaded longer ago than a touch interval.
func (j *job) slow() bool {
	_, touchEvery := j.m.idleTerms(&j.old.env)
	return j.now >= j.loaded+max(touchEvery, 1000)
}

// touchAs writes the clocks of next.
func (j *job) touchAs(next held) error {
	next.seen = max(j.now, next.seen)
	err := j.touchStored(&next)
	switch {
	case err == nil:
		if j.next = next; j.adopted {
			j.next = j.old
		}
		j.event(ReasonTouched, &next)
		return nil
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrConflict):
		j.next = j.old
		return nil
	}
	return j.excused(unavailable("touch", err))
}

// touchUnchanged notes the use of a session whose changes could not be saved.
func (j *job) touchUnchanged() {
	u := j.m.upkeepOf(&j.old, false)
	if !j.found || j.now < u.touchAt() {
		return
	}
	j.plan.expires = min(max(j.now+j.m.idleSpan(&j.old.env), j.m.idleEnd(&j.old)), j.m.absoluteEnd(&j.old.env))
	j.unasked = true
	_ = j.touchRecord() // the caller has an error to return already
}

func (j *job) touchStored(next *held) error {
	if t, ok := j.m.store.(Toucher); ok {
		err := t.Touch(j.ctx, next.id, next.seen.Time(), next.expires.Time())
		if !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	for {
		if err := j.replace(next); !errors.Is(err, ErrConflict) {
			return err
		}
		found, reason, err := j.examineInTurn(next.id)
		u := j.m.upkeepOf(&found, false)
		if err != nil || reason != "" || j.now < u.touchAt() { // what has ended stays so, and what was just used needs nothing
			*next = j.old
			return err
		}
		found.seen, found.expires = next.seen, max(next.expires, found.expires)
		*next = found
	}
}
