package session

import (
	"cmp"
	"errors"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// load finds the visitor's session among the tokens that the request presents.
func (s *Session) load(st *state) {
	m := s.m
	at := m.clock()
	found := m.presented(s.client, s.x)
	for _, reason := range found.skipped {
		if reason != "" {
			st.addEvent(m, Event{Reason: reason})
		}
	}
	st.upkeepAt = wire.Never
	if found.count > 0 {
		s.loadCandidates(st, &found, at)
	}
	if why := cmp.Or(found.unopened, found.skipped[0]); !st.found && why != "" && st.blocked() == nil {
		st.rarely().reason = why
	}
	ambiguous := !st.found && st.others() != nil
	if len(m.importers) > 0 && !s.client.isBearer() && st.blocked() == nil && !ambiguous && !st.otherClient() {
		s.heedImporters(st, at)
	}
	if st.found {
		st.age = uint32(max(0, wire.FromTime(at)-st.base.seen) / 1000)
	}
	if found.several && len(m.cookie.former) > 0 && !st.otherClient() {
		st.rarely().several, st.upkeepAt = true, 0
	}
}

// loadCandidates opens the candidates and chooses one.
func (s *Session) loadCandidates(st *state, found *candidates, at time.Time) {
	m, now := s.m, wire.FromTime(at)
	if m.store != nil || m.revocations != nil {
		st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
		defer st.loading.stop()
	}
	var replayed *replay
	for i, value := range found.values[:found.count] {
		var rec record
		o, err := m.openCookie(&st.loading, value, now, s.begunAt, &rec)
		if err == nil && found.several && len(m.cookie.former) > 0 {
			m.offerAnew(&o, value, &rec, now)
		}
		if o.unchecked != nil {
			st.addEvent(m, rec.event(ReasonUnchecked, o.unchecked))
		}
		if err == nil {
			err = s.heedClient(st, &o, &rec, now)
		}
		switch {
		case err != nil:
			st.failLoad(m, err)
			return
		case o.reason == ReasonReplayed:
			replayed = &replay{o, rec}
		case o.reason != "":
			s.noteUnopened(st, o, &rec, now)
		case i > 0 && (st.found || st.others() != nil):
			s.chooseOne(st, &rec, o)
		default:
			st.adopt(m, &rec, o)
		}
		found.unopened = found.unopened.orBetter(o.reason)
	}
	if st.others() != nil {
		found.unopened = found.unopened.orBetter(ReasonAmbiguous)
	}
	// If it is the session that was found, the visitor has the new token too.
	if replayed != nil && (!st.found || replayed.session.id != st.base.id) {
		s.noteUnopened(st, replayed.opening, &replayed.session, now)
	}
}

// heedClient refuses a session that is not for the client which presents it. One that was revoked is closed in the
// systems that share it.
func (s *Session) heedClient(st *state, o *opening, rec *record, now wire.Millis) error {
	if o.reason == "" {
		o.reason = s.heedBinding(st, rec, now)
	}
	if o.reason == "" && s.refusesBearer(rec, now) {
		st.rarely().otherClient, o.reason = true, ReasonOtherClient
	}
	if !o.revoked {
		return nil
	}
	return s.m.closeRevoked(&st.loading, rec, now)
}

// offerAnew sets a cookie that opens a session once more, in the present scope, because those of the former scopes are
// deleted.
func (m *Manager) offerAnew(o *opening, value string, rec *record, now wire.Millis) {
	if o.reason == "" && o.offer == "" {
		o.offer, o.presented = m.cookie.set(value, m.cookieLasts(&rec.env, now)), true
		o.token = value
	}
}

// replay is a replaced token that was used after its grace.
type replay struct {
	opening opening
	session record // which its successor opens
}

// adopt makes rec the request's session.
func (st *state) adopt(m *Manager, rec *record, o opening) {
	st.base, st.found, st.retiredKey = rec.snapshot, true, o.retiredKey
	u := m.upkeepOf(rec, o.retiredKey)
	if o.offer != "" {
		r := st.rarely()
		r.offer, r.offeredToken, r.cameByReplaced = o.offer, o.token, !o.presented
		u.firstPresented = u.firstPresented && o.presented
	} else if r := st.rare; r != nil {
		r.offer, r.cameByReplaced = "", false
	}
	if st.upkeepAt = u.dueAt(); o.offer != "" {
		st.upkeepAt = 0
	}
}

// chooseOne decides between two sessions that the visitor's cookies opened. Cookies of one subject are left over from
// another Domain or Path, and the latest login counts. Others cannot be told apart, because the order of cookies is
// not defined (RFC 6265 §4.2.2), so they are refused. What is not chosen ends with the next Login or Destroy.
func (s *Session) chooseOne(st *state, rec *record, o opening) {
	var present record
	st.base.reparse(&present)
	if st.found && s.m.store != nil && present.id == rec.id { // an old token and the one that has taken its place
		if o.offer == "" {
			st.adopt(s.m, rec, o)
		}
		return
	}
	r := st.rarely()
	if !st.found || len(rec.env.Subject) == 0 || string(rec.env.Subject) != string(present.env.Subject) {
		if st.found {
			r.others = append(r.others, present)
			st.forget(wire.Never)
			r.offer, r.cameByReplaced = "", false
			st.addEvent(s.m, Event{Reason: ReasonAmbiguous})
		}
		r.others = append(r.others, *rec)
		return
	}
	if cmp.Or(cmp.Compare(rec.env.Authenticated, present.env.Authenticated), cmp.Compare(rec.seen, present.seen)) > 0 {
		st.adopt(s.m, rec, o)
		rec = &present
	}
	r.others = append(r.others, *rec)
}

// noteUnopened notes why a cookie opened nothing, and which marker it led to.
func (s *Session) noteUnopened(st *state, o opening, rec *record, now wire.Millis) {
	st.addEvent(s.m, rec.event(o.reason, nil))
	if o.reason == ReasonReplayed && s.m.onReplay == EndReplayed {
		s.endFromOutside(st, rec, now)
	}
	if o.revoked { // its cookie stays: that of a login in the same browser may be on its way, and replaces it
		return
	}
	if !o.reason.leavesMarker() {
		return
	}
	if o.marker == nil {
		marker := *rec
		o.marker, o.since = &marker, rec.env.Renewed
	}
	s.noteMarker(st, o.marker, o.since, now)
}

// leavesMarker reports whether a record with this reason tells what has become of the session that it was.
func (r Reason) leavesMarker() bool {
	return r == ReasonSuperseded || r == ReasonAlreadyEnded || r == ReasonReplayed
}

// noteMarker notes the first marker that the visitor's token has led to, which has been there since then.
func (s *Session) noteMarker(st *state, marker *record, since, now wire.Millis) {
	r := st.rarely()
	if r.marker != nil {
		return
	}
	untold := marker.env.Flags&wire.Untold != 0
	r.marker, r.deletable = marker, untold || s.m.reached(since+answerTime, s.begunAt.onAppClock(now))
	if r.deletable {
		st.upkeepAt = 0
	}
}

// answerTime is how long the answer to a request may be on its way. A request that begins later than that after a
// token has died would not present the token if its visitor had been sent another one: so the cookie can be deleted
// then, and not before. Nobody was sent anything about a session that was revoked.
const answerTime = wire.Millis(time.Minute / time.Millisecond)

// endFromOutside ends a session as Revoke does: one that was replayed, or that another client presents.
func (s *Session) endFromOutside(st *state, rec *record, now wire.Millis) {
	c := commit{m: s.m, facts: facts{now: now}, ctx: &st.loading, revoked: ReasonRevoked}
	defer c.release()
	c.endWhatIsLeft(rec)
	st.addEvents(c.events)
}

// endWhatIsLeft ends a session, or notes as an event that it cannot.
func (c *commit) endWhatIsLeft(rec *record) {
	var err error
	if c.m.store != nil {
		err = c.endRecord(*rec)
	} else if len(rec.env.Subject) > 0 {
		if err = c.revoke(rec); err == nil {
			c.noteEnded(rec)
		}
	}
	if err != nil {
		c.events = c.m.appendEvent(c.events, rec.event(ReasonCommitFailed, err))
	}
}

// failLoad makes the request one whose session could not be loaded: nothing is saved over it.
func (st *state) failLoad(m *Manager, err error) {
	if !errors.Is(err, ErrUnavailable) {
		err = unavailable("load", err)
	}
	r := st.rarely()
	r.blocked, r.reason, r.others, r.marker, r.offer = err, ReasonLoadFailed, nil, nil, ""
	r.faults = append(r.faults, fault{reason: ReasonLoadFailed, err: err})
	st.forget(0)
	st.addEvent(m, Event{Reason: ReasonLoadFailed, Err: err})
}
