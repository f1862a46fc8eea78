package session

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// job is one commit at work: what was planned, what it starts from, and what came of it.
type job struct {
	m      *Manager
	client *client
	x      Exchange // for the presented token; nil: nobody presented one
	ctx    *bounded // nil where no store is asked
	plan
	asked
	now    wire.Millis
	loaded wire.Millis // when the request loaded the session, to the second
	old    held        // the session as it was before
	dead   *held       // the marker that the visitor's token led to
	others []held      // further sessions that the visitor's cookies opened
	offer  string      // the Set-Cookie line of the token that the visitor should have by now

	replaced bool // which has replaced the presented one

	found, changed bool // of the facts

	next    held   // the session as it is after the commit, in this request's view
	stored  *held  // after ErrConflict: what is stored
	revoked Reason // why something ends that was not named by a visitor's token; "": it was
	adopted bool   // the changes went into another record than the one loaded
	over    bool   // what was to be ended has ended
	ended   bool   // by this job
	removed bool   // by deleting a record, which may have become something else in that moment
	stands  bool   // the offered token opens the session still
	cookie  string
	events  []Event

	tentative uint64 // the write id of a new record that holds the changes and may or may not have become the session

	turn  RecordID // the record whose turn this is
	turns bool     // it is
}

// commitMode says when a commit happens.
type commitMode byte

const (
	early      commitMode = iota // by Save
	final                        // right before the headers, which follow
	headerless                   // instead of headers: the connection is about to be taken over
)

// commit saves what is pending and tells how it went. After the final one the headers are as good as sent.
func (s *Session) commit(mode commitMode) error { return s.commitAt(mode, s.m.clock()) }

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
	j := job{m: s.m, client: s.client, x: s.x, now: wire.FromTime(at), offer: st.offered(), replaced: st.throughReplaced(), dead: st.dead()}
	st.held.open(&j.old)
	j.loaded = j.old.seen + 1000*wire.Millis(st.age)
	f := s.facts(st, &j.old, j.now)
	f.headersSent = f.headersSent || mode == headerless
	p := decide(&f)
	if p.action == doNothing {
		st.withdraw(s.m)
		st.lose(p.err)
		st.drop(p.err)
		s.conclude(st, mode, p.err)
		s.leave()
		return p.err
	}
	j.prepare(s, st, &f, p, at)
	st.committing = true
	s.leave()

	err := errPanicked // until run returns: it calls the store and the application's functions
	defer func() {
		s.mu.Lock()
		st.lose(err)
		st.settle(&j, err)
		s.conclude(st, mode, err)
		s.leave()
	}()
	if err = j.run(); err == nil {
		err = p.err
	}
	return err
}

// prepare copies what the commit needs from what the lock guards.
func (j *job) prepare(s *Session, st *state, f *facts, p plan, at time.Time) {
	j.plan, j.found = p, f.found
	if !f.refused && p.err == nil || p.action == doEnd {
		j.asked, j.changed = st.asked(), f.changed
	}
	if j.login || p.action == doEnd || p.action == doEndThenCreate {
		j.others = st.others()
	}
	if s.m.store == nil {
		return
	}
	if st.changes != nil {
		j.ctx = &st.changes.ctx
	} else {
		j.ctx = &bounded{}
	}
	j.ctx.parent, j.ctx.deadline = s.ctx, s.m.deadlineFrom(at)
}

// conclude marks the headers as sent, in one step with the end of the final commit, so that nothing that needs a
// header is promised in between. After a failure the client is told, and nothing more is saved.
func (s *Session) conclude(st *state, mode commitMode, err error) {
	if mode == early || s.phase != headersPending {
		return
	}
	s.phase = headersSent
	if err != nil && st.failed() == nil {
		st.rarely().failure = err
	}
}

func (s *Session) facts(st *state, old *held, now wire.Millis) facts {
	a := st.asked()
	f := facts{
		sealed: s.m.store == nil, headersSent: s.phase != headersPending,
		timedOut: pastDeadline(s.ctx), gone: s.ctx.Err() != nil, refused: st.unwanted,
		now: now, found: st.found, span: s.m.idleSpan(&old.env), absolute: s.m.absolute,
		failure: st.failed(), refusal: a.refusal, serveOn: s.m.serveOn,
		ending: a.ending != nil, starts: st.starts(), login: a.login, other: a.switched, renew: a.renew, touch: a.touch,
	}
	if st.found {
		f.changed = st.values().changedBy(a.ops) || st.held.cached && (len(a.ops) > 0 || a.hidden)
		f.upkeep = s.m.upkeepOf(old, st.retired)
		f.expires, f.deadline = s.m.idleEnd(old), s.m.absoluteEnd(&old.env)
		f.expired = s.m.expired(f.deadline, now)
	}
	f.offer = st.offered() != ""
	f.dead, f.forget = st.dead() != nil, st.forgettable()
	f.fresh = f.fresh && !st.throughReplaced()
	return f
}

func (j *job) run() error {
	defer j.stop()
	if err := j.check(j.values(&j.old), j.ops); err != nil {
		return err
	}
	if j.m.store == nil {
		return j.runSealed()
	}
	err := j.runStored()
	if errors.Is(err, ErrTooLarge) {
		j.touchUnchanged()
	}
	return err
}

func (j *job) stop() {
	j.release()
	if j.ctx != nil {
		j.ctx.stop()
	}
}

// settle takes over what the commit achieved. After a success the operations are forgotten and what was written
// is the base; after a failure they are dropped, since the caller has been told.
func (st *state) settle(j *job, err error) {
	if j.cookie != "" {
		st.cookie = j.cookie
	}
	switch {
	case err == nil && j.action != doEnd && j.action != doForget:
		st.held, st.found, st.retired = j.next.kept, true, false
		u := j.m.upkeepOf(&j.next, false)
		if st.upkeepAt = u.at(); j.adopted {
			st.upkeepAt = wire.Never
		}
	case errors.Is(err, ErrConflict) && j.stored != nil:
		st.held, st.seen = j.stored.kept, nil
	}
	if r := st.rare; r != nil && err == nil {
		r.settle(j)
	}
	if err != nil || !j.stands {
		st.withdraw(j.m)
	}
	st.drop(err)
	st.addEvents(j.events)
	st.committing = false
	if r := st.rare; r != nil && r.settled != nil {
		close(r.settled)
		r.settled = nil
	}
}

// settle forgets what a commit that succeeded has dealt with.
func (r *rare) settle(j *job) {
	if j.others != nil {
		r.others = nil
	}
	if j.cookie != "" {
		r.dead, r.forget, r.offer, r.replaced = nil, false, "", false
	}
}

// drop forgets what was asked for. After a failure the session is what it was before: a Destroy that failed has
// destroyed nothing, and what the request knows of its keys is what is held.
func (st *state) drop(err error) {
	if err != nil {
		if e := st.asked().ending; e != nil && !st.found {
			st.restore(e)
		}
		for i := range st.seen {
			st.seen[i].value = wire.Value(st.held.body(), st.seen[i].key)
		}
	}
	st.changes = nil
	if st.late() != "" {
		st.rare.late = ""
	}
}

// lose notes whom a commit that fails is about, before it is forgotten.
func (st *state) lose(err error) {
	if err != nil {
		st.rarely().lost = st.concerned()
	}
}

// restore makes what was to be ended the request's again.
func (st *state) restore(e *ending) {
	others := e.sessions[e.done:]
	if e.own && e.done == 0 && len(others) > 0 {
		st.held, st.found, others = others[0].kept, true, others[1:]
	}
	if len(others) > 0 {
		st.rarely().others = others
	}
}

func (j *job) values(base *held) values { return values{base.env.Body, j.hidden} }

func (j *job) check(v values, ops []operation) error {
	if j.m.conflicts == LastWriteWins {
		return nil
	}
	return v.check(ops)
}

func (j *job) event(r Reason, h *held) {
	j.events = j.m.event(j.events, Event{Reason: r, Handle: h.env.Handle.String(), Subject: string(h.env.Subject)})
}

// fresh is the envelope of a session that begins now.
func (j *job) fresh() wire.Envelope {
	e := wire.Envelope{Kind: wire.Live, Handle: mintHandle(), Created: j.now}
	if j.m.store == nil {
		e.Flags = wire.Sealed
	}
	e.Renewed, e.Deadline = j.now, j.now+j.m.absolute
	j.client.hint(&e)
	j.bind(&e)
	return e
}

// renewedFrom is base's envelope after a renewal or login.
func (j *job) renewedFrom(base wire.Envelope) wire.Envelope {
	if j.switched {
		return j.fresh()
	}
	base.Renewed = j.now
	base.Flags &^= wire.Unpresented
	base.SetExtension(wire.PresentedAt, "")
	j.bind(&base)
	return base
}

// bind puts a login's subject and clocks into e.
func (j *job) bind(e *wire.Envelope) {
	if j.login {
		e.Subject = []byte(j.subject)
		e.Authenticated, e.Deadline = j.now, j.now+j.m.absolute
		j.client.hint(e)
	}
}

// draft makes h, whose envelope is there but for the clocks and the body, a session to be written: over the values v as
// ops leave them.
func (j *job) draft(h *held, v values, ops []operation) error {
	h.seen, h.expires = max(j.now, h.seen), min(j.plan.expires, h.env.Deadline)
	h.env.Seen, h.env.Expires = h.seen, h.expires
	if j.m.store != nil {
		h.env.PushWriteID(rand.Uint64())
	}
	h.encode(v, ops)
	if j.m.store != nil && len(h.data) > j.m.maxSize {
		return tooLarge(len(h.data), j.m.maxSize)
	}
	return nil
}

// restart drafts a session from this request's operations over v. Where they ran on something else, they run again.
func (j *job) restart(h *held, v values) (err error) {
	ops := j.ops
	if j.found || v.body != nil {
		if ops, err = v.replay(ops); err != nil {
			return err
		}
	}
	h.env = j.fresh()
	return j.draft(h, v, ops)
}
