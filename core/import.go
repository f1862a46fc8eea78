package session

import (
	"errors"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// brought is a session of another system that the visitor has brought, and whose it is.
type brought struct {
	Foreign
	subject string
	value   string    // of its cookie
	byID    bool      // the other system has an id for it: two visitors never have the same one
	twins   []brought // the subject's further sessions that cookies of the same name open; they end with this one's move
}

// importAny looks for a session of another system that the visitor brings, and makes it the request's. A login goes
// before what nobody has.
func (s *Session) importAny(st *state, at time.Time) {
	m, now := s.m, wire.FromTime(at)
	st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
	defer st.loading.stop()
	var from *importer
	var nobodys *brought
	for _, im := range m.importers {
		if im.isOver(now) {
			continue
		}
		b, err := s.look(st, im, now)
		switch {
		case err != nil:
			st.failLoad(m, im.failed(err))
			return
		case b == nil:
		case b.subject == "" && nobodys == nil:
			from, nobodys = im, b
		case b.subject != "" && s.importFrom(st, im, b, now):
			return
		}
	}
	if nobodys != nil {
		s.importFrom(st, from, nobodys, now)
	}
}

// look returns the session that the visitor brings of one importer's system, nil if there is none.
func (s *Session) look(st *state, im *importer, now wire.Millis) (*brought, error) {
	found := im.cookie.find(s.x.CookieLines(), im.checkValue)
	for _, reason := range found.skipped {
		st.noteRefused(s.m, im, reason, nil)
	}
	if found.count == 0 {
		return nil, nil
	}
	if e, due := im.endNotice(now); due {
		st.addEvent(s.m, e)
	}
	var open []brought
	for _, value := range found.values[:found.count] {
		b, why := im.read(&st.loading, value)
		reason, err := refusal(why)
		switch {
		case err != nil:
			return nil, err
		case reason != "":
			st.noteRefused(s.m, im, reason, why)
		default:
			open = append(open, b)
		}
	}
	chosen, ambiguous := oneOf(open)
	if ambiguous {
		st.noteRefused(s.m, im, ReasonAmbiguous, nil)
	}
	return chosen, nil
}

// oneOf returns the first of several sessions in another system. Where they are not all of one subject, they cannot be
// told apart, as with cookies of ours.
func oneOf(open []brought) (b *brought, ambiguous bool) {
	for i := range open {
		if i > 0 && (open[i].subject == "" || open[i].subject != open[0].subject) {
			return nil, true
		}
	}
	if len(open) == 0 {
		return nil, false
	}
	open[0].twins = open[1:]
	return &open[0], false
}

// importFrom makes b the request's session. It returns whether there is no need to look further.
func (s *Session) importFrom(st *state, im *importer, b *brought, now wire.Millis) (settled bool) {
	err := s.takeOver(st, im, b, now)
	for i := 0; i < len(b.twins) && err == nil && st.found; i++ {
		if b.twins[i].ID != b.ID { // otherwise it is the same one under another spelling
			err = s.m.closeForeign(&st.loading, im, &b.twins[i])
		}
	}
	if err != nil {
		st.failLoad(s.m, im.failed(err))
	}
	return st.found || st.blocked() != nil
}

// read opens the session behind a cookie's value and asks whose it is.
func (im *importer) read(ctx *bounded, value string) (b brought, err error) {
	if b.Foreign, err = im.Open(ctx, value); err != nil {
		return b, err
	}
	b.value = value
	if b.byID = b.ID != ""; !b.byID {
		b.ID = value
	}
	if b.subject = b.Subject; im.Importer.Subject != nil {
		b.subject, err = im.Importer.Subject(ctx, b.Foreign)
	}
	return b, err
}

// refusal tells an importer's word that there is no session from a failure.
func refusal(err error) (Reason, error) {
	no, refused := errors.AsType[*NotImportedError](err)
	switch {
	case err == nil:
		return "", nil
	case refused && no.Reason != "":
		return no.Reason, nil
	case refused:
		return ReasonCorrupt, nil
	case errors.Is(err, ErrNotFound):
		return ReasonUnknown, nil
	}
	return "", err
}

// noteRefused notes why a session of another system was not taken over. Whoever listens to events is told what the
// importer has to say of it.
func (st *state) noteRefused(m *Manager, im *importer, reason Reason, why error) {
	if reason == "" {
		return
	}
	r := st.rarely()
	r.reason = r.reason.orBetter(reason)
	no, _ := errors.AsType[*NotImportedError](why)
	if no == nil || no.Reason == "" {
		no = &NotImportedError{Reason: reason}
	}
	if m.onEvent != nil {
		st.addEvent(m, Event{Reason: reason, Importer: im.Name, Err: no})
	}
}

// heedImporters is where a load turns to the other systems.
func (s *Session) heedImporters(st *state, at time.Time) {
	switch {
	case !st.found:
		s.importAny(st, at)
	case len(s.m.mirrors) > 0:
		s.heedMirrors(st, at)
	}
}
