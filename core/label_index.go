package session

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// A label is found in a store's index of subjects: each session that has one has a record beside its own, which is
// indexed under labelSubject and says which session that is. It is written before the session's own, so that one may
// be too many, but none is missing.

// labelSubject is what the records of a label are indexed under.
func labelSubject(label string) string { return "\x00label\x00" + label }

// indexLabels writes the records of a session's labels, if there are any and this commit may give it one, or another
// deadline. With Options.Revocations nobody looks for them.
func (c *commit) indexLabels(rec *record) error {
	if !c.login && c.lifetime == nil || c.m.revocations != nil || !rec.env.HasLabels() {
		return nil
	}
	for _, l := range rec.env.Labels() {
		if err := c.indexLabel(rec, l.Name); err != nil {
			return unavailable("label", err)
		}
	}
	return nil
}

func (c *commit) indexLabel(rec *record, label string) error {
	mark := c.m.labelRecord(rec, label, c.now)
	for {
		err := c.m.store.Create(c.ctx, mark)
		if !errors.Is(err, ErrExists) {
			return err
		}
		there, err := c.m.store.Load(c.ctx, mark.ID)
		if err == nil {
			if !there.Expires.Before(mark.Expires) {
				return nil
			}
			mark.Version = there.Version
			err = c.m.store.Update(c.ctx, mark)
		}
		if !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return err
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
}

// labelRecord is the record that says that rec's session has a label, for as long as that can live.
func (m *Manager) labelRecord(rec *record, label string, now wire.Millis) Record {
	subject, h := string(rec.env.Subject), rec.env.Handle
	mark := record{snapshot: snapshot{id: m.labelRecordID(label, subject, h), version: 1, seen: now}}
	mark.expires = rec.env.Deadline + m.leeway
	mark.env = wire.Envelope{Kind: wire.Labelled, Handle: h, Created: now, Deadline: mark.expires, Renewed: now}
	mark.env.Subject = []byte(subject)
	mark.env.SetLabels([]wire.Label{{Name: label}})
	mark.encode(values{}, nil)
	return mark.toStore()
}

// labelRecordID has the subject in it: of two logins at once at one anonymous session each gives its handle a subject,
// and only one of them keeps it.
func (m *Manager) labelRecordID(label, subject string, h wire.Handle) RecordID {
	return purposeID(m.name, labelled, string(wire.AppendFrame(wire.AppendFrame(nil, label), subject)), h)
}

// RevokeLabel ends all sessions that have a label and returns how many, or -1 where Options.Revocations makes it
// unknown. What RevokeAll says of logins and of errors goes for it too.
func (m *Manager) RevokeLabel(ctx context.Context, label string) (ended int, err error) {
	if label == "" {
		return 0, errors.New("session: RevokeLabel needs a label")
	}
	if m.revocations != nil {
		return m.unknownNumber(m.bumpFor(ctx, "RevokeLabel", m.revocations,
			purposeID(m.name, ofLabel, label, wire.Handle{}), exemption{}))
	}
	sessions, err := m.labelledSessions(ctx, label)
	for subject, handles := range sessions {
		n, failed := m.revoke(ctx, "RevokeLabel", subject, func(h string) bool { return slices.Contains(handles, h) })
		ended += n
		if err == nil {
			err = failed
		}
	}
	return ended, err
}

// labelledSessions returns the handles of the sessions with a label, by their subjects. Some may be over.
func (m *Manager) labelledSessions(ctx context.Context, label string) (map[string][]string, error) {
	if m.index == nil {
		return nil, fmt.Errorf("session: RevokeLabel: it needs Options.Revocations, or a store that can search by "+
			"subject: %w", errors.ErrUnsupported)
	}
	ids, err := m.findIDs(ctx, labelSubject(label))
	if err != nil {
		return nil, searchFailed("RevokeLabel", err)
	}
	found := map[string][]string{}
	for page := range slices.Chunk(ids, maxPage) {
		records, failed := m.loadPage(ctx, page)
		if failed != nil && err == nil {
			err = searchFailed("RevokeLabel", failed)
		}
		for i := range records {
			var rec record
			switch failed := rec.fromStore(&records[i]); {
			case failed != nil && err == nil && !errors.Is(failed, wire.ErrCorrupt): // of a newer version: it may be one of them
				err = searchFailed("RevokeLabel", failed)
			case failed == nil && rec.env.Kind == wire.Labelled:
				subject := string(rec.env.Subject)
				found[subject] = append(found[subject], rec.env.Handle.String())
			}
		}
	}
	return found, err
}

// dropLabels removes the records of the labels of a session that has ended. Where that fails they stay until the
// session's deadline, and lead to nothing.
func (c *commit) dropLabels(rec *record) {
	if c.m.store == nil || c.m.revocations != nil || !rec.env.HasLabels() {
		return
	}
	for _, l := range rec.env.Labels() {
		_ = c.m.store.Delete(c.ctx, c.m.labelRecordID(l.Name, string(rec.env.Subject), rec.env.Handle))
	}
}
