package session

import (
	"context"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// facts is all that a commit's decision depends on.
type facts struct {
	now         wire.Millis
	sealed      bool // the session travels in the cookie; otherwise a store keeps it
	bearer      bool // the client keeps no cookie, only the token that a header brings it
	revocable   bool // what is to be ended is sealed, and Options.Revocations ends it without the browser's help
	headersSent bool
	timedOut    bool // the request's own deadline has passed
	gone        bool // the client hung up

	found       bool
	expired     bool        // its absolute deadline has passed since it was loaded
	idleEnd     wire.Millis // when it ends if it is not used; 0 for a new one
	absoluteEnd wire.Millis // when it ends in any case
	usedEnd     wire.Millis // when it would end after a use that extends it
	upkeep

	marker          *record // the ended marker or alias that the visitor's token led to
	otherClient     bool    // the visitor's token opens a session that Options.Binding refuses this client
	cookieDeletable bool    // its cookie may be deleted: no response with a newer one can be on its way to the visitor
	guarded         bool    // a guard has answered, so that the next response is to tell of the dead session
	offer           string  // the Set-Cookie line of the token that the visitor should have by now

	blocked error // why nothing may be saved: a load or an earlier final commit that failed
	serveOn bool  // the application serves on as anonymous after a failed load
	absent  bool  // the visitor is not there: Manager.Edit is at work
	unsaved bool  // Options.SaveOn does not want this response's changes

	changes                // what the request wants
	changed       bool     // its operations leave something different, or it gets another lifetime
	changesCookie bool     // that needs a cookie with the same token
	labels        []string // that a login gives the session
	starts        bool     // its changes leave what a session is started for
}

// gatherFacts collects what a decision at now depends on. The lock is held.
func (s *Session) gatherFacts(st *state, base *record, now wire.Millis) facts {
	f := facts{
		now: now, sealed: s.m.store == nil, bearer: s.client.isBearer(), headersSent: s.phase != headersPending,
		timedOut: pastDeadline(s.ctx), gone: s.ctx.Err() != nil,
		found: st.found, marker: st.marker(), cookieDeletable: st.cookieDeletable(), guarded: st.guarded(),
		otherClient: st.otherClient(), offer: st.offer(),
		blocked: st.blocked(), serveOn: s.m.serveOn, unsaved: st.unsaved, absent: st.absent(),
		changes: st.changes(), starts: st.startsSession(),
	}
	f.revocable = f.sealed && s.m.revocations != nil && f.ending.belongsToSomebody()
	f.labels = st.wantedLabels()
	f.lifetime = st.wantedLifetime()
	if st.found {
		relived, changesCookie := s.m.changedBy(base, f.lifetime)
		if !relived && !f.login && !st.base.cached { // it must not undo what another request sets meanwhile
			f.lifetime = nil
		}
		f.changed = relived || st.valuesAt(s.m, now).changedBy(f.ops) ||
			st.base.cached && (len(f.ops) > 0 || f.hidden || f.lifetime != nil)
		f.changesCookie = changesCookie && !f.bearer
		f.upkeep = s.m.upkeepOf(base, st.retiredKey)
		f.owesCookie = f.owesCookie && !f.bearer
		f.firstPresented = f.firstPresented && !st.cameByReplaced()
		f.idleEnd, f.absoluteEnd, f.usedEnd = s.m.idleEnd(base), s.m.absoluteEnd(&base.env), s.m.usedEnd(*base, now)
		f.expired = s.m.reached(f.absoluteEnd, now)
	}
	return f
}

// nothingDue reports whether a commit at now would find nothing to do. Most requests only read, and are spared the
// rest of it.
func (st *state) nothingDue(now wire.Millis) bool {
	return now < st.upkeepAt && !st.committing && !st.pending.anything() && st.cookie == "" && !st.owesHeaders()
}

// owesHeaders reports whether the response has to say something of the cookie that no commit has decided.
func (st *state) owesHeaders() bool {
	return st.rare != nil && (st.rare.offer != "" || st.rare.several)
}

// action is what a plan does to the carrier. The order counts: those before doTouch leave the session as it is, and
// those from doCreate on, but for doEnd, issue a cookie.
type action byte

const (
	doNothing       action = iota
	doDeleteCookie         // delete the cookie of a token that opens nothing any more
	doOffer                // make sure that the token to be given still opens the session
	doTouch                // write the clocks
	doUpdate               // write the values
	doCreate               // start a session
	doRenew                // give the session a new token, and write the values
	doEnd                  // end what Destroy was called on
	doEndThenCreate        // and start another session
)

// issuesToken reports whether the action gives the visitor a new token.
func (a action) issuesToken() bool { return a >= doCreate && a != doEnd }

// plan is what is due. A sealed carrier maps every action that keeps a session to sealing it anew. err is what the
// commit returns though the action succeeds.
type plan struct {
	action  action
	reason  Reason // of the event that success is
	unasked bool   // it is upkeep alone: of the request's own changes, if any, nothing is done
	err     error
}

// decide is the whole policy of a commit. It does no I/O, looks at nothing but f and changes nothing. What it cannot
// know is the size of the result and the store's answer.
func decide(f *facts) plan {
	switch {
	case f.blocked != nil && f.serveOn && (f.refusal == nil || f.unsaved):
		return plan{}
	case f.blocked != nil:
		return plan{err: f.blocked}
	case f.unsaved:
		return planUpkeep(f, false)
	case f.refusal != nil:
		return failWithUpkeep(f, f.refusal)
	}
	p := withoutLateHeaders(f, planWanted(f))
	if p.err != nil && p.action == doNothing {
		return failWithUpkeep(f, p.err)
	}
	return p
}

// failWithUpkeep is the plan of a request whose changes are not saved: it fails with err, and has used the session
// all the same.
func failWithUpkeep(f *facts, err error) plan {
	if !f.found || f.expired || f.sealed || !touchDue(f, false) { // an error response leaves the cookie alone
		return plan{err: err}
	}
	return plan{action: doTouch, reason: ReasonTouched, unasked: true, err: err}
}

// extends reports whether the request moves the idle clock also of a session in which that counts from the last change.
func (f *facts) extends() bool { return !f.found || f.changed || f.touch || f.renew || f.login }

// isUse reports whether the commit is a use of the session, which moves its idle clock: not one that its visitor has no
// part in, unless that is asked for.
func (f *facts) isUse() bool { return !f.absent || f.touch || f.lifetime != nil }

// planWanted says what the request needs, whether or not it can still be done.
func planWanted(f *facts) plan {
	begins := f.starts || f.login
	switch {
	case f.ending != nil && begins:
		return plan{action: doEndThenCreate, reason: ReasonCreated}
	case f.ending != nil:
		return plan{action: doEnd, reason: ReasonEnded}
	case !f.found && begins:
		return planNew(f)
	case !f.found && f.cookieDeletable && !f.otherClient && !f.guarded && !f.bearer && canSetCookie(f):
		return plan{action: doDeleteCookie}
	case !f.found:
		return plan{}
	case f.expired:
		return planExpired(f)
	case f.login || f.renew:
		return plan{action: doRenew, reason: ReasonRenewed}
	}
	return planContinued(f)
}

// keepsCookie reports whether another cookie would replace one that opens a session: the one that the browser has been
// sent meanwhile, or that of a session that is refused to this client alone.
func (f *facts) keepsCookie() bool { return f.marker != nil && !f.cookieDeletable || f.otherClient }

// planNew is what is due for a visitor who has no session and needs one.
func planNew(f *facts) plan {
	if f.keepsCookie() && !f.login {
		if f.form && len(f.ops) == 0 { // a page with a form is shown all the same
			return plan{}
		}
		return plan{err: ErrEnded}
	}
	return plan{action: doCreate, reason: ReasonCreated}
}

// planExpired is what is due when the session's deadline has passed since it was loaded.
func planExpired(f *facts) plan {
	switch {
	case f.login:
		return plan{action: doCreate, reason: ReasonCreated}
	case (f.changed || f.renew || f.touch) && !f.takesOnly():
		return plan{err: ErrEnded}
	}
	return plan{}
}

// planContinued is what is due for a session that goes on under its token, unless its time for a new one has come.
func planContinued(f *facts) plan {
	switch {
	case f.now >= f.renewAt() && canSetCookie(f):
		return plan{action: doRenew, reason: ReasonRenewed, unasked: !f.changed && !f.touch}
	case f.changed:
		return plan{action: doUpdate}
	}
	return planUpkeep(f, f.touch)
}

// planUpkeep is what is due for a session that is not changed and keeps its token. touch says that the handler wants it
// extended now.
func planUpkeep(f *facts, touch bool) plan {
	switch {
	case !f.found || f.expired:
		return plan{}
	case f.retiredKey && canSetCookie(f):
		return plan{action: doTouch, reason: ReasonReissued, unasked: !touch}
	case f.firstPresented, f.owesCookie && canSetCookie(f):
		return plan{action: doUpdate, unasked: !touch}
	case touchDue(f, touch):
		return plan{action: doTouch, reason: ReasonTouched, unasked: !touch}
	case f.offer != "" && !f.sealed && canSetCookie(f):
		return plan{action: doOffer, unasked: true}
	}
	return plan{}
}

// canSetCookie is asked about upkeep that nobody asked for: it waits for a better moment rather than fail a request.
func canSetCookie(f *facts) bool { return !f.headersSent && !f.timedOut && !f.gone }

// touchDue reports whether the idle clock is to be extended: at most once per interval, and never to shorten.
func touchDue(f *facts, touch bool) bool {
	if !f.isUse() || f.sealed && !touch && !canSetCookie(f) {
		return false
	}
	return (touch || f.now >= f.touchAt()) && f.usedEnd > f.idleEnd
}

// withoutLateHeaders withholds what needs a header that cannot be sent any more. Ending a stored session needs none:
// the cookie that stays behind opens nothing.
func withoutLateHeaders(f *facts, p plan) plan {
	endsByItself := p.action == doEnd && (f.bearer || f.revocable) // a bearer is not told to forget its token
	needsHeader := p.action.issuesToken() || f.sealed && p.action != doNothing && !endsByItself ||
		f.changesCookie && p.action == doUpdate && !f.absent
	late := error(nil)
	switch {
	case f.headersSent:
		late = fmt.Errorf("%w: the change needs a cookie; write before the first byte, or call Save before", ErrCommitted)
	case f.timedOut:
		late = unavailable("commit", fmt.Errorf("the request's own deadline has passed: %w", context.DeadlineExceeded))
	}
	switch {
	case !needsHeader || late == nil:
		return p
	case f.ending != nil && (!f.sealed || f.revocable):
		return plan{action: doEnd, reason: ReasonEnded, err: late}
	}
	return plan{err: late}
}
