package session

import (
	"context"
	"fmt"
)

// facts is all that a commit's decision depends on.
type facts struct {
	sealed      bool // the session travels in the cookie; otherwise a store keeps it
	headersSent bool
	timedOut    bool // the request's own deadline has passed
	gone        bool // the client hung up
	superseded  bool // the visitor came with a token that was replaced a short while ago
	refused     bool // Options.SaveOn does not want this response's changes

	now        millis
	found      bool
	expired    bool // it lived when it was loaded and does not any more
	retiredKey bool
	seen       millis
	expires    millis
	deadline   millis
	renewed    millis
	idle       millis
	touchEvery millis
	renewEvery millis // 0: never

	failure error // of the load
	refusal error // of a write
	serveOn bool  // the application serves on as anonymous after a failed load

	ending  bool // Destroy was called on a session that was found
	changed bool // operations leave something different
	starts  bool // operations leave a value
	login   bool
	renew   bool
	touch   bool
}

// action is what a plan does to the carrier.
type action byte

const (
	doNothing action = iota
	doTouch
	doUpdate
	doCreate
	doRotate
	doEnd
	doEndThenCreate
)

// plan is what is due. A sealed carrier maps every action that keeps a session to sealing it anew. err is what the
// commit returns though the action succeeds.
type plan struct {
	action  action
	reason  Reason // of the event that success is
	expires millis
	err     error
}

// decide is the whole policy of a commit. It does no I/O, looks at nothing but f and changes nothing. What it cannot know is the
// size of the result and the store's answer.
func decide(f *facts) plan {
	if f.failure != nil {
		if f.serveOn && (f.refusal == nil || f.refused) {
			return plan{}
		}
		return plan{err: f.failure}
	}
	if f.refused {
		return plan{}
	}
	if f.refusal != nil {
		return plan{err: f.refusal}
	}
	p := due(f)
	if p.err != nil {
		return p
	}
	p.expires = f.now + f.idle
	if f.found {
		p.expires = max(p.expires, f.expires)
	}
	p.expires = min(p.expires, f.deadline)
	return permitted(f, p)
}

// due says what the request needs, whether or not it can still be done.
func due(f *facts) plan {
	begins := f.starts || f.login
	switch {
	case f.ending && begins:
		return plan{action: doEndThenCreate, reason: ReasonCreated}
	case f.ending:
		return plan{action: doEnd, reason: ReasonEnded}
	case !f.found && begins && f.superseded && !f.login: // its cookie would replace the one that the browser has by now
		return plan{err: ErrEnded}
	case !f.found && begins:
		return plan{action: doCreate, reason: ReasonCreated}
	case !f.found:
		return plan{}
	case f.login || f.renew:
		return plan{action: doRotate, reason: ReasonRenewed}
	}
	return continued(f)
}

// continued is what is due for a session that goes on under its token, unless its time for a new one has come.
func continued(f *facts) plan {
	switch {
	case !f.expired && f.renewEvery > 0 && f.now-f.renewed >= f.renewEvery && canSetCookie(f):
		return plan{action: doRotate, reason: ReasonRenewed}
	case f.changed:
		return plan{action: doUpdate}
	case f.expired && f.touch:
		return plan{err: ErrEnded}
	case f.expired:
		return plan{}
	case f.retiredKey && canSetCookie(f):
		return plan{action: doTouch, reason: ReasonReissued}
	case touchDue(f):
		return plan{action: doTouch, reason: ReasonTouched}
	}
	return plan{}
}

// canSetCookie is asked about upkeep that nobody asked for: it waits for a better moment rather than fail a request.
func canSetCookie(f *facts) bool { return !f.headersSent && !f.timedOut && !f.gone }

// touchDue: at most once per interval, and never to shorten.
func touchDue(f *facts) bool {
	if f.sealed && !f.touch && !canSetCookie(f) {
		return false
	}
	return (f.touch || f.now-f.seen >= f.touchEvery) && min(f.now+f.idle, f.deadline) > f.expires
}

// permitted withholds what needs a header that cannot be sent any more. Ending a stored session needs none: the
// cookie that stays behind opens nothing.
func permitted(f *facts, p plan) plan {
	needsHeader := p.action >= doCreate && p.action != doEnd || f.sealed && p.action != doNothing
	late := error(nil)
	switch {
	case f.headersSent:
		late = fmt.Errorf("%w: the change needs a cookie; write before the first byte, or call Save before", ErrCommitted)
	case f.timedOut:
		late = unavailable("commit", fmt.Errorf("the request's own deadline has passed: %w", context.DeadlineExceeded))
	}
	switch {
	case !needsHeader:
		return p
	case late != nil && f.ending && !f.sealed:
		return plan{action: doEnd, reason: ReasonEnded, err: late}
	case late != nil:
		return plan{err: late}
	case f.sealed && f.expired && f.login:
		p.action, p.reason = doCreate, ReasonCreated
	case f.sealed && f.expired && (f.changed || f.renew):
		return plan{err: ErrEnded}
	}
	return p
}
