package session

import (
	"errors"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// opening is what a cookie value led to.
type opening struct {
	reason     Reason      // why it opens nothing, or ""
	retiredKey bool        // it was sealed with a key that is no longer the first
	offer      string      // the Set-Cookie line of the token that the visitor should have
	token      string      // the offered token itself
	presented  bool        // the offered token is the presented one
	marker     *record     // the alias that a replaced token led through, if it opens nothing
	since      wire.Millis // when the last token of those that the marker led through was replaced
	revoked    bool        // Options.Revocations says that the session is over
	unchecked  error       // why Options.Revocations could not be asked, if the session counts all the same
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
func (m *Manager) openCookie(
	ctx *bounded, value string, now wire.Millis, begun uptimeSeconds, rec *record,
) (o opening, err error) {
	o, err = m.openLive(ctx, value, now, begun, rec)
	if err == nil && o.reason == "" && m.revocations != nil {
		err = m.checkRevoked(ctx, &o, rec, now, m.revocations.memory)
	}
	return o, err
}

// openLive is openCookie without a look at Options.Revocations.
func (m *Manager) openLive(
	ctx *bounded, value string, now wire.Millis, begun uptimeSeconds, rec *record,
) (o opening, err error) {
	if m.store == nil {
		plaintext, retiredKey, ok := m.sealing.unseal(value, now)
		if !ok {
			return opening{reason: ReasonUnopenable}, nil
		}
		err := rec.parse(plaintext)
		rec.seen, rec.expires = rec.env.Seen, rec.env.Expires
		reason, err := m.judge(rec, now, err)
		return opening{reason: reason, retiredKey: retiredKey}, err
	}
	err = m.loadRecord(ctx, recordID(m.name, value), rec)
	if err != nil && errors.Is(err, ErrNotFound) {
		return opening{reason: ReasonUnknown}, nil
	}
	o.reason, err = m.judge(rec, now, err)
	if err == nil && o.reason == ReasonSuperseded && rec.env.Flags&wire.LeftByRenewal != 0 {
		return m.openRenewed(ctx, value, now, begun, rec)
	}
	return o, err
}

// maxSteps is how many renewals of a replayed token are followed only to tell whose it was.
const maxSteps = 2

// openRenewed finds the session behind a token that a periodic renewal has replaced: until the new token has been
// presented, and for a while after that, the old one opens the session too, because the answer with the new one may be
// lost or on its way. Later its use is a replay, and rec is the session that was replayed.
func (m *Manager) openRenewed(
	ctx *bounded, token string, now wire.Millis, begun uptimeSeconds, rec *record,
) (o opening, err error) {
	replayed, steps := false, 0
	marker := *rec
	for o.reason = ReasonSuperseded; o.reason == ReasonSuperseded && rec.env.Flags&wire.LeftByRenewal != 0; {
		o.marker, o.since = &marker, rec.env.Renewed
		token = successorToken(token, rec.env.Salt())
		id := rec.env.Successor()
		*rec = record{}
		if err = m.loadRecord(ctx, id, rec); errors.Is(err, ErrNotFound) {
			o.reason = ReasonUnknown
			return o, nil
		}
		steps++
		replayed = replayed || err == nil && m.reached(rec.env.Presented()+m.renewGrace, begun.onAppClock(now))
		if o.reason, err = m.judge(rec, now, err); err != nil {
			return o, err
		}
		if replayed && steps >= maxSteps && m.onReplay == ReportReplayed { // where it leads to matters to nobody
			o.reason = ReasonReplayed
			return o, nil
		}
	}
	switch {
	case o.reason != "":
		o.since = max(o.since, rec.env.Renewed)
		return o, nil
	case replayed:
		o.reason = ReasonReplayed
		return o, nil
	}
	return opening{offer: m.cookie.set(token, m.cookieLasts(&rec.env, now)), token: token}, nil
}

// judge says why a session is not alive. Garbage is no session, an alias or marker past its own deadline is gone, and
// what a newer version wrote is an error.
func (m *Manager) judge(rec *record, now wire.Millis, err error) (Reason, error) {
	switch {
	case errors.Is(err, wire.ErrCorrupt), err == nil && rec.env.IsSealed() != (m.store == nil):
		return ReasonCorrupt, nil
	case err != nil:
		return "", err
	case rec.env.Kind != wire.Live && m.reached(rec.env.Deadline, now):
		return ReasonUnknown, nil
	case rec.env.Kind == wire.Alias:
		return ReasonSuperseded, nil
	case rec.env.Kind == wire.Revocation, rec.env.Kind == wire.Labelled:
		return ReasonCorrupt, nil
	case rec.env.Kind == wire.Ended:
		return ReasonAlreadyEnded, nil
	case m.reached(m.absoluteEnd(&rec.env), now):
		return ReasonExpiredAbsolute, nil
	case m.reached(m.idleEnd(rec), now):
		return ReasonExpiredIdle, nil
	}
	return "", nil
}

// loadRecord reads a record of whatever kind into rec. If it returns an error, rec is unspecified.
func (m *Manager) loadRecord(ctx *bounded, id RecordID, rec *record) error {
	r, err := m.store.Load(ctx, id)
	if err != nil {
		return err
	}
	r.ID = id
	return rec.fromStore(&r)
}
