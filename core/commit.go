package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// job is one commit at work: what was planned, what it starts from, and what came of it.
type job struct {
	m   *Manager
	ctx bounded
	plan
	now millis

	old    held
	found  bool
	ops    []operation
	hidden bool
	facts  facts

	switched bool
	subject  string
	ending   *held

	next    held  // the session as it is after the commit, in this request's view
	stored  *held // after ErrConflict: what is stored
	adopted bool  // the changes went into another record than the one loaded
	cookie  ticket
	events  []Event
	release func() // lets the next request of the queue in
}

// commit saves what is pending. It is called before the headers by Commit, by Save, and after them by End.
func (s *Session) commit() error { return s.commitWith(false) }

func (s *Session) commitWith(refused bool) error {
	st := s.enter()
	if st == nil {
		return ErrRequestOver
	}
	if st = s.awaitCommit(st); st == nil {
		return unavailable("commit", errors.New("another commit of this request does not end"))
	}
	f := s.facts(st, refused)
	p := decide(f)
	if p.action == doNothing {
		st.forget()
		s.leave()
		return p.err
	}
	j := s.newJob(st, f, p)
	st.committing = true
	s.leave()

	err := errPanicked // until run returns: it calls the application's functions
	defer func() {
		s.mu.Lock()
		st.settle(j, err)
		s.leave()
	}()
	if err = j.run(); err == nil {
		err = p.err
	}
	return err
}

var errPanicked = errors.New("session: a function given to Update or Try panicked")

func (s *Session) facts(st *state, refused bool) facts {
	now := s.m.now()
	f := facts{
		sealed: s.m.store == nil, headersSent: s.phase != headersPending, timedOut: pastDeadline(s.ctx), refused: refused,
		now: now, found: st.found, retiredKey: st.retired,
		idle: s.m.idle, deadline: now + s.m.absolute, touchEvery: s.m.touchEvery, renewEvery: s.m.renewEvery,
		failure: st.failure, refusal: st.refusal, serveOn: s.m.serveOn,
		ending: st.ending != nil, starts: st.starts(), login: st.login, renew: st.renew, touch: st.touch,
	}
	if st.found {
		f.changed = st.values().changedBy(st.ops)
		f.seen, f.renewed, f.expired = st.held.seen, st.held.env.renewed, s.m.lapsed(&st.held, now)
		if !st.switched { // another subject's session inherits no clock
			f.expires, f.idle = st.held.expires, st.held.env.idle
		}
		if !st.login {
			f.deadline = st.held.env.deadline
		}
	}
	if f.touchEvery == 0 {
		f.touchEvery = f.idle / 10
	}
	return f
}

// lapsed reports whether either clock of a live session has run out.
func (m *Manager) lapsed(h *held, now millis) bool {
	return m.expired(h.expires, now) || m.expired(h.env.deadline, now)
}

func (s *Session) newJob(st *state, f facts, p plan) *job {
	return &job{
		m: s.m, plan: p, now: f.now, facts: f,
		// A client that hangs up does not undo what the handler did.
		ctx: bounded{parent: context.WithoutCancel(s.ctx), deadline: time.Now().Add(s.m.storeTimeout)},
		old: st.held, found: st.found, ops: st.ops, hidden: st.hidden,
		switched: st.switched, subject: st.subject, ending: st.ending,
	}
}

func (j *job) run() error {
	defer j.ctx.stop()
	defer func() {
		if j.release != nil {
			j.release()
		}
	}()
	if err := j.check(j.values(&j.old.env)); err != nil {
		return err
	}
	if j.m.store == nil {
		return j.runSealed()
	}
	return j.runStored()
}

// settle takes over what the commit achieved. After a success the operations are forgotten and what was written
// is the base; after a failure they are dropped, since the caller has been told.
func (st *state) settle(j *job, err error) {
	if j.cookie.action != keepTicket {
		st.cookie = j.cookie
	}
	switch {
	case err == nil && j.action != doEnd:
		st.held, st.found, st.retired = j.next, true, false
	case errors.Is(err, ErrConflict) && j.stored != nil:
		st.held, st.seen = *j.stored, nil
	}
	st.forget()
	st.events = append(st.events, j.events...)
	st.committing = false
	if st.settled != nil {
		close(st.settled)
		st.settled = nil
	}
}

func (j *job) values(base *envelope) values { return values{base: base, hidden: j.hidden} }

func (j *job) check(v values) error {
	if j.m.conflicts == LastWriteWins {
		return nil
	}
	return v.check(j.ops)
}

func (j *job) event(r Reason, h *held) {
	j.events = j.m.event(j.events, Event{Reason: r, Handle: h.env.handle.String()})
}

// fresh is the envelope of a session that begins now.
func (j *job) fresh() envelope {
	e := envelope{kind: live, handle: mintHandle(), created: j.now, idle: j.m.idle}
	if j.m.store == nil {
		e.flags = flagSealed
	}
	e.renewed, e.deadline = j.now, j.now+j.m.absolute
	j.sign(&e)
	return e
}

// renewed is base's envelope after a renewal or login.
func (j *job) renewedFrom(base envelope) envelope {
	if j.switched {
		return j.fresh()
	}
	base.renewed = j.now
	j.sign(&base)
	return base
}

// sign puts a login's subject and clocks into e.
func (j *job) sign(e *envelope) {
	if j.facts.login {
		e.subject = []byte(j.subject)
		e.authenticated, e.deadline = j.now, j.now+j.m.absolute
	}
}

// draft builds a session to be written: e's header over the values as ops leave them.
func (j *job) draft(e envelope, v values, ops []operation) (held, error) {
	h := held{seen: j.now, expires: min(j.plan.expires, e.deadline)}
	e.seen, e.expires = h.seen, h.expires
	if j.m.store != nil {
		e.stamp(rand.Uint64())
	}
	h.data = e.encode(v.room(ops), func(dst []byte) []byte { return v.appendBody(dst, ops) })
	h.env = e
	if j.m.store != nil && len(h.data) > j.m.maxSize {
		return h, tooLarge(len(h.data), j.m.maxSize)
	}
	return h, nil
}

// restart drafts a session from this request's operations alone. Where they ran on a session that is no more, they run
// again on nothing.
func (j *job) restart() (held, error) {
	nothing, ops := values{base: &envelope{}}, j.ops
	if j.found {
		var err error
		if ops, err = nothing.replay(ops); err != nil {
			return held{}, err
		}
	}
	return j.draft(j.fresh(), nothing, ops)
}
