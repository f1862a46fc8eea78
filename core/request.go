package session

import (
	"context"
	"errors"
	"fmt"
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
	if m.installed(ctx) {
		return ctx, false
	}
	r.session.m, r.session.ctx, r.session.x, r.session.begun = m, ctx, x, thisMoment()
	if m.hints && m.store != nil { // now: later the handler may be at work on the request
		r.session.client = m.clientOf(x)
	}
	return (*requestContext)(r), true
}

// Commit saves what has changed and sets the response's headers. Adapters call it once the status is known and
// before the first header byte; later calls do nothing. When it returns false the handler's response must not go
// out: the exchange has been reset, and the client gets instead, and nothing but that.
func (r *Request) Commit(status int) (instead Response, ok bool) {
	return r.session.close(status, final)
}

// CommitHeaderless is Commit for a response whose headers the handler is about to send past the framework, as one that
// takes over the connection does, or whose headers have left already. What needs a cookie fails with ErrCommitted.
func (r *Request) CommitHeaderless() (instead Response, ok bool) {
	return r.session.close(http.StatusSwitchingProtocols, headerless)
}

// close is the final commit.
func (s *Session) close(status int, mode commitMode) (instead Response, ok bool) {
	s.mu.Lock()
	st, done := s.st, s.phase != headersPending
	if st == nil && !done {
		s.phase, s.told = headersSent, true
	}
	s.mu.Unlock()
	if st == nil || done {
		return instead, true
	}
	at := s.m.clock()
	unwanted := s.m.saveOn != nil && !s.m.saveOn(status)
	if s.nothingToCommit(st, mode, unwanted, toMillis(at)) {
		if mode == final {
			s.demand(st, "")
		}
		return instead, true
	}
	err := s.commitAt(mode, at)
	if err == nil && mode == headerless && s.owesCookie(st) {
		err = errCookieOwed
	}
	if err != nil {
		return s.fail(err), false
	}
	if mode == final {
		s.setHeaders()
	}
	return instead, true
}

// errCookieOwed is for a handler that takes over the connection after a Save that made a cookie necessary. The error response
// carries it.
var errCookieOwed = fmt.Errorf("%w: a Save has made a cookie necessary, and whoever takes over the connection does not send it", ErrCommitted)

func (s *Session) owesCookie(st *state) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return st.cookie != ""
}

// nothingToCommit reports whether the request only read and nothing else is due. Then the headers are as good as sent.
func (s *Session) nothingToCommit(st *state, mode commitMode, unwanted bool, now millis) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.unwanted, s.told = unwanted, mode == headerless
	if s.phase != headersPending || !st.quiet(now) {
		return false
	}
	s.phase, s.told = headersSent, true
	return true
}

// Discard drops what has not been saved: a panic is passing the adapter. A cookie that an earlier Save made
// necessary is still set, because the session it opens exists.
func (r *Request) Discard() {
	s := &r.session
	s.mu.Lock()
	pending := s.st != nil && !s.told
	if s.st != nil {
		s.st.changes = nil
		s.st.withdraw(s.m)
	}
	s.phase = headersSent
	s.mu.Unlock()
	if pending {
		s.setHeaders()
	}
}

// End ends the request. Changes made after the headers were sent are saved if that needs no header, and reported if
// it does. From here on the session only reports ErrRequestOver.
func (r *Request) End() {
	s := &r.session
	s.mu.Lock()
	st := s.st
	settled := st == nil || s.awaitCommit(st)
	if !settled { // the request ends all the same
		s.reportCommit(Event{Reason: ReasonCommitFailed, Err: errEndless})
		s.mu.Lock()
	}
	late := settled && st != nil && s.phase == headersSent && st.changes.anything()
	x := s.x
	s.phase, s.x = requestOver, nil
	s.mu.Unlock()
	if !late {
		return
	}
	at := s.m.clock() // without the lock, since it is the application's; from here on nobody else changes st
	s.mu.Lock()
	source := st.lateLine()
	if err := s.commitLocked(st, early, at); err != nil {
		e := Event{Reason: ReasonCommitFailed, Err: err, Route: route(x)}
		if errors.Is(err, ErrCommitted) {
			e.Reason, e.Source = ReasonTooLate, source
		}
		s.reportCommit(e)
	}
}

// Nested reports whether the context that Begin got leads to a session already, another manager's. An adapter whose
// framework keeps the request's context in one place then puts that context back at the end, because middleware between
// the two goes on, and would find a session that is over.
func (r *Request) Nested() bool {
	_, nested := r.session.ctx.Value(sessionKey{}).(*Session)
	return nested
}

// Session returns the request's session.
func (r *Request) Session() *Session { return &r.session }

func (s *Session) fail(err error) Response {
	s.reportCommit(Event{Reason: ReasonCommitFailed, Err: err})
	instead := s.m.respond(err, s.x.RequestHeader)
	setDefault(&instead.Status, http.StatusServiceUnavailable)
	setDefault(&instead.ContentType, "text/plain; charset=utf-8")
	s.x.ResetResponse()
	s.x.SetResponseHeader("Content-Type", instead.ContentType)
	s.keepFromCaches()
	s.setHeaders()
	return instead
}

// setHeaders sets what the response has to say about the session.
func (s *Session) setHeaders() {
	s.mu.Lock()
	s.told = true
	st := s.st
	line := st.cookie
	if line == "" {
		line = st.offered()
	}
	s.mu.Unlock()
	s.demand(st, line)
}

// demand sets what the use of the session demands of caches (RFC 9111 §4.1, OWASP: a response that carries
// a session id must not be stored) and the cookie, if it has to change.
func (s *Session) demand(st *state, line string) {
	s.varyByCookie()
	if line != "" {
		s.checkTransport()
		s.x.SetCookie(s.m.cookie.name, line)
		s.keepFromCaches()
	} else if s.x.ResponseHeader("Cache-Control") == "" {
		s.x.SetResponseHeader("Cache-Control", "private")
	}
	if st.rare != nil && st.several {
		for _, former := range s.m.cookie.former {
			s.x.AddCookie(former)
		}
		s.keepFromCaches()
	}
}

// keepFromCaches forbids everybody to store the response. Some caches obey a header of their own before Cache-Control.
func (s *Session) keepFromCaches() {
	s.x.RemoveResponseHeaders(steersCaches)
	s.x.SetResponseHeader("Cache-Control", "no-store")
}

// steersCaches knows Cache-Control, those that target one cache, like CDN-Cache-Control (RFC 9213), and older ones.
func steersCaches(name string) bool {
	const suffix = "Cache-Control"
	return len(name) >= len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) ||
		strings.EqualFold(name, "Surrogate-Control") || strings.EqualFold(name, "Edge-Control") || strings.EqualFold(name, "X-Accel-Expires")
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
