package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// How long a session lives, and what it needs meanwhile. Each rule stands here once: loading, committing, listing and
// Session.ExpiresAt ask the same functions.

// reached reports whether now has reached at, but for the leeway that is allowed to servers whose clocks differ.
// Nothing else compares an end with a clock.
func (m *Manager) reached(at, now wire.Millis) bool { return now >= at+m.leeway }

// idleTerms returns the idle timeout of a session and the interval between touches: its own where it has any, else the
// manager's present ones.
func (m *Manager) idleTerms(e *wire.Envelope) (idle, touchEvery wire.Millis) {
	idle, touchEvery = m.idle, m.touchEvery
	if e.Idle > 0 {
		idle = e.Idle
	}
	if touchEvery == 0 {
		touchEvery = idle / 10
	}
	return idle, touchEvery
}

// idleSpan is what a use of the session adds to its life. It includes the interval in which later uses are not noted
// down, so that a session lives for its idle timeout after the last use, noted or not.
func (m *Manager) idleSpan(e *wire.Envelope) wire.Millis {
	idle, touchEvery := m.idleTerms(e)
	return idle + touchEvery
}

// idleEnd is when a session ends unless it is used again. A timeout that was shortened since counts at once.
func (m *Manager) idleEnd(rec *record) wire.Millis {
	return min(rec.expires, rec.seen+m.idleSpan(&rec.env))
}

// absoluteEnd is when a session ends whether it is used or not. A timeout that was shortened since counts at once.
func (m *Manager) absoluteEnd(e *wire.Envelope) wire.Millis {
	return min(e.Deadline, max(e.Created, e.Authenticated)+m.absolute)
}

// newDeadline is the deadline of a session that begins, or is logged in, at now.
func (m *Manager) newDeadline(now wire.Millis) wire.Millis { return now + m.absolute }

// extended is when a session ends after a use at now that adds span. A use never shortens.
func extended(now, span, idleEnd, absoluteEnd wire.Millis) wire.Millis {
	return min(max(now+span, idleEnd), absoluteEnd)
}

// extendedEnd is when a session ends after a use at now.
func (m *Manager) extendedEnd(rec *record, now wire.Millis) wire.Millis {
	return extended(now, m.idleSpan(&rec.env), m.idleEnd(rec), m.absoluteEnd(&rec.env))
}

// hasExpired reports whether either clock of a live session has run out.
func (m *Manager) hasExpired(rec *record, now wire.Millis) bool {
	return m.reached(m.idleEnd(rec), now) || m.reached(m.absoluteEnd(&rec.env), now)
}

// upkeep is what decides when a session needs something though nobody asks for it.
type upkeep struct {
	seen           wire.Millis // when it was last noted down as used
	touchEvery     wire.Millis
	shortBy        wire.Millis // by how much its stored end is too early, because the idle timeout was lengthened since
	renewed        wire.Millis // when it got its token
	renewEvery     wire.Millis // 0: never
	retiredKey     bool        // it was sealed with a key that is no longer the first
	firstPresented bool        // its token came with a periodic renewal and has been presented for the first time
}

func (m *Manager) upkeepOf(rec *record, retiredKey bool) upkeep {
	_, touchEvery := m.idleTerms(&rec.env)
	u := upkeep{seen: rec.seen, touchEvery: touchEvery, renewed: rec.env.Renewed, renewEvery: m.renewEvery}
	u.retiredKey = retiredKey
	if end := m.idleEnd(rec); end < m.absoluteEnd(&rec.env) {
		u.shortBy = max(0, rec.seen+m.idleSpan(&rec.env)-end)
	}
	if rec.env.Flags&wire.Unpresented != 0 { // a token that the visitor may not have yet is not renewed again
		u.firstPresented, u.renewEvery = true, 0
	}
	return u
}

func (u *upkeep) touchAt() wire.Millis { return u.seen + u.touchEvery - u.shortBy }

func (u *upkeep) renewAt() wire.Millis {
	if u.renewEvery == 0 {
		return wire.Never
	}
	return u.renewed + u.renewEvery
}

// dueAt is when the first of it falls due: a touch, a renewal, a new key, or the note of a first use.
func (u *upkeep) dueAt() wire.Millis {
	if u.retiredKey || u.firstPresented {
		return 0
	}
	return min(u.touchAt(), u.renewAt())
}
