package session

import (
	"errors"
	"time"
)

// load finds the visitor's session. Several different valid cookies of one name cannot be told apart (their
// order is not defined, RFC 6265 §4.2.2), so they are refused.
func (s *Session) load(st *state) {
	m := s.m
	now := m.now()
	found := m.cookie.find(s.x.CookieLines(), m.wellFormed)
	for _, reason := range found.skipped {
		if reason != "" {
			st.events = m.event(st.events, Event{Reason: reason})
		}
	}
	if found.count == 0 {
		return
	}
	st.loading = bounded{parent: s.ctx, deadline: time.Now().Add(m.storeTimeout)}
	defer st.loading.stop()
	for _, value := range found.values[:found.count] {
		h, old, reason, err := m.open(&st.loading, value, now)
		switch {
		case err != nil:
			st.fail(m, err)
			return
		case reason != "":
			st.superseded = st.superseded || reason == ReasonSuperseded
			st.events = m.event(st.events, Event{Reason: reason, Handle: h.env.handle.String()})
		case st.found:
			st.events = m.event(st.events, Event{Reason: ReasonAmbiguous})
			st.held, st.found, st.retired = held{}, false, false
			return
		default:
			st.held, st.found, st.retired = h, true, old
		}
	}
}

func (st *state) fail(m *Manager, err error) {
	if !errors.Is(err, ErrUnavailable) {
		err = unavailable("load", err)
	}
	st.failure, st.reported = err, err
	st.held, st.found, st.retired = held{}, false, false
	st.events = m.event(st.events, Event{Reason: ReasonLoadFailed, Err: err})
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

// open returns the live session behind a cookie value, or the reason why there is none.
func (m *Manager) open(ctx *bounded, value string, now millis) (h held, old bool, _ Reason, _ error) {
	if m.store == nil {
		plain, old, ok := m.sealing.open(value, now)
		if !ok {
			return h, false, ReasonUnopenable, nil
		}
		env, err := parseEnvelope(plain)
		h = held{seen: env.seen, expires: env.expires, data: plain, env: env}
		reason, err := m.judge(&h, now, err)
		return h, old, reason, err
	}
	h, err := m.fetch(ctx, recordID(m.name, value))
	if errors.Is(err, ErrNotFound) {
		return h, false, ReasonUnknown, nil
	}
	reason, err := m.judge(&h, now, err)
	return h, false, reason, err
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
	case m.expired(h.env.deadline, now):
		return ReasonExpiredAbsolute, nil
	case m.expired(h.expires, now):
		return ReasonExpiredIdle, nil
	}
	return "", nil
}

// fetch reads a record of whatever kind.
func (m *Manager) fetch(ctx *bounded, id RecordID) (held, error) {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return held{}, err
	}
	r.ID = id
	return holdRecord(r)
}

func holdRecord(r Record) (held, error) {
	env, err := parseEnvelope(r.Data)
	return held{id: r.ID, version: r.Version, seen: toMillis(r.Seen), expires: toMillis(r.Expires), data: r.Data, env: env}, err
}
