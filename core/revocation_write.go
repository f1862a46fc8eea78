package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// bumpFor is bump outside of a request. Once begun it is finished: ctx is asked before.
func (m *Manager) bumpFor(
	ctx context.Context, operation string, r *revocations, id RecordID, spare exemption,
) error {
	if err := ctx.Err(); err != nil {
		return searchFailed(operation, err)
	}
	b := &bounded{parent: ctx, deadline: m.callDeadline(ctx)}
	defer b.stop()
	if err := m.bump(b, r, id, spare); err != nil {
		return searchFailed(operation, err)
	}
	return nil
}

// unknownNumber is what a call returns that ends sessions which nobody can count.
func (m *Manager) unknownNumber(err error) (ended int, _ error) {
	if err != nil {
		return 0, err
	}
	return -1, nil
}

// revokeSubject ends a subject's sessions but one.
func (m *Manager) revokeSubject(ctx context.Context, operation, subject string, spare exemption) (int, error) {
	if subject == "" {
		return 0, needsSubject(operation)
	}
	id := purposeID(m.name, ofSubject, subject, wire.Handle{})
	return m.unknownNumber(m.bumpFor(ctx, operation, m.revocations, id, spare))
}

// exemption is what RevokeOthers spares. A login that has not been saved yet needs none: it comes later.
func (s *Session) exemption(subject string) exemption {
	st := s.enter()
	if st == nil {
		return exemption{}
	}
	defer s.leave()
	e := st.base.envelope()
	if st.changes().login || string(e.Subject) != subject {
		return exemption{}
	}
	return exemption{e.Handle, e.Stamps().Subject}
}

// revokeUnseen is Revoke where nobody knows which sessions there are.
func (m *Manager) revokeUnseen(ctx context.Context, subject, handle string) error {
	h, ok := parseHandle(handle)
	switch {
	case subject == "":
		return needsSubject("Revoke")
	case !ok:
		return fmt.Errorf("session: Revoke: %w", ErrNotFound)
	case ctx.Err() != nil:
		return searchFailed("Revoke", ctx.Err())
	}
	b := &bounded{parent: ctx, deadline: m.callDeadline(ctx)}
	defer b.stop()
	if err := m.endOne(b, subject, h); err != nil {
		return searchFailed("Revoke", err)
	}
	return nil
}

// parseHandle is the opposite of a handle's String.
func parseHandle(s string) (h wire.Handle, ok bool) {
	b, err := base64url.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, false
	}
	h = wire.Handle(b)
	return h, h.String() == s
}

// bump gives the revocation of this id a greater generation than it has had, so that it ends all that it concerns and
// that has logged in so far. What it has ended before stays so: a session that is not to be spared any more cannot be
// spared by a later revocation either.
func (m *Manager) bump(ctx context.Context, r *revocations, id RecordID, spare exemption) error {
	defer m.tellRevoked()
	defer r.memory.forget(id)
	for {
		err := m.tryBump(ctx, r.store, id, spare)
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrExists) && !errors.Is(err, ErrNotFound) {
			return err
		}
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
}

// tryBump is one attempt of bump. Where the answer to a write was lost it is made again, which does no harm. A record
// that is damaged, but not one of a newer version, is replaced: while it is there nobody whom it concerns gets in.
func (m *Manager) tryBump(ctx context.Context, store Store, id RecordID, spare exemption) error {
	now := m.now()
	r, err := store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		next := m.newRevocation(id, now, now, m.epochEnd(now), spare)
		return store.Create(ctx, next.toStore())
	}
	var old record
	if err == nil {
		r.ID = id
		err = old.parseRevocation(&r)
	}
	var before revocation
	switch {
	case errors.Is(err, wire.ErrCorrupt): // what it spared is not known, and its generation not far beyond the clock
		before.generation = now + wire.FromDuration(revocationSlack)
	case err != nil:
		return err
	default:
		before = old.revocation()
	}
	if before.ends(ground{id, spare.stamp}, spare.handle) {
		spare = exemption{}
	}
	next := m.newRevocation(id, now, max(before.generation+1, now), m.epochEnd(now), spare)
	next.version, next.expires = old.version, max(old.expires, next.expires)
	return store.Update(ctx, next.toStore())
}

// endOne notes that one session has been revoked. To find it noted already is fine.
func (m *Manager) endOne(ctx context.Context, subject string, h wire.Handle) error {
	id, now := purposeID(m.name, oneSession, subject, h), m.now()
	defer m.tellRevoked()
	defer m.revocations.memory.forget(id)
	rec := m.newRevocation(id, now, now, m.revocationEnd(now), exemption{})
	err := m.revocations.store.Create(ctx, rec.toStore())
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

func (m *Manager) newRevocation(id RecordID, now, generation, end wire.Millis, spare exemption) record {
	rec := record{snapshot: snapshot{id: id, version: 1, seen: now, expires: end}}
	rec.env = wire.Envelope{Kind: wire.Revocation, Handle: spare.handle, Created: now, Deadline: rec.expires, Renewed: now}
	rec.env.SetGeneration(generation, spare.stamp)
	rec.encode(values{}, nil)
	return rec
}

// revokeEverybodyEpoch ends all sessions that belong to somebody and have logged in so far.
func (m *Manager) revokeEverybodyEpoch(ctx context.Context) error {
	return m.bumpFor(ctx, "RevokeEverybody", m.revocations, purposeID(m.name, ofAll, "", wire.Handle{}), exemption{})
}
