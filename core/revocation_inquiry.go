package session

import (
	"context"
	"maps"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// inquiry asks of many sessions whether they have been revoked. It keeps nothing of the sessions themselves.
type inquiry struct {
	m       *Manager
	grounds [][]ground
	handles []wire.Handle
}

// add adds a session.
func (q *inquiry) add(e *wire.Envelope) {
	if q.m.revocations != nil {
		q.grounds, q.handles = append(q.grounds, q.m.grounds(nil, e)), append(q.handles, e.Handle)
	}
}

// ask tells which of the sessions have been revoked, in the order in which they were added: nil, if none can be.
func (q *inquiry) ask(ctx context.Context) (revoked []bool, err error) {
	if len(q.grounds) == 0 {
		return nil, nil
	}
	var ids []RecordID
	asked := map[RecordID]bool{}
	for _, grounds := range q.grounds {
		for _, g := range grounds {
			if !asked[g.id] {
				asked[g.id] = true
				ids = append(ids, g.id)
			}
		}
	}
	found, err := q.m.lookPaged(ctx, ids)
	revoked = make([]bool, len(q.grounds))
	for i := range revoked {
		revoked[i] = endedBy(found, q.grounds[i], q.handles[i])
	}
	return revoked, err
}

// withoutRevoked leaves out, in place, those of list that have been revoked; q has been told of each in turn. Beside
// an error it leaves out those of which that is known.
func withoutRevoked[T any](ctx context.Context, q *inquiry, list []T) ([]T, error) {
	revoked, err := q.ask(ctx)
	if revoked == nil {
		return list, err
	}
	kept := list[:0]
	for i := range list {
		if !revoked[i] {
			kept = append(kept, list[i])
		}
	}
	return kept, err
}

// lookPaged is look for any number of ids. Each call has a time of its own; a page that fails does not keep the others
// from their turn unless ctx has ended.
func (m *Manager) lookPaged(ctx context.Context, ids []RecordID) (map[RecordID]revocation, error) {
	all := map[RecordID]revocation{}
	var first error
	for page := range slices.Chunk(ids, maxPage) {
		bound, cancel := context.WithTimeout(ctx, m.storeTimeout)
		found, err := m.revocations.look(bound, page)
		cancel()
		maps.Copy(all, found)
		if err != nil && first == nil {
			first = unavailable("check for revocations", err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return all, first
}
