package session

import (
	"context"
	"maps"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// revocable is what may end a watched session besides its own record. The zero value is nothing.
type revocable struct {
	grounds []ground
	handle  wire.Handle
	login   wire.Millis // when it happened
}

// revocableAs is what may end a record's session.
func (m *Manager) revocableAs(rec *record) revocable {
	if m.revocations == nil {
		return revocable{}
	}
	return revocable{m.grounds(nil, &rec.env), rec.env.Handle, rec.env.Authenticated}
}

// tellRevoked has the watchers ask for revocations now, because this process has made one.
func (m *Manager) tellRevoked() {
	if h := m.watchers.Load(); h != nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.revoked = true
		h.nudge()
	}
}

// takeRevoked reports whether there has been a tellRevoked since the last call.
func (h *watchers) takeRevoked() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	was := h.revoked
	h.revoked = false
	return was
}

// askRevocations ends what has been revoked. What could not be asked for stays.
func (h *watchers) askRevocations() error {
	watched := h.revocable()
	found, failure := h.findRevocations(watched)
	for id, w := range watched {
		if endedBy(found, w.grounds, w.handle) {
			h.end(id, causeOf(ReasonRevoked))
		}
	}
	return failure
}

// revocable returns the sessions that belong to somebody.
func (h *watchers) revocable() map[RecordID]revocable {
	h.mu.Lock()
	defer h.mu.Unlock()
	watched := map[RecordID]revocable{}
	for id, w := range h.sessions {
		if w.grounds != nil {
			watched[id] = w.revocable
		}
	}
	return watched
}

// findRevocations asks for all that may have ended these sessions, for each once. Beside the first failure it returns
// what was found. As with records, a store that does not answer is asked no further.
func (h *watchers) findRevocations(watched map[RecordID]revocable) (map[RecordID]revocation, error) {
	var ids []RecordID
	found, asked := map[RecordID]revocation{}, map[RecordID]bool{}
	for _, w := range watched {
		for _, g := range w.grounds {
			if !asked[g.id] {
				asked[g.id] = true
				ids = append(ids, g.id)
			}
		}
	}
	r := round{h: h}
	for page := range slices.Chunk(ids, watchPage) {
		if hung := r.revocations(page, found); hung || r.inARow >= maxFailures {
			break
		}
	}
	return found, r.failure
}

// revocations adds to found what the store holds of one page of ids.
func (r *round) revocations(ids []RecordID, found map[RecordID]revocation) (hung bool) {
	ctx, cancel := context.WithTimeout(context.Background(), r.h.m.storeTimeout)
	defer cancel()
	some, err := r.h.m.revocations.look(ctx, ids)
	maps.Copy(found, some)
	if r.note(err); err == nil {
		r.inARow = 0
		return false
	}
	r.inARow++
	return ctx.Err() != nil
}
