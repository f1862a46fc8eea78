package session

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// revocations is where a manager notes what it has ended that it cannot find, and looks it up.
//
// A revocation is a record with a generation. It ends every session it concerns whose stamp, the generation that the
// session's login has seen, is smaller. So a login that comes later is not ended, and one record is enough for however
// many sessions. A generation is compared with earlier ones of the same record only, and so never the clocks of two
// servers.
type revocations struct {
	store           Store
	batch           BatchLoader // the same store
	sweeper         Sweeper     // the same store, or nil
	memory          *revocationMemory
	acceptUnchecked bool
}

// ground is one thing for which a session may have been revoked.
type ground struct {
	id    RecordID
	stamp wire.Millis // the generation that the session's login has seen
}

// revocation is what a store holds under one id. The zero value is none.
type revocation struct {
	generation wire.Millis
	spared     exemption
}

// exemption is a session that a revocation does not end: that with the handle, and at least the stamp. The zero value
// is none.
type exemption struct {
	handle wire.Handle
	stamp  wire.Millis
}

// ends reports whether a session is over for this reason.
func (r revocation) ends(g ground, h wire.Handle) bool {
	spared := h != wire.Handle{} && h == r.spared.handle && g.stamp >= r.spared.stamp
	return r.generation > g.stamp && !spared
}

// The kinds of revocations, and of the records that are found by a label.
const (
	oneSession = "session"
	ofSubject  = "subject"
	ofAll      = "everybody"
	ofLabel    = "label"
	labelled   = "labelled session"
)

// purposeID is the id of a record that is no session. It is a hash over the manager's name too, and begins with a byte
// that recordID never hashes first, because no name has that length. So no token leads here.
func purposeID(manager, purpose, text string, h wire.Handle) RecordID {
	b := make([]byte, 0, 128)
	b = wire.AppendFrame(append(b, 0), manager)
	b = wire.AppendFrame(b, purpose)
	b = wire.AppendFrame(b, text)
	return sha256.Sum256(append(b, h[:]...))
}

// grounds appends to dst what may have ended a session: itself, its subject's and everybody's revocation, and those of
// its labels. Nobody's session has none.
func (m *Manager) grounds(dst []ground, e *wire.Envelope) []ground {
	if len(e.Subject) == 0 {
		return dst
	}
	subject, stamps := string(e.Subject), e.Stamps()
	dst = append(dst,
		ground{purposeID(m.name, oneSession, subject, e.Handle), 0},
		ground{purposeID(m.name, ofSubject, subject, wire.Handle{}), stamps.Subject},
		ground{purposeID(m.name, ofAll, "", wire.Handle{}), stamps.Everybody})
	for _, l := range e.Labels() {
		dst = append(dst, ground{purposeID(m.name, ofLabel, l.Name, wire.Handle{}), l.Stamp})
	}
	return dst
}

// look returns what the store holds of these ids. Beside an error it returns what could be read.
func (r *revocations) look(ctx context.Context, ids []RecordID) (found map[RecordID]revocation, err error) {
	records, err := r.batch.LoadAll(ctx, ids)
	for i := range records {
		var rec record
		failed := rec.parseRevocation(&records[i])
		if failed != nil {
			if err == nil {
				err = failed
			}
			continue
		}
		if found == nil {
			found = make(map[RecordID]revocation, len(records))
		}
		found[rec.id] = rec.revocation()
	}
	return found, err
}

// parseRevocation reads a revocation that a store has returned.
func (rec *record) parseRevocation(r *Record) error {
	err := rec.fromStore(r)
	if err == nil && rec.env.Kind != wire.Revocation {
		err = wire.ErrCorrupt
	}
	if err != nil {
		err = fmt.Errorf("revocation %v: %w", r.ID, err)
	}
	return err
}

func (rec *record) revocation() revocation {
	generation, spares := rec.env.Generation()
	return revocation{generation, exemption{rec.env.Handle, spares}}
}

// isRevoked reports whether any of the grounds has ended the session with handle h, at now on the application's clock.
// What memory has is not asked for again.
func (r *revocations) isRevoked(
	ctx context.Context, grounds []ground, h wire.Handle, now wire.Millis, memory *revocationMemory,
) (bool, error) {
	ids := make([]RecordID, 0, len(grounds))
	for _, g := range grounds {
		known, ok := memory.get(g.id, now)
		if ok && known.ends(g, h) {
			return true, nil
		}
		if !ok {
			ids = append(ids, g.id)
		}
	}
	if len(ids) == 0 {
		return false, nil
	}
	since := memory.edition()
	found, err := r.look(ctx, ids)
	if err == nil {
		memory.put(ids, found, now, since)
	}
	return endedBy(found, grounds, h), err
}

func endedBy(found map[RecordID]revocation, grounds []ground, h wire.Handle) bool {
	for _, g := range grounds {
		if found[g.id].ends(g, h) {
			return true
		}
	}
	return false
}

// mayPass reports whether an error leaves sessions unchecked that count all the same. Of a store that never answers
// nobody would notice that it holds no revocations.
func (r *revocations) mayPass(err error) bool {
	return err != nil && r.acceptUnchecked && !errors.Is(err, errors.ErrUnsupported)
}

// checkRevoked makes an opening one that opens nothing if the session has been revoked. That costs one call of the
// store where revocations are kept, and none for nobody's session or what memory has.
func (m *Manager) checkRevoked(
	ctx context.Context, o *opening, rec *record, now wire.Millis, memory *revocationMemory,
) error {
	var space [3]ground
	grounds := m.grounds(space[:0], &rec.env)
	revoked, err := m.revocations.isRevoked(ctx, grounds, rec.env.Handle, now, memory)
	switch {
	case revoked:
		*o = opening{reason: ReasonAlreadyEnded, revoked: true}
	case m.revocations.mayPass(err):
		o.unchecked = unavailable("check for revocations", err)
	case err != nil:
		return unavailable("check for revocations", err)
	}
	return nil
}

// revocationSlack is how much longer a revocation is kept than any session that it concerns can live: requests that
// began in time may be at work, and the clocks of servers differ.
const revocationSlack = 5 * time.Minute

// epochEnd is until when a revocation of now that concerns many sessions is kept: no session that has logged in by now
// lives longer, whatever MaxLifetime another server has, or this one from tomorrow on.
func (m *Manager) epochEnd(now wire.Millis) wire.Millis {
	return now + wire.FromDuration(maxAge) + m.leeway + wire.FromDuration(revocationSlack)
}

// revocationEnd is until when that of one session is kept: no copy of it that has been made by now, whatever lifetime
// it has or gets by a SetLifetime in flight, lives longer than MaxLifetime from its last login. It is shorter than
// epochEnd because there are as many as logouts.
func (m *Manager) revocationEnd(now wire.Millis) wire.Millis {
	return now + m.maxLifetime + m.leeway + wire.FromDuration(revocationSlack)
}
