package session

import (
	"errors"
	"time"
)

// load finds the visitor's session among the cookies of its name.
func (s *Session) load(st *state) {
	m := s.m
	at := m.clock()
	now := toMillis(at)
	found := m.cookie.find(s.x.CookieLines(), m.wellFormed)
	for _, reason := range found.skipped {
		if reason != "" {
			st.note(m, Event{Reason: reason})
		}
	}
	st.upkeepAt = never
	if found.count == 0 {
		return
	}
	if m.store != nil {
		st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
		defer st.loading.stop()
	}
	for i, value := range found.values[:found.count] {
		var h held
		o, err := m.open(&st.loading, value, now, s.begun, &h)
		switch {
		case err != nil:
			st.fail(m, err)
			return
		case o.reason != "":
			s.closed(st, o, &h, now)
		case i > 0 && (st.found || st.others() != nil):
			s.choose(st, &h, o, now)
		default:
			st.take(m, &h, o)
		}
	}
	if found.several && len(m.cookie.former) > 0 {
		s.tidy(st, &found, now)
	}
}

// opening is what a cookie value led to.
type opening struct {
	reason  Reason // why it opens nothing, or ""
	retired bool   // it was sealed with a key that is no longer the first
	offer   string // the Set-Cookie line of the token that has taken its place
	marker  *held  // the alias that a replaced token led through, if it opens nothing
	since   millis // when the last token of those that the marker led through was replaced
}

// take makes h the request's session.
func (st *state) take(m *Manager, h *held, o opening) {
	st.held, st.found, st.retired = h.kept, true, o.retired
	u := m.upkeepOf(h, o.retired)
	if o.offer != "" {
		st.rarely().offer = o.offer
		u.fresh = false // this request does not present the new token
	} else if st.rare != nil {
		st.offer = ""
	}
	if st.upkeepAt = u.at(); o.offer != "" {
		st.upkeepAt = 0
	}
}

// choose decides between two sessions that the visitor's cookies opened. Cookies of one subject are left over from
// another Domain or Path, and the latest login counts. Others cannot be told apart, because the order of cookies is
// not defined (RFC 6265 §4.2.2), so they are refused. What is not chosen ends with the next Login or Destroy.
func (s *Session) choose(st *state, h *held, o opening, now millis) {
	var present held
	st.held.open(&present)
	if st.found && s.m.store != nil && present.id == h.id { // an old token and the one that has taken its place
		if o.offer == "" {
			st.take(s.m, h, o)
		}
		return
	}
	r := st.rarely()
	if !st.found || len(h.env.subject) == 0 || string(h.env.subject) != string(present.env.subject) {
		if st.found {
			r.others = append(r.others, present)
			st.held, st.found, st.retired, st.upkeepAt, r.offer = kept{}, false, false, never, ""
			st.note(s.m, Event{Reason: ReasonAmbiguous})
		}
		r.others = append(r.others, *h)
		return
	}
	if h.env.authenticated > present.env.authenticated {
		st.take(s.m, h, o)
		h = &present
	}
	r.others = append(r.others, *h)
}

// tidy is for a request with several cookies of the session's name where the application has named the scopes that the
// cookie had before: these are deleted, and a session that was found gets its cookie in the present scope.
func (s *Session) tidy(st *state, found *candidates, now millis) {
	r := st.rarely()
	r.several, st.upkeepAt = true, 0
	if !st.found || r.offer != "" {
		return
	}
	for _, value := range found.values[:found.count] {
		var h held
		if o, err := s.m.open(&st.loading, value, now, s.begun, &h); err == nil && o.reason == "" && h.id == st.held.id &&
			same(h.data, st.held.data) {
			r.offer = s.m.cookie.set(value, s.m.absoluteEnd(&h.env)-now)
			return
		}
	}
}

// closed notes why a cookie opened nothing, and which marker it led to.
func (s *Session) closed(st *state, o opening, h *held, now millis) {
	st.note(s.m, Event{Reason: o.reason, Handle: h.env.handle.String(), Subject: string(h.env.subject)})
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
		o.marker, o.since = &marker, h.env.renewed
	}
	if r := st.rarely(); r.dead == nil {
		r.dead, r.forget = o.marker, o.marker.env.flags&flagRevoked != 0 || s.begun.before(now) >= o.since+answerTime
		if r.forget {
			st.upkeepAt = 0
		}
	}
}

// answerTime is how long the answer to a request may be on its way. A request that begins later than that after a token has
// died would not present the token if its visitor had been sent another one: so the cookie can be deleted then, and
// not before. Nobody was sent anything about a session that was revoked.
const answerTime = millis(time.Minute / time.Millisecond)

// endReplayed ends the session whose replaced token was used again.
func (s *Session) endReplayed(st *state, h *held, now millis) {
	j := job{m: s.m, now: now, ctx: &st.loading, revoked: ReasonRevoked}
	defer j.release()
	err := j.end(*h)
	st.rarely().events = append(st.rarely().events, j.events...)
	if err != nil {
		st.note(s.m, Event{Reason: ReasonCommitFailed, Handle: h.env.handle.String(), Subject: string(h.env.subject), Err: err})
	}
}

func (st *state) fail(m *Manager, err error) {
	if !errors.Is(err, ErrUnavailable) {
		err = unavailable("load", err)
	}
	st.rarely().failure = err
	st.faults = append(st.faults, fault{reason: ReasonLoadFailed, err: err})
	st.held, st.found, st.retired, st.upkeepAt = kept{}, false, false, 0
	st.rare.others, st.rare.dead, st.offer = nil, nil, ""
	st.note(m, Event{Reason: ReasonLoadFailed, Err: err})
}

// wellFormed says why a cookie value cannot be one of ours, before anything is looked up or decrypted.
func (m *Manager) wellFormed(value string) Reason {
	switch {
	case len(value)+len(m.cookie.name) >= maxCookie:
		return ReasonOversized
	case m.store != nil && !wellFormedToken(value), value == "":
		return ReasonMalformed
	}
	return ""
}

// open finds the live session behind a cookie value, or the reason why there is none.
func (m *Manager) open(ctx *bounded, value string, now millis, begun moment, h *held) (o opening, err error) {
	if m.store == nil {
		plain, old, ok := m.sealing.open(value, now)
		if !ok {
			return opening{reason: ReasonUnopenable}, nil
		}
		err := h.parse(plain)
		h.seen, h.expires = h.env.seen, h.env.expires
		reason, err := m.judge(h, now, err)
		return opening{reason: reason, retired: old}, err
	}
	err = m.fetch(ctx, recordID(m.name, value), h)
	if err != nil && errors.Is(err, ErrNotFound) {
		return opening{reason: ReasonUnknown}, nil
	}
	if o.reason, err = m.judge(h, now, err); err == nil && o.reason == ReasonSuperseded && h.env.flags&flagPeriodic != 0 {
		return m.openRenewed(ctx, value, now, begun, h)
	}
	return o, err
}

// openRenewed finds the session behind a token that a periodic renewal has replaced: until the new token has been
// presented, and for a while after that, the old one opens the session too, because the answer with the new one may be
// lost or on its way. Later its use is a replay, and h is the session that was replayed.
func (m *Manager) openRenewed(ctx *bounded, token string, now millis, begun moment, h *held) (o opening, err error) {
	replayed := false
	marker := *h
	for o.reason = ReasonSuperseded; o.reason == ReasonSuperseded && h.env.flags&flagPeriodic != 0; {
		o.marker, o.since = &marker, h.env.renewed
		token = successorToken(token, h.env.salt())
		id := h.env.successor()
		*h = held{}
		if err = m.fetch(ctx, id, h); errors.Is(err, ErrNotFound) {
			o.reason = ReasonUnknown
			return o, nil
		}
		replayed = replayed || err == nil && begun.before(now) >= h.env.presented()+m.renewGrace
		if o.reason, err = m.judge(h, now, err); err != nil {
			return o, err
		}
	}
	switch {
	case o.reason != "":
		o.since = max(o.since, h.env.renewed)
		return o, nil
	case replayed:
		o.reason = ReasonReplayed
		return o, nil
	}
	return opening{offer: m.cookie.set(token, m.absoluteEnd(&h.env)-now)}, nil
}

// judge says why a session is not alive. Garbage is no session, an alias or marker past its own deadline is gone, and
// what a newer version wrote is an error.
func (m *Manager) judge(h *held, now millis, err error) (Reason, error) {
	switch {
	case errors.Is(err, errCorrupt), err == nil && h.env.sealed() != (m.store == nil):
		return ReasonCorrupt, nil
	case err != nil:
		return "", err
	case h.env.kind != live && m.expired(h.env.deadline, now):
		return ReasonUnknown, nil
	case h.env.kind == alias:
		return ReasonSuperseded, nil
	case h.env.kind == ended:
		return ReasonAlreadyEnded, nil
	case m.expired(m.absoluteEnd(&h.env), now):
		return ReasonExpiredAbsolute, nil
	case m.expired(m.idleEnd(h), now):
		return ReasonExpiredIdle, nil
	}
	return "", nil
}

// fetch reads a record of whatever kind into h. After an error h tells nothing.
func (m *Manager) fetch(ctx *bounded, id RecordID, h *held) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return err
	}
	r.ID = id
	return h.hold(&r)
}

func (h *held) hold(r *Record) error {
	h.id, h.version, h.seen, h.expires = r.ID, r.Version, toMillis(r.Seen), toMillis(r.Expires)
	return h.parse(r.Data)
}

func (h *held) parse(data []byte) error {
	err := h.env.parse(data)
	if err != nil {
		h.env = envelope{}
	}
	h.data, h.bodyAt = data, uint32(len(data)-len(h.env.body))
	return err
}
