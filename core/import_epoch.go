package session

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// What Manager.RevokeAll and its like end includes the sessions that another system still has and an importer would
// take over. Nobody can list those. So it is noted when it happened, and a session from before is not taken over.
const (
	ofSubjectElsewhere = "subject elsewhere"
	ofAllElsewhere     = "everybody elsewhere"
)

// elsewhere is where that is noted: with the other revocations, or in the sessions' own store. Nil means nowhere,
// because there are no importers, or no store. That their time is over does not matter: it may be moved.
func (m *Manager) elsewhere() *revocations {
	switch {
	case len(m.importers) == 0:
		return nil
	case m.revocations != nil:
		return m.revocations
	case m.store != nil:
		return &revocations{store: m.store, batch: m.batch}
	}
	return nil
}

// endElsewhere notes that the sessions of a subject end wherever they are.
func (m *Manager) endElsewhere(ctx context.Context, operation, subject string) error {
	if subject == "" { // which is refused elsewhere
		return nil
	}
	return m.noteElsewhere(ctx, operation, m.subjectElsewhere(subject))
}

// endAllElsewhere notes that everybody's sessions end wherever they are.
func (m *Manager) endAllElsewhere(ctx context.Context, operation string) error {
	return m.noteElsewhere(ctx, operation, m.everybodyElsewhere())
}

func (m *Manager) noteElsewhere(ctx context.Context, operation string, id RecordID) error {
	if r := m.elsewhere(); r != nil {
		return m.bumpFor(ctx, operation, r, id, exemption{})
	}
	return nil
}

func (m *Manager) subjectElsewhere(subject string) RecordID {
	return purposeID(m.name, ofSubjectElsewhere, subject, wire.Handle{})
}

func (m *Manager) everybodyElsewhere() RecordID {
	return purposeID(m.name, ofAllElsewhere, "", wire.Handle{})
}

// endedBefore reports whether b was ended before it could be taken over. What began at an unknown time counts as from
// before. Here the clocks of two systems are compared, because there is nothing else.
func (m *Manager) endedBefore(ctx context.Context, im *importer, b *brought) (bool, error) {
	r := m.elsewhere()
	if r == nil {
		return false, nil
	}
	ids := []RecordID{m.everybodyElsewhere()}
	if b.subject != "" {
		ids = append(ids, m.subjectElsewhere(b.subject))
	}
	for _, id := range ids {
		generation, err := r.generation(ctx, id)
		if err != nil {
			return false, unavailable("import", err)
		}
		if generation > 0 && b.began(im) <= generation+clockStep+m.leeway {
			return true, nil
		}
	}
	return false, nil
}

// clockStep is how much earlier than it was a time may seem that another system keeps in seconds.
const clockStep = wire.Millis(time.Second / time.Millisecond)

// began is when b began at the latest, 0 if that is not known. When it was last written says nothing of that, because a
// copy of its cookie may have been used since. Where both systems are kept in step it counts all the same: over there
// the visitor is logged in, and most systems know of no other time.
func (b *brought) began(im *importer) wire.Millis {
	began := cmp.Or(sinceEpoch(b.Authenticated), sinceEpoch(b.Created))
	if began == 0 && im.Mirror != nil {
		began = sinceEpoch(b.Written)
	}
	return began
}

// sinceEpoch is a time that may be unknown, which is 0.
func sinceEpoch(at time.Time) wire.Millis {
	if at.IsZero() {
		return 0
	}
	return wire.FromTime(at)
}

// generation returns that of one revocation, 0 if there is none. Stores that keep copies answer LoadAll from what is
// durable.
func (r *revocations) generation(ctx context.Context, id RecordID) (wire.Millis, error) {
	if r.batch != nil {
		found, err := r.look(ctx, []RecordID{id})
		return found[id].generation, err
	}
	found, err := r.store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	var rec record
	if err == nil {
		found.ID = id
		err = rec.parseRevocation(&found)
	}
	if err != nil {
		return 0, err
	}
	return rec.revocation().generation, nil
}
