package session

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// Request is one request's session as an adapter drives it: Begin, then Commit before the first header byte, or
// Discard when a panic passes by, and End when the handler has returned. It must not be copied. An adapter puts it
// into its own per-request structure, so that both cost one allocation.
type Request struct {
	session Session
}

// Begin starts a request. Nothing is read, parsed or looked up until the session is used. It returns the context
// to run the rest of the request with, and false, with nothing to commit or end, when this manager's
// middleware is at work on the request already.
func (m *Manager) Begin(ctx context.Context, r *Request, x Exchange) (context.Context, bool) {
	if ctx.Value(m) != nil {
		return ctx, false
	}
	r.session.m, r.session.ctx, r.session.x = m, ctx, x
	return (*requestContext)(r), true
}

// Commit saves what has changed and sets the response's headers. Adapters call it once the status is known and
// before the first header byte; later calls do nothing. When it returns false the handler's response must not go
// out: the exchange has been reset, and the client gets instead, and nothing but that.
func (r *Request) Commit(status int) (instead Response, ok bool) {
	s := &r.session
	s.mu.Lock()
	unused := s.st == nil
	done := s.phase != headersPending
	if unused && !done {
		s.phase = headersSent
	}
	s.mu.Unlock()
	if unused || done {
		return instead, true
	}
	err := s.commitWith(s.m.saveOn != nil && !s.m.saveOn(status))
	if err != nil {
		return s.fail(err), false
	}
	s.sendHeaders()
	return instead, true
}

// Discard drops what has not been saved: a panic is passing the adapter. A cookie that an earlier Save made
// necessary is still set, because the session it opens exists.
func (r *Request) Discard() {
	s := &r.session
	s.mu.Lock()
	pending := s.st != nil && s.phase == headersPending
	if s.st != nil {
		s.st.forget()
	}
	s.mu.Unlock()
	if pending {
		s.sendHeaders()
	}
}

// End ends the request. Changes made after the headers were sent are saved if that needs no header, and reported if
// it does. From here on the session only reports ErrRequestOver.
func (r *Request) End() {
	s := &r.session
	s.mu.Lock()
	late := s.st != nil && s.phase == headersSent && s.st.asked()
	s.mu.Unlock()
	if late {
		if err := s.commit(); err != nil {
			reason := ReasonCommitFailed
			if errors.Is(err, ErrCommitted) {
				reason = ReasonTooLate
			}
			s.report(reason, "", err)
		}
	}
	s.mu.Lock()
	s.phase, s.x = requestOver, nil
	s.mu.Unlock()
}

// Session returns the request's session.
func (r *Request) Session() *Session { return &r.session }

func (s *Session) fail(err error) Response {
	if reported := s.st.reported; reported == nil || !errors.Is(err, reported) {
		s.report(ReasonCommitFailed, "", err)
	}
	instead := s.m.respond(err, s.x.RequestHeader)
	setDefault(&instead.Status, http.StatusServiceUnavailable)
	setDefault(&instead.ContentType, "text/plain; charset=utf-8")
	s.x.ResetResponse()
	s.x.SetResponseHeader("Content-Type", instead.ContentType)
	s.x.SetResponseHeader("Cache-Control", "no-store")
	s.sendHeaders()
	return instead
}

// sendHeaders sets what the use of the session demands of caches (RFC 9111 §4.1, OWASP: a response that carries
// a session id must not be stored) and the cookie, if it has to change.
func (s *Session) sendHeaders() {
	s.mu.Lock()
	s.phase = headersSent
	t := s.st.cookie
	s.mu.Unlock()
	s.varyByCookie()
	switch t.action {
	case issueTicket:
		s.x.SetCookie(s.m.cookie.name, s.m.cookie.set(t.value, t.until-s.m.now()))
	case deleteTicket:
		s.x.SetCookie(s.m.cookie.name, s.m.cookie.delete())
	default:
		if s.x.ResponseHeader("Cache-Control") == "" {
			s.x.SetResponseHeader("Cache-Control", "private")
		}
		return
	}
	s.x.SetResponseHeader("Cache-Control", "no-store")
}

func (s *Session) varyByCookie() {
	vary := s.x.ResponseHeader("Vary")
	if vary == "" {
		s.x.SetResponseHeader("Vary", "Cookie")
		return
	}
	for field := range strings.SplitSeq(vary, ",") {
		if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, "Cookie") {
			return
		}
	}
	s.x.SetResponseHeader("Vary", vary+", Cookie")
}
