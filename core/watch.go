package session

import (
	"context"
	"fmt"
)

// Watch returns a context derived from ctx that ends when the session does, for handlers that wait: server-sent events,
// WebSocket, long polls. context.Cause says why: an error that is ErrEnded and names the reason, or what ended ctx.
// ctx has to end when the connection does, because until then the manager remembers it.
//
// The session ends by Destroy, by Revoke and its like, by running out, and for whoever watches also by a login, because
// the connection's token opens nothing after it: the client connects again and is somebody. Renewals are followed.
// What this process ends is told at once, the rest within Options.WatchInterval and the time that the store takes to
// answer. Watching is no use of the session and does not extend it. While the store is down watchers stay, until the
// session has run out as far as is known.
//
// Of a sealed session no server knows what its visitor's other requests have made of it: it ends at its deadline, the
// latest of those that its watchers know; with a Destroy that this process sees after the call of Watch; or by a
// revocation where Options.Revocations is set, which a login as somebody else is too.
//
// Watch loads the session. The context is done at once if there is nothing to wait for: the visitor has no session that
// has been saved, the request's Login has yet to be saved (call Save first), the session could not be loaded, or the
// request is over. It outlives the request, and so suits what runs after the handler, like Fiber's stream writers.
func (s *Session) Watch(ctx context.Context) context.Context {
	w := &watcher{}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	if known, err := s.known(); err != nil {
		w.cancel(err)
	} else if w.ctx.Err() == nil {
		s.m.watching().add(ctx, known, w)
	}
	return w.ctx
}

// known returns what the request knows of its session, or why it cannot be watched.
func (s *Session) known() (*watched, error) {
	st := s.enter()
	if st == nil {
		return nil, ErrRequestOver
	}
	defer s.leave()
	switch {
	case st.blocked() != nil:
		return nil, st.blocked()
	case st.found && st.changes().login:
		return nil, fmt.Errorf("%w by a Login that is not saved yet: call Save before Watch", ErrEnded)
	case !st.found && st.reason() != "":
		return nil, causeOf(st.reason())
	case !st.found:
		return nil, fmt.Errorf("%w or has not been saved yet: there is none to watch", ErrEnded)
	}
	var rec record
	st.base.reparse(&rec)
	return s.m.watchedAs(&rec), nil
}

// causeOf is the cause of a context that a session's end has ended.
func causeOf(r Reason) error { return fmt.Errorf("%w: %s", ErrEnded, r) }

// tellEnded tells whoever watches a session that this process has ended it.
func (m *Manager) tellEnded(rec *record, why Reason) {
	if h := m.watchers.Load(); h != nil {
		h.end(m.watchID(rec), causeOf(why))
	}
}

// tellRenewed tells whoever watches a session that this process has given it another record. After a login that is no
// session of theirs.
func (m *Manager) tellRenewed(old, next *record, byLogin bool) {
	h := m.watchers.Load()
	switch {
	case h == nil:
	case byLogin:
		h.end(old.id, causeOf(ReasonSuperseded))
	default:
		h.move(old.id, next.id)
	}
}
