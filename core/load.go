package session

import "errors"

// load finds the visitor's session. Several different valid cookies of one name cannot be told apart (their
// order is not defined, RFC 6265 §4.2.2), so they are refused.
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
	if found.count == 0 {
		st.calm = true
		return
	}
	if m.store != nil {
		st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
		defer st.loading.stop()
	}
	upkeep := false
	for _, value := range found.values[:found.count] {
		var h held
		old, reason, err := m.open(&st.loading, value, now, &h)
		switch {
		case err != nil:
			st.fail(m, err)
			return
		case reason != "":
			st.superseded = st.superseded || reason == ReasonSuperseded
			st.note(m, Event{Reason: reason, Handle: h.env.handle.String()})
		case st.found:
			st.note(m, Event{Reason: ReasonAmbiguous})
			st.held, st.found, st.retired = kept{}, false, false
			return
		default:
			st.held, st.found, st.retired, upkeep = h.kept, true, old, h.upkeepDue(m, now)
		}
	}
	st.calm = !st.retired && !upkeep
}

// upkeepDue reports whether the session may have to be touched or renewed though nobody asks for it.
func (h *held) upkeepDue(m *Manager, now millis) bool {
	touchEvery := m.touchEvery
	if touchEvery == 0 {
		touchEvery = h.env.idle / 10
	}
	return now-h.seen >= touchEvery || m.renewEvery > 0 && now-h.env.renewed >= m.renewEvery
}

func (st *state) fail(m *Manager, err error) {
	if !errors.Is(err, ErrUnavailable) {
		err = unavailable("load", err)
	}
	st.rarely().failure, st.reported = err, err
	st.held, st.found, st.retired = kept{}, false, false
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
func (m *Manager) open(ctx *bounded, value string, now millis, h *held) (old bool, _ Reason, _ error) {
	if m.store == nil {
		plain, old, ok := m.sealing.open(value, now)
		if !ok {
			return false, ReasonUnopenable, nil
		}
		err := h.parse(plain)
		h.seen, h.expires = h.env.seen, h.env.expires
		reason, err := m.judge(h, now, err)
		return old, reason, err
	}
	err := m.fetch(ctx, recordID(m.name, value), h)
	if err != nil && errors.Is(err, ErrNotFound) {
		return false, ReasonUnknown, nil
	}
	reason, err := m.judge(h, now, err)
	return false, reason, err
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
