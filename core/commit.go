package session

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// commit is one commit at work: what was planned, what it starts from, and what came of it.
type commit struct {
	m      *Manager
	client *client
	x      Exchange // for the presented token; nil: nobody presented one
	ctx    *bounded // nil where no store is asked
	facts
	plan
	old      record      // the session as it was before
	loadedAt wire.Millis // when the request loaded it, to the second
	others   []record    // further sessions that the visitor's cookies opened

	cameByReplaced bool // old was found through a token that a periodic renewal has replaced

	next       record  // the session as it is after the commit, in this request's view
	stored     *record // after ErrConflict: what is stored
	revoked    Reason  // why something ends that was not named by a visitor's token; "": it was
	followed   bool    // the changes went into another record than the one loaded
	endedHere  bool    // what was to be ended was alive, and this commit has ended it
	removed    bool    // it did so by deleting a record, which may have become something else in that moment
	offerHolds bool    // the offered token opens the session still
	cookie     string
	events     []Event

	tentative uint64 // the write id of a new record that holds the changes and may or may not have become the session

	turnOf    RecordID // the record whose turn this is
	holdsTurn bool     // it is
}

// commitMode says when a commit happens.
type commitMode byte

const (
	early      commitMode = iota // by Save
	final                        // right before the headers, which follow
	headerless                   // instead of headers: the connection is about to be taken over
)

// commitNow saves what is pending and tells how it went. After the final one the headers are as good as sent.
func (s *Session) commitNow(mode commitMode) error { return s.commitAt(mode, s.m.clock()) }

func (s *Session) commitAt(mode commitMode, at time.Time) error {
	st := s.enter()
	if st == nil {
		return ErrRequestOver
	}
	if !s.awaitCommit(st) {
		return errEndless
	}
	return s.commitLocked(st, mode, at)
}

// commitLocked is called with the lock held and no commit under way. It returns unlocked.
func (s *Session) commitLocked(st *state, mode commitMode, at time.Time) error {
	var c commit
	st.base.reparse(&c.old)
	c.facts = s.gatherFacts(st, &c.old, wire.FromTime(at))
	c.headersSent = c.headersSent || mode == headerless
	if c.plan = decide(&c.facts); c.action == doNothing {
		st.withdrawOffer(s.m)
		st.noteFailed(c.err)
		st.dropChanges(c.err)
		s.conclude(st, mode, c.err)
		s.leave()
		return c.err
	}
	c.prepare(s, st, at)
	st.committing = true
	s.leave()

	err := errPanicked // until run returns: it calls the store and the application's functions
	defer func() {
		s.mu.Lock()
		st.noteFailed(err)
		st.settle(&c, err)
		s.conclude(st, mode, err)
		s.leave()
	}()
	if err = c.run(); err == nil {
		err = c.err
	}
	return err
}

// prepare copies what else the commit needs from what the lock guards.
func (c *commit) prepare(s *Session, st *state, at time.Time) {
	c.m, c.client, c.x = s.m, s.client, s.x
	c.loadedAt, c.cameByReplaced = c.old.seen+1000*wire.Millis(st.age), st.cameByReplaced()
	if (c.unsaved || c.err != nil) && c.action != doEnd {
		c.changes, c.changed = changes{}, false
	}
	if c.login || c.action == doEnd || c.action == doEndThenCreate {
		c.others = st.others()
	}
	if s.m.store == nil {
		return
	}
	if st.pending != nil {
		c.ctx = &st.pending.ctx
	} else {
		c.ctx = &bounded{}
	}
	c.ctx.parent, c.ctx.deadline = s.ctx, s.m.deadlineFrom(at)
}

// conclude marks the headers as sent, in one step with the end of the final commit, so that nothing that needs a
// header is promised in between. After a failure the client is told, and nothing more is saved.
func (s *Session) conclude(st *state, mode commitMode, err error) {
	if mode == early || s.phase != headersPending {
		return
	}
	s.phase = headersSent
	if err != nil && st.blocked() == nil {
		st.rarely().blocked = err
	}
}

// gatherFacts collects what a decision at now depends on. The lock is held.
func (s *Session) gatherFacts(st *state, base *record, now wire.Millis) facts {
	f := facts{
		now: now, sealed: s.m.store == nil, headersSent: s.phase != headersPending,
		timedOut: pastDeadline(s.ctx), gone: s.ctx.Err() != nil,
		found: st.found, span: s.m.idleSpan(&base.env), absolute: s.m.absolute,
		marker: st.marker(), cookieDeletable: st.cookieDeletable(), offer: st.offer(),
		blocked: st.blocked(), serveOn: s.m.serveOn, unsaved: st.unsaved,
		changes: st.changes(), starts: st.startsSession(),
	}
	if st.found {
		f.changed = st.values().changedBy(f.ops) || st.base.cached && (len(f.ops) > 0 || f.hidden)
		f.upkeep = s.m.upkeepOf(base, st.retired)
		f.firstPresented = f.firstPresented && !st.cameByReplaced()
		f.idleEnd, f.absoluteEnd = s.m.idleEnd(base), s.m.absoluteEnd(&base.env)
		f.expired = s.m.expired(f.absoluteEnd, now)
	}
	return f
}

func (c *commit) run() error {
	defer c.close()
	if err := c.check(c.values(&c.old), c.ops); err != nil {
		return err
	}
	if c.m.store == nil {
		return c.runSealed()
	}
	err := c.runStored()
	if errors.Is(err, ErrTooLarge) {
		c.touchUnchanged()
	}
	return err
}

func (c *commit) close() {
	c.release()
	if c.ctx != nil {
		c.ctx.stop()
	}
}

// settle takes over what the commit achieved. After a success the operations are forgotten and what was written
// is the base; after a failure they are dropped, since the caller has been told.
func (st *state) settle(c *commit, err error) {
	if c.cookie != "" {
		st.cookie = c.cookie
	}
	switch {
	case err == nil && c.action != doEnd && c.action != doDeleteCookie:
		st.base, st.found, st.retired = c.next.snapshot, true, false
		u := c.m.upkeepOf(&c.next, false)
		if st.upkeepAt = u.dueAt(); c.followed {
			st.upkeepAt = wire.Never
		}
	case errors.Is(err, ErrConflict) && c.stored != nil:
		st.base, st.reads = c.stored.snapshot, nil
	}
	if r := st.rare; r != nil && err == nil {
		r.settle(c)
	}
	if err != nil || !c.offerHolds {
		st.withdrawOffer(c.m)
	}
	st.dropChanges(err)
	st.addEvents(c.events)
	st.committing = false
	if r := st.rare; r != nil && r.commitOver != nil {
		close(r.commitOver)
		r.commitOver = nil
	}
}

// settle forgets what a commit that succeeded has dealt with.
func (r *rare) settle(c *commit) {
	if c.others != nil {
		r.others = nil
	}
	if c.cookie != "" {
		r.marker, r.deletable, r.offer, r.cameByReplaced = nil, false, "", false
	}
}

// dropChanges forgets what was asked for. After a failure the session is what it was before: a Destroy that failed has
// destroyed nothing, and what the request knows of its keys is what is held.
func (st *state) dropChanges(err error) {
	if err != nil {
		if e := st.changes().ending; e != nil && !st.found {
			st.restore(e)
		}
		for i := range st.reads {
			st.reads[i].value = wire.Value(st.base.body(), st.reads[i].key)
		}
	}
	st.pending = nil
	if st.lateLine() != "" {
		st.rare.lateLine = ""
	}
}

// noteFailed notes whom a commit that fails is about, before it is forgotten.
func (st *state) noteFailed(err error) {
	if err != nil {
		st.rarely().failed = st.concerns()
	}
}

// restore makes what was to be ended the request's again.
func (st *state) restore(e *ending) {
	others := e.sessions[e.done:]
	if e.own && e.done == 0 && len(others) > 0 {
		st.base, st.found, others = others[0].snapshot, true, others[1:]
	}
	if len(others) > 0 {
		st.rarely().others = others
	}
}

func (c *commit) values(base *record) values { return values{base.env.Body, c.hidden} }

func (c *commit) check(v values, ops []operation) error {
	if c.m.conflicts == LastWriteWins {
		return nil
	}
	return v.checkReads(ops)
}

func (c *commit) addEvent(r Reason, h *record) {
	c.events = c.m.appendEvent(c.events, Event{Reason: r, Handle: h.env.Handle.String(), Subject: string(h.env.Subject)})
}

// newEnvelope is the envelope of a session that begins now.
func (c *commit) newEnvelope() wire.Envelope {
	e := wire.Envelope{Kind: wire.Live, Handle: mintHandle(), Created: c.now}
	if c.m.store == nil {
		e.Flags = wire.Sealed
	}
	e.Renewed, e.Deadline = c.now, c.now+c.m.absolute
	c.client.hint(&e)
	c.stampLogin(&e)
	return e
}

// renewedFrom is base's envelope after a renewal or login.
func (c *commit) renewedFrom(base wire.Envelope) wire.Envelope {
	if c.switched {
		return c.newEnvelope()
	}
	base.Renewed = c.now
	base.Flags &^= wire.Unpresented
	base.SetExtension(wire.PresentedAt, "")
	c.stampLogin(&base)
	return base
}

// stampLogin puts a login's subject and clocks into e.
func (c *commit) stampLogin(e *wire.Envelope) {
	if c.login {
		e.Subject = []byte(c.subject)
		e.Authenticated, e.Deadline = c.now, c.now+c.m.absolute
		c.client.hint(e)
	}
}

// encodeNext makes h, whose envelope is there but for the clocks and the body, a session to be written: over the values v as
// ops leave them.
func (c *commit) encodeNext(h *record, v values, ops []operation) error {
	h.seen, h.expires = max(c.now, h.seen), min(c.plan.expires, h.env.Deadline)
	h.env.Seen, h.env.Expires = h.seen, h.expires
	if c.m.store != nil {
		h.env.PushWriteID(rand.Uint64())
	}
	h.encode(v, ops)
	if c.m.store != nil && len(h.data) > c.m.maxSize {
		return tooLarge(len(h.data), c.m.maxSize)
	}
	return nil
}

// encodeFromOperations drafts a session from this request's operations over v. Where they ran on something else, they run again.
func (c *commit) encodeFromOperations(h *record, v values) (err error) {
	ops := c.ops
	if c.found || v.body != nil {
		if ops, err = v.replay(ops); err != nil {
			return err
		}
	}
	h.env = c.newEnvelope()
	return c.encodeNext(h, v, ops)
}
