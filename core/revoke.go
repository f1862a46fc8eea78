package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Revoke ends one session of a subject: nothing brings it back, not even a request or renewal that is in flight. It
// returns ErrNotFound unless the handle is that of a live session of this very subject, so a handler may pass on
// what a visitor sent. Errors are as for List.
//
// With Options.Revocations nobody knows which sessions live. Then ErrNotFound is for what cannot be a handle; any other
// is noted as ended, which ends nobody else's session. Each invented handle makes a record: limit how
// often a visitor may ask.
func (m *Manager) Revoke(ctx context.Context, subject, handle string) error {
	if m.revocations != nil {
		return m.revokeUnseen(ctx, subject, handle)
	}
	ended, err := m.revoke(ctx, "Revoke", subject, func(h string) bool { return h == handle })
	if err == nil && ended == 0 {
		return fmt.Errorf("session: Revoke: %w", ErrNotFound)
	}
	return err
}

// RevokeOthers ends all sessions of s's subject but s itself, as after a changed password, and returns how many. A
// login that s has not saved yet counts. It is an error when s belongs to nobody or could not be loaded. With
// Options.Revocations the number is unknown, which is -1, and copies of a sealed session are spared along with s. So
// call Login before and Save after it: then those from before the Login end too, and s keeps nothing but what this
// request has written.
func (m *Manager) RevokeOthers(ctx context.Context, s *Session) (ended int, err error) {
	subject, handle, err := s.subjectAndHandle(m)
	if err != nil {
		return 0, fmt.Errorf("session: RevokeOthers: %w", err)
	}
	elsewhere := m.endElsewhere(ctx, "RevokeOthers", subject)
	if m.revocations != nil {
		ended, err = m.revokeSubject(ctx, "RevokeOthers", subject, s.exemption(subject))
	} else {
		ended, err = m.revoke(ctx, "RevokeOthers", subject, func(h string) bool { return h != handle })
	}
	return ended, cmp.Or(err, elsewhere)
}

// RevokeAll ends all sessions of a subject and returns how many. A login that happens meanwhile or later is not
// among them: first make the account refuse logins. With Options.Revocations the number is unknown, which is -1.
//
// With Options.Import, RevokeOthers, RevokeAll and RevokeEverybody also end what the other system still has: it is not
// taken over, unless its visitor is known to have logged in there later. Of a Mirror's system, where a login is one
// here too, it is enough that it has written the session later. A program without Options.Import ends only what is
// here; the command coatcheck ends both.
//
// All three go on until they are done or ctx ends, however many sessions there are. What cannot be ended does not
// keep the others from ending: beside an error, ended counts those that have.
func (m *Manager) RevokeAll(ctx context.Context, subject string) (ended int, err error) {
	elsewhere := m.endElsewhere(ctx, "RevokeAll", subject)
	if m.revocations != nil {
		ended, err = m.revokeSubject(ctx, "RevokeAll", subject, exemption{})
	} else {
		ended, err = m.revoke(ctx, "RevokeAll", subject, func(string) bool { return true })
	}
	return ended, cmp.Or(err, elsewhere)
}

// subjectAndHandle returns whose session it is, and its handle.
func (s *Session) subjectAndHandle(m *Manager) (subject, handle string, err error) {
	if s.m != m {
		return "", "", errors.New("the session is another manager's")
	}
	if s.crossSite {
		return "", "", ErrCrossSite
	}
	if err := s.Err(); err != nil {
		return "", "", err
	}
	st := s.enter()
	if st == nil {
		return "", "", ErrRequestOver
	}
	defer s.leave()
	switch owner := st.storedSubject(); {
	case st.changes().login:
		return st.changes().subject, st.handle(), nil
	case len(owner) > 0:
		return string(owner), st.handle(), nil
	}
	return "", "", errors.New("the session belongs to nobody: call Login first")
}

// revoke ends what is wanted of what was the subject's when it began.
func (m *Manager) revoke(
	ctx context.Context, operation, subject string, wanted func(handle string) bool,
) (ended int, err error) {
	return m.endEach(ctx, func(f func(*record) error) error {
		return m.walkSubject(ctx, operation, subject, func(rec *record) error {
			if !wanted(rec.env.Handle.String()) {
				return nil
			}
			return f(rec)
		})
	})
}

// endEach ends the sessions that walk goes through, and counts those that were alive.
func (m *Manager) endEach(ctx context.Context, walk func(f func(*record) error) error) (ended int, err error) {
	handles := map[wire.Handle]bool{}
	err = m.untilAllMet(func(isNew func(*record)) error {
		for again := true; again; {
			again = false
			err := walk(func(rec *record) error {
				alive := !m.hasExpired(rec, m.now())
				c, err := m.revokeRecord(ctx, rec, ReasonRevoked)
				if c.endedHere && alive {
					handles[rec.env.Handle] = true
				}
				if c.endedHere {
					isNew(rec)
				}
				again = again || c.removed && err == nil
				return err
			})
			if err != nil {
				return err
			}
			// If again: a renewal may have made its record and lost the alias that leads to it.
		}
		return nil
	})
	return len(handles), err
}

// revokeRecord ends one record and returns how. Once begun it is finished: ctx is asked before.
func (m *Manager) revokeRecord(ctx context.Context, rec *record, why Reason) (*commit, error) {
	c := &commit{m: m, facts: facts{now: m.now()}, ctx: &bounded{parent: ctx, deadline: m.callDeadline(ctx)}, revoked: why}
	if err := ctx.Err(); err != nil {
		return c, err
	}
	defer func() {
		c.close()
		m.emit(ctx, c.events)
	}()
	return c, c.endRecord(*rec)
}
