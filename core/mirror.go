package session

import (
	"errors"
	"slices"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// heedMirrors looks whether the systems that are kept in step agree on who the visitor is. Where one of them does not
// know the login any more that it shared, that ends here too. Where the visitor has logged in over there and is nobody
// here, he is logged in here.
func (s *Session) heedMirrors(st *state, at time.Time) {
	st.loading = bounded{parent: s.ctx, deadline: s.m.deadlineFrom(at)}
	defer st.loading.stop()
	now := wire.FromTime(at)
	var rec record
	st.base.reparse(&rec)
	for _, im := range s.m.mirrors {
		if im.isOver(now) {
			continue
		}
		open, err := im.openAll(&st.loading, im.presented(s.x))
		if err != nil {
			st.failLoad(s.m, im.failed(err))
			return
		}
		if s.heedMirror(st, im, &rec, open, now) {
			return
		}
	}
}

// heedMirror is heedMirrors for one of them, where open is what the visitor's cookies open there. For a session that is
// shared it is enough that one of them is its subject's; for a login over there all have to be of one subject, because
// somebody else may have planted a cookie. settled is false if they agree.
func (s *Session) heedMirror(st *state, im *importer, rec *record, open []brought, now wire.Millis) (settled bool) {
	_, shared := sharedIn(rec, im)
	b, ambiguous := oneOf(open)
	switch {
	case shared && !slices.ContainsFunc(open, func(b brought) bool { return b.subject == string(rec.env.Subject) }):
		if ended, err := s.endShared(st, im, rec, open, now); err != nil {
			st.failLoad(s.m, im.failed(err))
			return true
		} else if !ended {
			return true
		}
	case !shared && len(rec.env.Subject) == 0 && b != nil && b.subject != "":
		st.rarely().anonymous = rec
		st.forget(wire.Never)
	default:
		if ambiguous && !shared && len(rec.env.Subject) == 0 {
			st.addEvent(s.m, Event{Reason: ReasonAmbiguous, Importer: im.Name})
		}
		return false
	}
	switch {
	case ambiguous:
		st.noteRefused(s.m, im, ReasonAmbiguous, nil)
	case b != nil && b.subject != "":
		s.importFrom(st, im, b, now)
	}
	if anonymous := st.rarely().anonymous; anonymous != nil && !st.found && st.blocked() == nil {
		st.adopt(s.m, anonymous, opening{})
	}
	st.rare.anonymous = nil
	return true
}

// presented returns the values of the request's cookies of another system.
func (im *importer) presented(x Exchange) []string {
	found := im.cookie.find(x.CookieLines(), im.checkValue)
	return found.values[:found.count]
}

// openAll returns the sessions that values of another system's cookie open.
func (im *importer) openAll(ctx *bounded, values []string) (open []brought, _ error) {
	for _, value := range values {
		b, err := im.read(ctx, value)
		reason, err := refusal(err)
		if err != nil {
			return nil, err
		}
		if reason == "" {
			open = append(open, b)
		}
	}
	return open, nil
}

// endShared ends a session that one of the systems that shared it does not know any more, here and in the others. If it
// has been replaced or ended since it was loaded, nothing ends: the other system may know what a login has made of it.
// Either way the request has no session.
func (s *Session) endShared(
	st *state, by *importer, rec *record, open []brought, now wire.Millis,
) (ended bool, _ error) {
	c := commit{m: s.m, facts: facts{now: now}, ctx: &st.loading, revoked: ReasonRevoked, spares: true}
	defer c.release()
	if over, err := s.noteReplaced(st, &c, rec); over || err != nil {
		return false, err
	}
	for _, im := range s.m.mirrors {
		if _, shared := sharedIn(rec, im); im == by || im.isOver(now) || !shared {
			continue
		}
		if err := c.logOutThere(im, im.presented(s.x)); err != nil {
			return false, im.failed(err)
		}
		st.rarely().dropForeign(im)
	}
	if s.m.store != nil || s.m.revocations != nil {
		c.endWhatIsLeft(rec)
	}
	for i := range c.events {
		c.events[i].Importer = by.Name
	}
	st.addEvents(c.events)
	st.forget(wire.Never)
	if st.rarely().reason = ReasonAlreadyEnded; s.m.store == nil {
		st.rare.offer = s.m.cookie.delete() // nothing else ends it, unless there are Revocations
	} else if found, reason, err := c.lookUp(rec.id); err == nil && reason.leavesMarker() {
		s.noteMarker(st, &found, found.env.Renewed, now)
	}
	return true, s.m.reopenSeen(&st.loading, by, rec, open)
}

// noteReplaced reports whether a login has replaced a session since it was loaded, or it has ended: then it forgets it.
func (s *Session) noteReplaced(st *state, c *commit, rec *record) (over bool, _ error) {
	if s.m.store == nil {
		return false, nil
	}
	found, reason, err := c.lookUp(rec.id)
	if err != nil {
		return false, err
	}
	_, way, err := c.follow(found, reason)
	switch {
	case errors.Is(err, ErrEnded), err == nil && way.login:
		st.forget(wire.Never)
		st.rarely().reason = reason
		s.noteUnopened(st, opening{reason: reason}, &found, c.now)
		return true, nil
	}
	return false, err
}

// reopenSeen lets a session in another system be taken over again that is shared, and seen with another visitor.
func (m *Manager) reopenSeen(ctx *bounded, im *importer, rec *record, open []brought) error {
	key, _ := sharedIn(rec, im)
	if slices.ContainsFunc(open, func(b brought) bool { return key == m.onceKey(im, b.ID, string(rec.env.Subject)) }) {
		return m.reopen(ctx, key)
	}
	return nil
}

// logOutThere ends what cookies' values open in another system.
func (c *commit) logOutThere(im *importer, values []string) error {
	open, err := im.openAll(c.ctx, values)
	if err != nil {
		return err
	}
	l := left{im, values, open}
	if err := c.endLeft(l); err != nil {
		return err
	}
	c.closeLeft(l)
	return nil
}

// left are sessions in another system that are to be over, and the values of the cookies that lead there, of which
// some may open nothing.
type left struct {
	im     *importer
	values []string
	open   []brought
}

// endLeft ends them over there, which only a mirror can.
func (c *commit) endLeft(l left) error {
	for _, value := range l.values {
		if l.im.Mirror == nil || c.mirrored.made(l.im, value) {
			continue
		}
		if err := l.im.Mirror.Logout(c.ctx, value); err != nil {
			return err
		}
	}
	return nil
}

// closeLeft sees to it that none of them is taken over again, whatever copies of its cookie there are. That it cannot
// be noted is an event, so that it keeps nobody from logging out.
func (c *commit) closeLeft(l left) {
	for i := range l.open {
		b := &l.open[i]
		key := c.m.onceKey(l.im, b.ID, b.subject)
		if c.mirrored.shares(l.im, key) {
			continue
		}
		if err := c.closeThere(key, b.subject); err != nil {
			c.noteUndone(l.im, b.subject, err)
		}
	}
}

// noteUndone tells of what could not be done in or about another system, though the request succeeds.
func (c *commit) noteUndone(im *importer, subject string, err error) {
	e := Event{Reason: ReasonCommitFailed, Importer: im.Name, Subject: subject, Err: im.failed(err)}
	c.events = c.m.appendEvent(c.events, e)
}

// leaveRefused deals with a cookie whose session is over here. A mirror's is ended over there too. The cookie goes if
// that of a later login cannot be on its way.
func (s *Session) leaveRefused(st *state, im *importer, b *brought, goes bool) {
	if goes {
		st.rarely().dropForeign(im)
	}
	if im.Mirror == nil {
		return
	}
	if err := im.Mirror.Logout(&st.loading, b.value); err != nil {
		st.addEvent(s.m, Event{Reason: ReasonCommitFailed, Importer: im.Name, Subject: b.subject, Err: im.failed(err)})
	}
}

// refusesBearer reports whether a session is not for a bearer: its login is one in another system too, whose cookie
// a bearer does not bring, so that nobody can tell whether that has ended.
func (s *Session) refusesBearer(rec *record, now wire.Millis) bool {
	return s.client.isBearer() && slices.ContainsFunc(s.m.mirrors, func(im *importer) bool {
		_, shared := sharedIn(rec, im)
		return shared && !im.isOver(now)
	})
}

// closeForeign notes that another system's session is over, whatever copies of its cookie there are.
func (m *Manager) closeForeign(ctx *bounded, im *importer, b *brought) error {
	return m.closeOnce(ctx, m.onceKey(im, b.ID, b.subject), b.subject, 0, aliasEnd(m.now()))
}
