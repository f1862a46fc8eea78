package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// brought is a session of another system that the visitor has brought, and whose it is.
type brought struct {
	Foreign
	subject string
	value   string // of its cookie
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
			st.failLoad(m, importFailed(im, err))
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
func (s *Session) look(st *state, im *importer, now wire.Millis) (chosen *brought, err error) {
	found := im.cookie.find(s.x.CookieLines(), im.checkValue)
	for _, reason := range found.skipped {
		st.noteRefused(s.m, im, reason)
	}
	if found.count == 0 {
		return nil, nil
	}
	if e, due := im.endNotice(now); due {
		st.addEvent(s.m, e)
	}
	for _, value := range found.values[:found.count] {
		b, err := im.read(&st.loading, value)
		reason, err := refusal(err)
		switch {
		case err != nil:
			return nil, err
		case reason != "":
			st.noteRefused(s.m, im, reason)
		case chosen == nil:
			chosen = &b
		case b.subject == "" || b.subject != chosen.subject:
			st.noteRefused(s.m, im, ReasonAmbiguous)
			return nil, nil
		}
	}
	return chosen, nil
}

// importFrom makes b the request's session. It returns whether there is no need to look further.
func (s *Session) importFrom(st *state, im *importer, b *brought, now wire.Millis) (settled bool) {
	if err := s.takeOver(st, im, b, now); err != nil {
		st.failLoad(s.m, importFailed(im, err))
	}
	return st.found || st.blocked() != nil
}

func importFailed(im *importer, err error) error {
	return fmt.Errorf("import from %s: %w", im.Name, err)
}

// read opens the session behind a cookie's value and asks whose it is.
func (im *importer) read(ctx *bounded, value string) (b brought, err error) {
	if b.Foreign, err = im.Open(ctx, value); err != nil {
		return b, err
	}
	if b.value = value; b.ID == "" {
		b.ID = value
	}
	if b.subject = b.Subject; im.Importer.Subject != nil {
		b.subject, err = im.Importer.Subject(ctx, b.Foreign)
	}
	return b, err
}

// refusal tells an importer's word that there is no session from a failure.
func refusal(err error) (Reason, error) {
	var no *NotImported
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &no) && no.Reason != "":
		return no.Reason, nil
	case errors.As(err, &no):
		return ReasonCorrupt, nil
	case errors.Is(err, ErrNotFound):
		return ReasonUnknown, nil
	}
	return "", err
}

// noteRefused notes why a session of another system was not taken over.
func (st *state) noteRefused(m *Manager, im *importer, reason Reason) {
	if reason == "" {
		return
	}
	r := st.rarely()
	r.reason = r.reason.orBetter(reason)
	st.addEvent(m, Event{Reason: reason, Importer: im.Name})
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
