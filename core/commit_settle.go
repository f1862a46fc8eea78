package session

import (
	"errors"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// handsOut reports whether cookie has a token that others may replace before the headers leave: then it is an offer,
// which the commit for the headers looks at again. A token of this request's own making is known to nobody else.
func (c *commit) handsOut() bool {
	if c.cookie == "" || !c.early || c.m.store == nil || c.minted {
		return false
	}
	token := c.m.cookie.valueIn(c.cookie)
	return token != "" && token != c.issued
}

// settle takes over what the commit achieved. What was written becomes the base. The request's changes are dropped,
// after a failure too, since the caller has been told.
func (st *state) settle(c *commit, err error) {
	if c.cookie != "" && !c.handsOut() {
		st.cookie = c.cookie
	}
	switch {
	case err == nil && c.action != doEnd && c.action != doDeleteCookie:
		st.base, st.found, st.retiredKey = c.next.snapshot, true, false
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
	if err == nil {
		st.settleForeign(c)
	}
	if err != nil || !c.offerHolds {
		st.withdrawOffer(c.m)
	}
	if err == nil && c.handsOut() {
		r := st.rarely()
		r.offer, r.offeredToken = c.cookie, c.m.cookie.valueIn(c.cookie)
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
	r.saved = true
	if c.others != nil {
		r.others = nil
	}
	if c.cookie != "" {
		r.marker, r.deletable, r.otherClient, r.offer = nil, false, false, ""
		r.cameByReplaced = r.cameByReplaced && !c.minted // otherwise the visitor has yet to present the new token
	}
}

// dropChanges forgets what was asked for. After a failure the session is what it was before: a Destroy that failed has
// destroyed nothing, and the values that it has read are those of the base again.
func (st *state) dropChanges(err error) {
	if err != nil {
		if e := st.changes().ending; e != nil && !st.found {
			st.restore(e)
		}
		for i := range st.reads {
			st.reads[i].value = wire.Value(st.base.body(), st.reads[i].key)
		}
	}
	st.settleLifetime(err)
	st.pending = nil
	st.setLabels(nil)
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
	if e.done == 0 {
		st.rarely().reason = e.before
	}
	others := e.sessions[e.done:]
	if e.own && e.done == 0 && len(others) > 0 {
		st.base, st.found, others = others[0].snapshot, true, others[1:]
	}
	if len(others) > 0 {
		st.rarely().others = others
	}
}
