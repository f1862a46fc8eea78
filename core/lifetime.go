package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// How long a session lives, and what it needs meanwhile. Each rule stands here once: loading, committing, listing and
// Session.Info ask the same functions.

// reached reports whether now has reached at, but for the leeway that is allowed to servers whose clocks differ.
// Nothing else compares an end with a clock.
func (m *Manager) reached(at, now wire.Millis) bool { return now >= at+m.leeway }

// basisOf says what a session's idle timeout counts from.
func (m *Manager) basisOf(e *wire.Envelope) Basis {
	if own := Basis(e.Lifetime().Basis); own != 0 {
		return own
	}
	return m.basis
}

// idleTerms returns the idle timeout of a session and the interval between touches: its own where it has any, else the
// manager's present ones. The interval is never longer than a tenth of a timeout of its own. It is zero where uses do
// not count.
func (m *Manager) idleTerms(e *wire.Envelope) (idle, touchEvery wire.Millis) {
	idle, touchEvery = m.idle, m.touchEvery
	if e.Idle > 0 {
		idle = e.Idle
		touchEvery = min(touchEvery, idle/10)
	}
	if touchEvery == 0 {
		touchEvery = idle / 10
	}
	if m.basisOf(e) == LastChange {
		touchEvery = 0
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
func (m *Manager) absoluteEnd(e *wire.Envelope) wire.Millis { return min(e.Deadline, m.newDeadline(e)) }

// newDeadline is the deadline that a login, the session's beginning or a new lifetime gives a session. It counts from
// the last login, or else from the creation, so that a lifetime that is set again and again extends nothing.
func (m *Manager) newDeadline(e *wire.Envelope) wire.Millis {
	absolute := m.absolute
	if own := e.Lifetime().Absolute; own > 0 {
		absolute = min(own, m.maxLifetime)
	}
	return max(e.Created, e.Authenticated) + absolute
}

// noteUse notes a use at now in the clocks of a session, which are those from before. Where the idle timeout counts
// from the last change, only a use that extends moves them. A session whose deadline has passed with this use ends now,
// and not in the past: stores remove what has ended a while ago, and its visitor shall still learn why.
func (m *Manager) noteUse(rec *record, now wire.Millis, extends bool) {
	if extends || m.basisOf(&rec.env) != LastChange {
		rec.seen = max(rec.seen, now)
		rec.expires = rec.seen + m.idleSpan(&rec.env)
	}
	rec.expires = min(rec.expires, max(m.absoluteEnd(&rec.env), now))
}

// usedEnd is when a session ends after a use at now that extends it.
func (m *Manager) usedEnd(rec record, now wire.Millis) wire.Millis {
	m.noteUse(&rec, now, true)
	return rec.expires
}

// persistent reports whether a session's cookie outlives the browser.
func (m *Manager) persistent(e *wire.Envelope) bool {
	if own := Persistence(e.Lifetime().Persistence); own != 0 {
		return own == Keep
	}
	return m.cookie.persistent
}

// cookieEnd is when the browser is to drop a session's cookie.
func (m *Manager) cookieEnd(e *wire.Envelope) wire.Millis {
	if !m.persistent(e) {
		return untilBrowserCloses
	}
	return m.absoluteEnd(e)
}

// cookieLasts is for how long from now on the browser is to keep it.
func (m *Manager) cookieLasts(e *wire.Envelope, now wire.Millis) wire.Millis {
	if !m.persistent(e) {
		return untilBrowserCloses
	}
	return max(1, m.cookieEnd(e)-now)
}

// untilBrowserCloses stands for the end that a cookie has without Max-Age.
const untilBrowserCloses = wire.Millis(-1)

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
	owesCookie     bool        // the browser has its token under attributes that are out of date
}

func (m *Manager) upkeepOf(rec *record, retiredKey bool) upkeep {
	_, touchEvery := m.idleTerms(&rec.env)
	u := upkeep{seen: rec.seen, touchEvery: touchEvery, renewed: rec.env.Renewed, renewEvery: m.renewEvery}
	u.retiredKey, u.owesCookie = retiredKey, rec.env.OwesCookie()
	if m.basisOf(&rec.env) == LastChange {
		u.touchEvery = wire.Never
	} else if end := m.idleEnd(rec); end < m.absoluteEnd(&rec.env) {
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
	if u.retiredKey || u.firstPresented || u.owesCookie {
		return 0
	}
	return min(u.touchAt(), u.renewAt())
}
