package session

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// load finds the visitor's session among the cookies of its name.
func (s *Session) load(st *state) {
	m := s.m
	at := m.clock()
	found := m.cookie.find(s.x.CookieLines(), m.checkValue)
	for _, reason := range found.skipped {
		if reason != "" {
			st.addEvent(m, Event{Reason: reason})
		}
	}
	st.upkeepAt = wire.Never
	if found.count > 0 {
		s.loadAny(st, &found, at)
	}
	if st.found {
		st.age = uint32(max(0, wire.FromTime(at)-st.base.seen) / 1000)
	}
	if found.several && len(m.cookie.former) > 0 {
		st.rarely().several, st.upkeepAt = true, 0
	}
}

// loadAny opens the candidates and chooses one.
func (s *Session) loadAny(st *state, found *candidates, at time.Time) {
	m, now := s.m, wire.FromTime(at)
	if m.store != nil {
		st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
		defer st.loading.stop()
	}
	var replayed *replay
	for i, value := range found.values[:found.count] {
		var h record
		o, err := m.openCookie(&st.loading, value, now, s.begunAt, &h)
		if err == nil && o.reason == "" && o.offer == "" && found.several && len(m.cookie.former) > 0 {
			o.offer = m.cookie.set(value, m.absoluteEnd(&h.env)-now) // in the present scope, before the former ones are deleted
			o.presented = true
		}
		switch {
		case err != nil:
			st.failLoad(m, err)
			return
		case o.reason == ReasonReplayed:
			replayed = &replay{o, h}
		case o.reason != "":
			s.noteUnopened(st, o, &h, now)
		case i > 0 && (st.found || st.others() != nil):
			s.chooseOne(st, &h, o)
		default:
			st.use(m, &h, o)
		}
	}
	if replayed != nil && (!st.found || replayed.session.id != st.base.id) { // otherwise the visitor has the new token too
		s.noteUnopened(st, replayed.opening, &replayed.session, now)
	}
}

// replay is a replaced token that was used after its grace.
type replay struct {
	opening opening
	session record // which its successor opens
}

// opening is what a cookie value led to.
type opening struct {
	reason    Reason      // why it opens nothing, or ""
	retired   bool        // it was sealed with a key that is no longer the first
	offer     string      // the Set-Cookie line of the token that the visitor should have
	presented bool        // which is the presented one
	marker    *record     // the alias that a replaced token led through, if it opens nothing
	since     wire.Millis // when the last token of those that the marker led through was replaced
}

// use makes h the request's session.
func (st *state) use(m *Manager, h *record, o opening) {
	st.base, st.found, st.retired = h.snapshot, true, o.retired
	u := m.upkeepOf(h, o.retired)
	if o.offer != "" {
		r := st.rarely()
		r.offer, r.cameByReplaced = o.offer, !o.presented
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
func (s *Session) chooseOne(st *state, h *record, o opening) {
	var present record
	st.base.reparse(&present)
	if st.found && s.m.store != nil && present.id == h.id { // an old token and the one that has taken its place
		if o.offer == "" {
			st.use(s.m, h, o)
		}
		return
	}
	r := st.rarely()
	if !st.found || len(h.env.Subject) == 0 || string(h.env.Subject) != string(present.env.Subject) {
		if st.found {
			r.others = append(r.others, present)
			st.base, st.found, st.retired, st.upkeepAt, r.offer, r.cameByReplaced = snapshot{}, false, false, wire.Never, "", false
			st.addEvent(s.m, Event{Reason: ReasonAmbiguous})
		}
		r.others = append(r.others, *h)
		return
	}
	if cmp.Or(cmp.Compare(h.env.Authenticated, present.env.Authenticated), cmp.Compare(h.seen, present.seen)) > 0 {
		st.use(s.m, h, o)
		h = &present
	}
	r.others = append(r.others, *h)
}

// noteUnopened notes why a cookie opened nothing, and which marker it led to.
func (s *Session) noteUnopened(st *state, o opening, h *record, now wire.Millis) {
	st.addEvent(s.m, Event{Reason: o.reason, Handle: h.env.Handle.String(), Subject: string(h.env.Subject)})
	if o.reason == ReasonReplayed && s.m.onReplay == EndReplayed {
		s.endReplayed(st, h, now)
	}
	switch o.reason {
	case ReasonSuperseded, ReasonAlreadyEnded, ReasonReplayed:
	default:
		return
	}
	if o.marker == nil {
		marker := *h
		o.marker, o.since = &marker, h.env.Renewed
	}
	if r := st.rarely(); r.marker == nil {
		r.marker, r.deletable = o.marker, o.marker.env.Flags&wire.Untold != 0 || s.begunAt.before(now) >= o.since+answerTime+s.m.leeway
		if r.deletable {
			st.upkeepAt = 0
		}
	}
}

// answerTime is how long the answer to a request may be on its way. A request that begins later than that after a token has
// died would not present the token if its visitor had been sent another one: so the cookie can be deleted then, and
// not before. Nobody was sent anything about a session that was revoked.
const answerTime = wire.Millis(time.Minute / time.Millisecond)

// endReplayed ends the session whose replaced token was used again.
func (s *Session) endReplayed(st *state, h *record, now wire.Millis) {
	c := commit{m: s.m, facts: facts{now: now}, ctx: &st.loading, revoked: ReasonRevoked}
	defer c.release()
	err := c.endRecord(*h)
	st.addEvents(c.events)
	if err != nil {
		st.addEvent(s.m, Event{Reason: ReasonCommitFailed, Handle: h.env.Handle.String(), Subject: string(h.env.Subject), Err: err})
	}
}

func (st *state) failLoad(m *Manager, err error) {
	if !errors.Is(err, ErrUnavailable) {
		err = unavailable("load", err)
	}
	r := st.rarely()
	r.blocked, r.others, r.marker, r.offer = err, nil, nil, ""
	r.faults = append(r.faults, fault{reason: ReasonLoadFailed, err: err})
	st.base, st.found, st.retired, st.upkeepAt = snapshot{}, false, false, 0
	st.addEvent(m, Event{Reason: ReasonLoadFailed, Err: err})
}

// checkValue says why a cookie value cannot be one of ours, before anything is looked up or decrypted.
func (m *Manager) checkValue(value string) Reason {
	switch {
	case len(value)+len(m.cookie.name) >= maxCookie:
		return ReasonOversized
	case m.store != nil && !isToken(value), value == "":
		return ReasonMalformed
	}
	return ""
}

// openCookie finds the live session behind a cookie value, or the reason why there is none.
func (m *Manager) openCookie(ctx *bounded, value string, now wire.Millis, begun moment, h *record) (o opening, err error) {
	if m.store == nil {
		plain, old, ok := m.sealing.unseal(value, now)
		if !ok {
			return opening{reason: ReasonUnopenable}, nil
		}
		err := h.parse(plain)
		h.seen, h.expires = h.env.Seen, h.env.Expires
		reason, err := m.judge(h, now, err)
		return opening{reason: reason, retired: old}, err
	}
	err = m.loadRecord(ctx, recordID(m.name, value), h)
	if err != nil && errors.Is(err, ErrNotFound) {
		return opening{reason: ReasonUnknown}, nil
	}
	if o.reason, err = m.judge(h, now, err); err == nil && o.reason == ReasonSuperseded && h.env.Flags&wire.LeftByRenewal != 0 {
		return m.openRenewed(ctx, value, now, begun, h)
	}
	return o, err
}

// maxSteps is how many renewals of a replayed token are followed only to tell whose it was.
const maxSteps = 2

// openRenewed finds the session behind a token that a periodic renewal has replaced: until the new token has been
// presented, and for a while after that, the old one opens the session too, because the answer with the new one may be
// lost or on its way. Later its use is a replay, and h is the session that was replayed.
func (m *Manager) openRenewed(ctx *bounded, token string, now wire.Millis, begun moment, h *record) (o opening, err error) {
	replayed, steps := false, 0
	marker := *h
	for o.reason = ReasonSuperseded; o.reason == ReasonSuperseded && h.env.Flags&wire.LeftByRenewal != 0; {
		o.marker, o.since = &marker, h.env.Renewed
		token = successorToken(token, h.env.Salt())
		id := h.env.Successor()
		*h = record{}
		if err = m.loadRecord(ctx, id, h); errors.Is(err, ErrNotFound) {
			o.reason = ReasonUnknown
			return o, nil
		}
		steps++
		replayed = replayed || err == nil && begun.before(now) >= h.env.Presented()+m.renewGrace+m.leeway
		if o.reason, err = m.judge(h, now, err); err != nil {
			return o, err
		}
		if replayed && steps >= maxSteps && m.onReplay == ReportReplayed { // where it leads to matters to nobody
			o.reason = ReasonReplayed
			return o, nil
		}
	}
	switch {
	case o.reason != "":
		o.since = max(o.since, h.env.Renewed)
		return o, nil
	case replayed:
		o.reason = ReasonReplayed
		return o, nil
	}
	return opening{offer: m.cookie.set(token, m.absoluteEnd(&h.env)-now)}, nil
}

// judge says why a session is not alive. Garbage is no session, an alias or marker past its own deadline is gone, and
// what a newer version wrote is an error.
func (m *Manager) judge(h *record, now wire.Millis, err error) (Reason, error) {
	switch {
	case errors.Is(err, wire.ErrCorrupt), err == nil && h.env.IsSealed() != (m.store == nil):
		return ReasonCorrupt, nil
	case err != nil:
		return "", err
	case h.env.Kind != wire.Live && m.expired(h.env.Deadline, now):
		return ReasonUnknown, nil
	case h.env.Kind == wire.Alias:
		return ReasonSuperseded, nil
	case h.env.Kind == wire.Ended:
		return ReasonAlreadyEnded, nil
	case m.expired(m.absoluteEnd(&h.env), now):
		return ReasonExpiredAbsolute, nil
	case m.expired(m.idleEnd(h), now):
		return ReasonExpiredIdle, nil
	}
	return "", nil
}

// loadRecord reads a record of whatever kind into h. After an error h tells nothing.
func (m *Manager) loadRecord(ctx *bounded, id RecordID, h *record) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return err
	}
	r.ID = id
	return h.fromStore(&r)
}

func (h *record) fromStore(r *Record) error {
	h.id, h.version, h.seen, h.expires, h.cached = r.ID, r.Version, wire.FromTime(r.Seen), wire.FromTime(r.Expires), r.Cached
	return h.parse(r.Data)
}

func (h *record) parse(data []byte) error {
	err := h.env.Parse(data)
	if err != nil {
		h.env = wire.Envelope{}
	}
	if errors.Is(err, wire.ErrNewer) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	h.data, h.bodyAt = data, uint32(len(data)-len(h.env.Body))
	return err
}
