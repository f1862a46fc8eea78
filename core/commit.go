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
	plan
	changes
	now      wire.Millis
	loadedAt wire.Millis // when the request loaded the session, to the second
	old      record      // the session as it was before
	marker   *record     // the marker that the visitor's token led to
	others   []record    // further sessions that the visitor's cookies opened
	offer    string      // the Set-Cookie line of the token that the visitor should have by now

	cameByReplaced bool // which has replaced the presented one

	found, changed bool // of the facts

	next       record  // the session as it is after the commit, in this request's view
	stored     *record // after ErrConflict: what is stored
	revoked    Reason  // why something ends that was not named by a visitor's token; "": it was
	followed   bool    // the changes went into another record than the one loaded
	over       bool    // what was to be ended has ended
	endedHere  bool    // by this job
	removed    bool    // by deleting a record, which may have become something else in that moment
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
	c := commit{m: s.m, client: s.client, x: s.x, now: wire.FromTime(at), offer: st.offer(), cameByReplaced: st.cameByReplaced(), marker: st.marker()}
	st.base.reparse(&c.old)
	c.loadedAt = c.old.seen + 1000*wire.Millis(st.age)
	f := s.gatherFacts(st, &c.old, c.now)
	f.headersSent = f.headersSent || mode == headerless
	p := decide(&f)
	if p.action == doNothing {
		st.withdrawOffer(s.m)
		st.noteFailed(p.err)
		st.dropChanges(p.err)
		s.conclude(st, mode, p.err)
		s.leave()
		return p.err
	}
	c.prepare(s, st, &f, p, at)
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
		err = p.err
	}
	return err
}

// prepare copies what the commit needs from what the lock guards.
func (c *commit) prepare(s *Session, st *state, f *facts, p plan, at time.Time) {
	c.plan, c.found = p, f.found
	if !f.unsaved && p.err == nil || p.action == doEnd {
		c.changes, c.changed = st.changes(), f.changed
	}
	if c.login || p.action == doEnd || p.action == doEndThenCreate {
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

func (s *Session) gatherFacts(st *state, old *record, now wire.Millis) facts {
	a := st.changes()
	f := facts{
		sealed: s.m.store == nil, headersSent: s.phase != headersPending,
		timedOut: pastDeadline(s.ctx), gone: s.ctx.Err() != nil, unsaved: st.unsaved,
		now: now, found: st.found, span: s.m.idleSpan(&old.env), absolute: s.m.absolute,
		blocked: st.blocked(), refusal: a.refusal, serveOn: s.m.serveOn,
		ending: a.ending != nil, starts: st.startsSession(), login: a.login, other: a.switched, renew: a.renew, touch: a.touch,
	}
	if st.found {
		f.changed = st.values().changedBy(a.ops) || st.base.cached && (len(a.ops) > 0 || a.hidden)
		f.upkeep = s.m.upkeepOf(old, st.retired)
		f.idleEnd, f.absoluteEnd = s.m.idleEnd(old), s.m.absoluteEnd(&old.env)
		f.expired = s.m.expired(f.absoluteEnd, now)
	}
	f.offer = st.offer() != ""
	f.deadToken, f.cookieDeletable = st.marker() != nil, st.cookieDeletable()
	f.firstPresented = f.firstPresented && !st.cameByReplaced()
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
