package memstore

import (
	"context"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// maxHold is how many notes or ids are read before a shard's lock is let go.
const maxHold = 1000

// Sweep removes up to limit records that expired at or before the given time. It holds one shard at a time, briefly,
// and its work is in proportion to what was due.
func (s *Store) Sweep(ctx context.Context, before time.Time, limit int) (removed int, err error) {
	for i := range s.shards {
		for more := true; more && removed < limit; {
			sh := &s.shards[i]
			if err := sh.lock(ctx); err != nil {
				return removed, err
			}
			var n int
			n, more = s.sweepShard(sh, before.UnixMilli(), min(limit-removed, maxHold))
			removed += n
		}
	}
	return removed, nil
}

// sweepShard reads up to limit notes of a shard that is locked, and unlocks it. It reports whether more are due.
func (s *Store) sweepShard(sh *shard, before int64, limit int) (removed int, more bool) {
	defer sh.mu.Unlock()
	for range limit {
		if len(sh.due) == 0 || sh.due[0].expires > before {
			return removed, false
		}
		due := sh.due.pop()
		kept, ok := sh.records[due.id]
		if !ok {
			continue
		}
		if kept.expires > before { // extended since the note was made
			sh.due.push(note{kept.expires, due.id})
			continue
		}
		s.remove(sh, due.id)
		removed++
	}
	return removed, true
}

func (s *Store) remove(sh *shard, id session.RecordID) {
	if kept, ok := sh.records[id]; ok {
		subject := kept.subject
		kept.subject = ""
		s.index(id, kept, subject)
		delete(sh.records, id)
	}
}

// tidy drops the notes of deleted records once they outnumber the others.
func (sh *shard) tidy() {
	if len(sh.due) < 2*len(sh.records)+maxHold {
		return
	}
	sh.due = make(queue, 0, len(sh.records))
	for id, kept := range sh.records {
		sh.due.push(note{kept.expires, id})
	}
}

// note says when to look at a record. Its record may be gone or extended by then.
type note struct {
	expires int64
	id      session.RecordID
}

// queue is a binary heap, earliest first. container/heap would allocate for each note.
type queue []note

func (q *queue) push(n note) {
	h := append(*q, n)
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].expires <= h[i].expires {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
	*q = h
}

func (q *queue) pop() note {
	h := *q
	first := h[0]
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[child].expires < h[least].expires {
				least = child
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*q = h
	return first
}
