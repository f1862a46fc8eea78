package session

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// maxRevokeRounds bounds how often a search is repeated. Each round finds only what logins and renewals have made since
// the one before, so a store that goes on listing does not list the truth.
const maxRevokeRounds = 20

// Revoke ends one session of a subject: nothing brings it back, not even a request or renewal that is in flight. It
// returns ErrNotFound unless the handle is that of a live session of this very subject, so a handler may pass on
// what a visitor sent. Errors are as for List.
func (m *Manager) Revoke(ctx context.Context, subject, handle string) error {
	ended, err := m.revoke(ctx, "Revoke", subject, func(h string) bool { return h == handle })
	if err == nil && ended == 0 {
		return fmt.Errorf("session: Revoke: %w", ErrNotFound)
	}
	return err
}

// RevokeOthers ends all sessions of s's subject but s itself, as after a changed password, and returns how many. A
// login that s has not saved yet counts. It is an error when s belongs to nobody or could not be loaded.
func (m *Manager) RevokeOthers(ctx context.Context, s *Session) (ended int, err error) {
	subject, handle, err := s.owner(m)
	if err != nil {
		return 0, fmt.Errorf("session: RevokeOthers: %w", err)
	}
	return m.revoke(ctx, "RevokeOthers", subject, func(h string) bool { return h != handle })
}

// RevokeAll ends all sessions of a subject and returns how many. A login that happens meanwhile or later is not
// among them: first make the account refuse logins.
func (m *Manager) RevokeAll(ctx context.Context, subject string) (ended int, err error) {
	return m.revoke(ctx, "RevokeAll", subject, func(string) bool { return true })
}

// owner returns whose session it is, and its handle.
func (s *Session) owner(m *Manager) (subject, handle string, err error) {
	if s.m != m {
		return "", "", errors.New("the session is another manager's")
	}
	if err := s.Err(); err != nil {
		return "", "", err
	}
	st := s.enter()
	if st == nil {
		return "", "", ErrRequestOver
	}
	defer s.leave()
	switch owner := st.owner(); {
	case st.asked().login:
		return st.asked().subject, st.handle(), nil
	case len(owner) > 0:
		return string(owner), st.handle(), nil
	}
	return "", "", errors.New("the session belongs to nobody: call Login first")
}

// revoke ends what is wanted until a search finds none: a renewal that was in flight may have made one more record. It
// counts those that were alive.
func (m *Manager) revoke(ctx context.Context, operation, subject string, wanted func(handle string) bool) (ended int, err error) {
	handles := map[string]bool{}
	for range maxRevokeRounds {
		found, unknown := m.sessionsOf(ctx, operation, subject)
		left := false
		for i := range found {
			handle := found[i].env.handle.String()
			if !wanted(handle) {
				continue
			}
			left = true
			if err := m.revokeRecord(ctx, &found[i]); err != nil {
				return len(handles), fmt.Errorf("session: %s: %w", operation, err)
			}
			if !m.lapsed(&found[i], m.now()) {
				handles[handle] = true
			}
		}
		if unknown != nil || !left {
			return len(handles), unknown
		}
	}
	return len(handles), unavailable(operation, errors.New("the store goes on listing sessions that have ended"))
}

// revokeRecord ends one record. Once begun it is finished: ctx is asked before.
func (m *Manager) revokeRecord(ctx context.Context, h *held) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{m: m, now: m.now(), ctx: &bounded{parent: ctx, deadline: m.callDeadline(ctx)}, revoked: true}
	defer func() {
		j.stop()
		m.emit(ctx, j.events)
	}()
	return j.end(*h)
}

// callDeadline bounds a call that the application makes outside of a request's commit.
func (m *Manager) callDeadline(ctx context.Context) instant {
	deadline := time.Now().Add(m.storeTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	return toInstant(deadline)
}
