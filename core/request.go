package session

import (
	"context"
	"errors"
	"net/http"
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
	r.session.m, r.session.ctx, r.session.x, r.session.begunAt = m, ctx, x, uptimeNow()
	if m.asksForClient() { // now: later the handler may be at work on the request
		r.session.client = m.clientOf(x)
	}
	r.session.crossSite = !r.session.client.isBearer() && m.origins.isCrossSite(x) // now, for the same reason
	return (*requestContext)(r), true
}

// Commit saves what has changed and sets the response's headers. Adapters call it once the status is known and
// before the first header byte; later calls do nothing. When ok is false the exchange has been reset, and the adapter
// must send instead and nothing else.
func (r *Request) Commit(status int) (instead Response, ok bool) {
	return r.session.commitFinally(status, final)
}

// CommitHeaderless is Commit for a response whose headers the handler is about to send past the framework, as one that
// takes over the connection does, or whose headers have left already. What needs a cookie fails with ErrCommitted.
func (r *Request) CommitHeaderless() (instead Response, ok bool) {
	return r.session.commitFinally(http.StatusSwitchingProtocols, headerless)
}

// Discard drops what has not been saved: a panic is passing the adapter. A cookie that an earlier Save made
// necessary is still set, because the session it opens exists.
func (r *Request) Discard() {
	s := &r.session
	s.mu.Lock()
	pending := s.st != nil && !s.headersSet
	if s.st != nil {
		s.st.pending = nil
		s.st.withdrawOffer(s.m)
	}
	s.phase = headersSent
	s.mu.Unlock()
	if pending {
		s.setAllHeaders()
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
	late := settled && st != nil && s.phase == headersSent && st.pending.anything()
	if s.phase = requestOver; !late {
		s.x = nil
	}
	s.mu.Unlock()
	if late {
		s.commitLate(st)
	}
}

// commitLate saves what has changed after the headers were sent. A logout needs the request's cookies of other systems.
func (s *Session) commitLate(st *state) {
	at := s.m.clock() // without the lock, since it is the application's; from here on nobody else changes st
	s.mu.Lock()
	x, source := s.x, st.lateLine()
	defer s.forgetExchange()
	if err := s.commitLocked(st, early, at); err != nil {
		e := Event{Reason: ReasonCommitFailed, Err: err, Route: route(x)}
		if errors.Is(err, ErrCommitted) {
			e.Reason, e.Source = ReasonTooLate, source
		}
		s.reportCommit(e)
	}
}

// forgetExchange is for the end of a request, after which its framework uses the exchange for another one.
func (s *Session) forgetExchange() {
	s.mu.Lock()
	s.x = nil
	s.mu.Unlock()
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
