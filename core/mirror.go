package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// heedMirrors looks whether the systems that are kept in step agree on who the visitor is. Where one of them does not
// know the login any more that it shared, that ends here too. Where the visitor has logged in over there and is nobody
// here, he is logged in here.
func (s *Session) heedMirrors(st *state, at time.Time) {
	st.loading = bounded{parent: s.ctx, deadline: s.m.deadlineFrom(at)}
	defer st.loading.stop()
	var rec record
	st.base.reparse(&rec)
	for _, im := range s.m.mirrors {
		if im.isOver(wire.FromTime(at)) {
			continue
		}
		b, _, err := im.visitor(&st.loading, s.x)
		if err != nil {
			st.failLoad(s.m, im.failed(err))
			return
		}
		if s.heedMirror(st, im, &rec, b, wire.FromTime(at)) {
			return
		}
	}
}

// heedMirror is heedMirrors for one of them, where b is the visitor's session, if there is one. settled is false if
// they agree.
func (s *Session) heedMirror(st *state, im *importer, rec *record, b *brought, now wire.Millis) (settled bool) {
	key, shared := sharedIn(rec, im)
	somebody := b != nil && b.subject != ""
	switch {
	case shared && (b == nil || b.subject != string(rec.env.Subject)):
		err := s.endShared(st, im, rec, now)
		if err == nil && b != nil && key == s.m.onceKey(im, b.ID, string(rec.env.Subject)) {
			err = s.m.reopen(&st.loading, key)
		}
		if err != nil {
			st.failLoad(s.m, im.failed(err))
			return true
		}
	case !shared && len(rec.env.Subject) == 0 && somebody:
		st.rarely().anonymous = rec
	default:
		return false
	}
	st.forget(wire.Never)
	if somebody {
		if err := s.takeOver(st, im, b, now); err != nil {
			st.failLoad(s.m, im.failed(err))
		}
	}
	if anonymous := st.rarely().anonymous; anonymous != nil && !st.found && st.blocked() == nil {
		st.adopt(s.m, anonymous, opening{})
	}
	st.rare.anonymous = nil
	return true
}

// visitor returns the session that the request's cookie opens in another system, nil if there is none, and the cookie's
// value.
func (im *importer) visitor(ctx *bounded, x Exchange) (*brought, string, error) {
	found, first := im.cookie.find(x.CookieLines(), im.checkValue), ""
	for _, value := range found.values[:found.count] {
		b, err := im.read(ctx, value)
		switch reason, err := refusal(err); {
		case err != nil:
			return nil, value, err
		case reason == "":
			return &b, value, nil
		case first == "":
			first = value
		}
	}
	return nil, first, nil
}

// endShared ends a session that one of the systems that shared it does not know any more, here and in the others.
func (s *Session) endShared(st *state, by *importer, rec *record, now wire.Millis) error {
	r := st.rarely()
	for _, im := range s.m.mirrors {
		if _, shared := sharedIn(rec, im); im == by || im.isOver(now) || !shared {
			continue
		}
		if err := im.logOut(&st.loading, s.m, s.x); err != nil {
			return im.failed(err)
		}
		r.dropForeign(im)
	}
	told := len(r.events)
	if s.m.store != nil || s.m.revocations != nil {
		s.endFromOutside(st, rec, now)
	}
	for i := range r.events[told:] {
		r.events[told+i].Importer = by.Name
	}
	if r.reason = ReasonAlreadyEnded; s.m.store == nil {
		r.offer = s.m.cookie.delete() // nothing else ends it, unless there are Revocations
	}
	return nil
}

// logOut ends the visitor's session in another system, and sees to it that it is not taken over from there again.
func (im *importer) logOut(ctx *bounded, m *Manager, x Exchange) error {
	b, value, err := im.visitor(ctx, x)
	switch {
	case err != nil:
		return err
	case value == "":
		return nil
	}
	if err := im.Mirror.Logout(ctx, value); err != nil || b == nil {
		return err
	}
	return m.closeForeign(ctx, im, b)
}

// closeForeign notes that another system's session is over, whatever copies of its cookie there are.
func (m *Manager) closeForeign(ctx *bounded, im *importer, b *brought) error {
	return m.closeOnce(ctx, m.onceKey(im, b.ID, b.subject), b.subject, 0, aliasEnd(m.now()))
}
