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
}

// importAny looks for a session of another system that the visitor brings, and makes it the request's.
func (s *Session) importAny(st *state, at time.Time) {
	m, now := s.m, wire.FromTime(at)
	for _, im := range m.importers {
		if im.isOver(now) {
			continue
		}
		found := im.cookie.find(s.x.CookieLines(), im.checkValue)
		for _, reason := range found.skipped {
			st.noteRefused(m, im, reason)
		}
		if found.count == 0 {
			continue
		}
		if e, due := im.endNotice(now); due {
			st.addEvent(m, e)
		}
		st.loading = bounded{parent: s.ctx, deadline: m.deadlineFrom(at)}
		err := s.importFrom(st, im, &found, now)
		st.loading.stop()
		if err != nil {
			st.failLoad(m, fmt.Errorf("import from %s: %w", im.Name, err))
		}
		if st.found || st.blocked() != nil {
			return
		}
	}
}

// importFrom is importAny for the values of one importer's cookie. Of several that open one subject's sessions the
// first is taken; others cannot be told apart, as with cookies of ours.
func (s *Session) importFrom(st *state, im *importer, found *candidates, now wire.Millis) error {
	var opened []*brought
	for _, value := range found.values[:found.count] {
		b, err := im.read(&st.loading, value)
		reason, err := refusal(err)
		switch {
		case err != nil:
			return err
		case reason != "":
			st.noteRefused(s.m, im, reason)
		default:
			opened = append(opened, &b)
		}
	}
	switch {
	case len(opened) == 0:
		return nil
	case len(opened) > 1 && !ofOneSubject(opened):
		st.noteRefused(s.m, im, ReasonAmbiguous)
		return nil
	}
	return s.takeOver(st, im, opened[0], now)
}

func ofOneSubject(opened []*brought) bool {
	for _, b := range opened {
		if b.subject == "" || b.subject != opened[0].subject {
			return false
		}
	}
	return true
}

// read opens the session behind a cookie's value and asks whose it is.
func (im *importer) read(ctx *bounded, value string) (b brought, err error) {
	if b.Foreign, err = im.Open(ctx, value); err != nil {
		return b, err
	}
	if b.ID == "" {
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
