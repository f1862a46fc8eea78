package session

import (
	"context"
	"fmt"
)

// RevokeHandle ends one session, whosesoever it is, anonymous ones included: for operators who have no more than the
// handle from a log. It looks at all sessions in the store, so where the subject is known Revoke is the one to call. It
// returns ErrNotFound unless the handle is that of a live session. Errors are as for All.
func (m *Manager) RevokeHandle(ctx context.Context, handle string) error {
	ended, err := m.endEach(ctx, func(f func(*record) error) error {
		return m.walkAll(ctx, "RevokeHandle", func(rec *record) error {
			if rec.env.Handle.String() != handle {
				return nil
			}
			return f(rec)
		})
	})
	if err == nil && ended == 0 {
		return fmt.Errorf("session: RevokeHandle: %w", ErrNotFound)
	}
	return err
}
