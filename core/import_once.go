package session

import (
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// A login in another system is taken over once. What it is known by over there stands for a token of ours that a
// periodic renewal has replaced: an alias leads from there to the session, so that requests which come at once, or
// whose answer was lost, go on with one session and are handed the same cookie; and once the visitor has presented
// that, a copy of the old one is a replay.

// tokenFor is the token that a subject's login in another system stands for. Some systems keep a session's id when
// somebody else logs in.
func (im *importer) tokenFor(id, subject string) string {
	b := wire.AppendFrame(wire.AppendFrame([]byte("coatcheck import"), im.Name), id)
	sum := sha256.Sum256(wire.AppendFrame(b, subject))
	return base64url.EncodeToString(sum[:])
}

// handleFor is the handle of the session that is made of it. It is always the same one, so that a sealed session that
// has been revoked is not made again.
func handleFor(token string) wire.Handle {
	sum := sha256.Sum256([]byte("coatcheck import handle" + token))
	return wire.Handle(sum[:16])
}

// takeOver makes b the request's session: the one that another request has made of it, or else a new one.
func (s *Session) takeOver(st *state, im *importer, b *brought, now wire.Millis) error {
	if !b.Deadline.IsZero() && s.m.reached(wire.FromTime(b.Deadline), now) {
		st.noteRefused(s.m, im, ReasonExpiredAbsolute, nil)
		return nil
	}
	old := im.tokenFor(b.ID, b.subject)
	switch {
	case s.m.store == nil:
		return s.sealOver(st, im, b, old, now)
	case b.isAnybodys():
		return s.copyOver(st, im, b)
	}
	key := turnKey(recordID(s.m.name, old))
	for tries := range maxEdits {
		known, at, err := s.openTaken(st, im, b, old, now)
		if known || err != nil {
			return err
		}
		if tries == 0 { // others of this process that come with the same cookie wait, and find what this one makes
			if _, err := turns.take(&st.loading, key, 0); err != nil {
				return unavailable("import", err)
			}
			defer turns.pass(key)
			continue
		}
		if st.awaitsRenewed() {
			return nil
		}
		if settled, err := s.makeOver(st, im, b, old, at, now); settled || err != nil {
			return err
		}
	}
	return unavailable("import", errContested)
}

// isAnybodys reports whether several visitors may have this very session: signed cookies with the same values are the
// same, if nobody's name is among them.
func (b *brought) isAnybodys() bool { return b.subject == "" && !b.byID }

// copyOver makes a session of b for this visitor alone.
func (s *Session) copyOver(st *state, im *importer, b *brought) error {
	if over, err := s.refuseEnded(st, im, b); over || err != nil {
		return err
	}
	login, err := s.logInFrom(st, im, b, &importing{from: im, handle: mintHandle(), x: s.x, brought: b})
	if err != nil || login == nil {
		return err
	}
	var rec record
	login.st.base.reparse(&rec)
	st.adoptLogin(s.m, im, login, &rec)
	return nil
}

// adoptLogin makes rec, which the login has made, the request's session, with the login's cookie.
func (st *state) adoptLogin(m *Manager, im *importer, login *Session, rec *record) {
	st.takeFrom(login, im)
	line := login.st.cookie
	st.adoptFrom(m, im, rec, opening{token: m.cookie.valueIn(line), offer: line, presented: true})
}

var errContested = errors.New("others were faster each time")

// awaitsRenewed reports whether the visitor's token was renewed so lately that the answer with the new one may be on
// its way, which no other cookie is to replace. What was ended leaves no such answer: a login here ends it over there
// too.
func (st *state) awaitsRenewed() bool {
	marker := st.marker()
	return marker != nil && marker.env.Kind == wire.Alias && !st.cookieDeletable()
}

// openTaken looks for what has been made of another system's session already. If known is false, it is to be made; at
// is the alias that leads to one which has expired, if any.
func (s *Session) openTaken(
	st *state, im *importer, b *brought, old string, now wire.Millis,
) (known bool, at *record, err error) {
	var rec record
	o, err := s.m.openCookie(&st.loading, old, now, s.begunAt, &rec)
	switch {
	case err != nil:
		return false, nil, err
	case o.reason == "":
		if o.reason = s.heedBinding(st, &rec, now); o.reason == "" {
			st.adoptFrom(s.m, im, &rec, o)
			return true, nil, nil
		}
	case o.reason == ReasonUnknown && o.marker == nil && rec.env.Kind == 0:
		return false, nil, nil
	case o.reason == ReasonUnknown && o.marker == nil: // an alias or marker whose time is over
		return false, &rec, nil
	case im.Mirror != nil && o.marker != nil && hasRunOut(o.reason): // over there the login is still good
		return false, o.marker, nil
	case im.Mirror != nil && b.subject == "": // what nobody has over there stays there
		return true, nil, nil
	}
	s.noteUnopened(st, o, &rec, now)
	r := st.rarely()
	r.importer, r.reason = im, r.reason.orBetter(o.reason)
	settled := im.Mirror == nil && s.m.reached(o.since+answerTime, s.begunAt.onAppClock(now)) && !st.otherClient()
	s.leaveRefused(st, im, b, settled || st.cookieDeletable())
	return true, nil, nil
}

// adoptFrom makes the request's session what has been made of another system's. It takes the place of whatever dead
// token of ours the visitor has.
func (st *state) adoptFrom(m *Manager, im *importer, rec *record, o opening) {
	st.adopt(m, rec, o)
	r := st.rarely()
	r.importer, r.marker, r.deletable = im, nil, false
}

// hasRunOut reports whether what was made of a login in another system is over without having been ended.
func hasRunOut(r Reason) bool {
	return r == ReasonUnknown || r == ReasonExpiredIdle || r == ReasonExpiredAbsolute || r == ReasonReplayed
}

// makeOver makes a session of b and the alias that leads to it, in place of the alias at, if there is one. settled is
// false if another process was faster.
func (s *Session) makeOver(
	st *state, im *importer, b *brought, old string, at *record, now wire.Millis,
) (settled bool, _ error) {
	if over, err := s.refuseEnded(st, im, b); over || err != nil { // before it takes the place of anything
		return true, err
	}
	how := &importing{from: im, handle: handleFor(old), x: s.x, brought: b}
	if im.Mirror != nil { // it may be made more than once, and two sessions are not to have one handle
		how.handle = mintHandle()
	}
	salt := mintSalt()
	how.token = successorToken(old, salt)
	login, err := s.logInFrom(st, im, b, how)
	if err != nil || login == nil {
		return true, err
	}
	var rec record
	login.st.base.reparse(&rec)
	c := commit{m: s.m, facts: facts{now: now}, ctx: &st.loading}
	defer c.release()
	// Whatever ends the subject's sessions from now on finds this one.
	if over, err := s.refuseRevoked(st, im, b, &rec, now); over || err != nil {
		c.deleteUnused(&rec)
		return true, err
	}
	err = c.lead(recordID(s.m.name, old), at, &rec, salt, aliasEnd(now))
	switch {
	case errors.Is(err, ErrExists), errors.Is(err, ErrConflict), errors.Is(err, ErrNotFound):
		c.deleteUnused(&rec)
		return false, nil
	case err != nil && st.rarely().anonymous == nil: // otherwise it is all that is left of the visitor's session
		return true, unavailable("import", err)
	}
	st.takeFrom(login, im)
	offer := s.m.cookie.set(how.token, s.m.cookieLasts(&rec.env, now))
	st.adoptFrom(s.m, im, &rec, opening{token: how.token, offer: offer})
	return true, nil
}

// refuseEnded refuses b if it was ended before it could be taken over.
func (s *Session) refuseEnded(st *state, im *importer, b *brought) (over bool, err error) {
	if over, err = s.m.endedBefore(&st.loading, im, b); over {
		st.noteRefused(s.m, im, ReasonAlreadyEnded, nil)
		if im.Mirror == nil || b.began(im) > 0 { // otherwise it may be a new login over there
			s.leaveRefused(st, im, b, im.Mirror == nil)
		}
	}
	return over, err
}

// refuseRevoked is refuseEnded for the session that has been made of b, which Options.Revocations may have ended too.
func (s *Session) refuseRevoked(
	st *state, im *importer, b *brought, rec *record, now wire.Millis,
) (over bool, err error) {
	if s.m.revocations != nil {
		var o opening
		if err = s.m.checkRevoked(&st.loading, &o, rec, now, nil); err != nil {
			return false, err
		}
		if o.revoked {
			st.noteRefused(s.m, im, ReasonAlreadyEnded, nil)
			s.leaveRefused(st, im, b, im.Mirror == nil)
			return true, nil
		}
	}
	return s.refuseEnded(st, im, b)
}

// lead writes the alias that leads from id to rec.
func (c *commit) lead(id RecordID, at, rec *record, salt []byte, deadline wire.Millis) error {
	from := record{snapshot: snapshot{id: id, version: 1}}
	if at != nil {
		from = *at
	}
	mark := c.newMarker(&from, wire.Alias, wire.LeftByRenewal, deadline, slices.Concat(rec.id[:], salt))
	var err error
	if at != nil {
		err = c.replace(&mark)
	} else {
		err = c.m.store.Create(c.ctx, mark.toStore())
	}
	if (errors.Is(err, ErrExists) || errors.Is(err, ErrConflict)) && c.isStored(&mark) {
		return nil
	}
	return err
}

// aliasEnd is until when it has to be known that a session of another system was taken over: as long as a browser keeps
// a cookie. Its deadline over there and the importer's end may be moved.
func aliasEnd(now wire.Millis) wire.Millis { return now + wire.FromDuration(maxAge) }

// sealOver is takeOver where no store keeps sessions: each request makes the session anew until the browser has the
// cookie, and of what they write the last response wins, as ever with sealed sessions.
func (s *Session) sealOver(st *state, im *importer, b *brought, old string, now wire.Millis) error {
	how := &importing{from: im, handle: handleFor(old), x: s.x, brought: b}
	if b.isAnybodys() {
		how.handle = mintHandle()
	}
	login, err := s.logInFrom(st, im, b, how)
	if err != nil || login == nil {
		return err
	}
	var rec record
	login.st.base.reparse(&rec)
	if over, err := s.refuseRevoked(st, im, b, &rec, now); over || err != nil {
		return err
	}
	st.adoptLogin(s.m, im, login, &rec)
	return nil
}
