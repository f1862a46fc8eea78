package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// commit is one commit at work: what was planned, what it starts from, and what came of it.
type commit struct {
	m      *Manager
	client *client
	x      Exchange // to find the presented token in; nil where no request is at work
	ctx    *bounded // nil where no store is asked
	facts
	plan
	old      record      // the session as it was before
	loadedAt wire.Millis // when the request loaded it, to the second
	others   []record    // further sessions that the visitor's cookies opened

	issued         string // the token in the cookie that the response carries already, or ""
	offeredToken   string // the token in offer, or ""
	heirToken      string // the token of the record that the changes went into, if the visitor may have it
	cameByReplaced bool   // old was found through a token that a periodic renewal has replaced
	formKey        string // of the session or token that this commit makes; "": none has been asked for

	seen    map[RecordID]revocation // the revocations that a login has seen
	unseen  bool                    // they could not be asked for, and Options.AcceptUnchecked is on
	restart bool                    // the session was revoked, so that a login starts another one

	mirrored  mirroring
	foreign   []foreignLine // what the response does to other systems' cookies so far
	importing *importing    // the other system's session that the commit makes one of ours of; nil: none

	inherited []wire.Label // with their stamps: of the session whose values a login takes over into one of its own

	next       record  // the session as it is after the commit, in this request's view
	stored     *record // what another request had stored, if there was a conflict
	revoked    Reason  // the event of what ends without its visitor's asking; "": its visitor destroys it
	spares     bool    // what a login has made of a session that is to be ended goes on
	followed   bool    // the changes went into another record than the one loaded
	endedHere  bool    // what was to be ended was alive, and this commit has ended it
	removed    bool    // by deleting the record; a renewal at that moment may have left a successor
	offerHolds bool    // the offered token opens the session still
	cookie     string  // the Set-Cookie line that follows from it, or ""
	minted     bool    // cookie has a token that this commit has made
	reissued   string  // the line that gives the session's token other attributes, once next has been written
	events     []Event

	early     bool   // headers come later, and other responses may come before them
	tentative uint64 // the write id of a new record with the changes that may have become the session; 0: there is none

	turnOf    RecordID // the record whose turn this commit has taken
	holdsTurn bool     // and not given back yet
}

// commitMode says when a commit happens.
type commitMode byte

const (
	early      commitMode = iota // by Save, and by End after the headers
	final                        // right before the headers, which follow
	headerless                   // instead of headers: the connection is about to be taken over
)

// commitFinally commits for the response and sets its headers. If ok is false the exchange has been reset, and instead
// is the response.
func (s *Session) commitFinally(status int, mode commitMode) (instead Response, ok bool) {
	s.mu.Lock()
	st, done := s.st, s.phase != headersPending
	if st == nil && !done {
		s.phase, s.headersSet = headersSent, true
	}
	s.mu.Unlock()
	if st == nil || done {
		return instead, true
	}
	at := s.m.clock()
	unwanted := s.m.saveOn != nil && !s.m.saveOn(status)
	if s.finishIfNothingDue(st, mode, unwanted, wire.FromTime(at)) {
		if mode == final {
			s.setHeadersFor(st, "")
		}
		return instead, true
	}
	err := s.commitAt(mode, at)
	if err == nil && mode == headerless && s.owesCookie(st) {
		err = errCookieOwed
	}
	if err != nil {
		return s.answerError(err), false
	}
	if mode == final {
		s.setAllHeaders()
	}
	return instead, true
}

// errCookieOwed is for a handler that takes over the connection after a Save that made a cookie necessary. The error
// response carries it.
var errCookieOwed = fmt.Errorf("%w: a Save has made a cookie necessary, and whoever takes over the connection "+
	"does not send it", ErrCommitted)

// owesCookie reports whether the response has to carry a cookie, or a bearer's token.
func (s *Session) owesCookie(st *state) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.carries(st.cookie)
}

// finishIfNothingDue marks the headers as sent and returns true if the request only read and nothing else is due.
func (s *Session) finishIfNothingDue(st *state, mode commitMode, unwanted bool, now wire.Millis) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.unsaved, s.headersSet = unwanted, mode == headerless
	if s.phase != headersPending || !st.nothingDue(now) {
		return false
	}
	s.phase, s.headersSet = headersSent, true
	return true
}

// commitNow saves what is pending and tells how it went.
func (s *Session) commitNow(mode commitMode) error { return s.commitAt(mode, s.m.clock()) }

// commitAt is commitNow at a moment on the application's clock.
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

	c.early = mode == early
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
	c.m, c.client, c.x, c.offeredToken = s.m, s.client, s.x, st.offeredToken()
	c.issued = s.m.cookie.valueIn(st.cookie)
	c.loadedAt, c.cameByReplaced = c.old.seen+1000*wire.Millis(st.age), st.cameByReplaced()
	if st.rare != nil {
		c.importing, c.foreign = st.rare.importing, st.rare.foreign
	}
	c.dropUnsaved()
	if c.form {
		c.formKey = st.rare.formKey
	}
	if c.login || c.action == doEnd || c.action == doEndThenCreate {
		c.others = st.others()
	}
	if s.m.store == nil && s.m.revocations == nil && len(s.m.importers) == 0 {
		return
	}
	if st.pending != nil {
		c.ctx = &st.pending.ctx
	} else {
		c.ctx = &bounded{}
	}
	c.ctx.parent, c.ctx.deadline = s.ctx, s.m.deadlineFrom(at)
}

// dropUnsaved forgets changes that the plan does not save.
func (c *commit) dropUnsaved() {
	if (c.unsaved || c.err != nil) && c.action != doEnd {
		c.changes, c.changed = changes{}, false
	}
	if c.action == doEnd { // after the headers it may have been asked for
		c.login = false
	}
}

// run checks what the request has read against the session that it loaded, and has the carrier do the plan. Changes
// that are too large for a store leave a use to note down.
func (c *commit) run() error {
	defer c.close()
	if err := c.check(c.values(&c.old), c.ops); err != nil {
		return err
	}
	if err := c.tellOthers(); err != nil {
		return err
	}
	err := c.carryOut()
	if err != nil {
		c.undoMirrors()
	} else {
		c.leaveOthers()
	}
	return err
}

// carryOut does the plan here.
func (c *commit) carryOut() error {
	if c.login && c.m.revocations != nil {
		if err := c.seeRevocations(); err != nil {
			return err
		}
	}
	if c.m.store == nil {
		return c.noteLogin(c.runSealed())
	}
	err := c.noteLogin(c.runStored())
	switch {
	case errors.Is(err, ErrTooLarge):
		c.touchUnchanged()
	case errors.Is(err, ErrEnded) && (c.takesOnly() || c.action == doUpdate && !c.changed): // a Touch loses nothing
		c.next, err = c.old, nil
	}
	return err
}

// noteLogin notes how a login went, and passes its error on.
func (c *commit) noteLogin(err error) error {
	switch {
	case !c.login:
	case err == nil:
		c.addEvent(ReasonLogin, &c.next)
	case errors.Is(err, ErrTooManySessions):
		refused := Event{Reason: ReasonLimited, Subject: c.subject}
		if !c.switched {
			refused.Handle = c.old.env.Handle.String()
		}
		c.events = c.m.appendEvent(c.events, refused)
	}
	return err
}

// close gives up the turn and frees the context.
func (c *commit) close() {
	c.release()
	if c.ctx != nil {
		c.ctx.stop()
	}
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
