package session

import (
	"context"
	"slices"
	"sync"
	"time"
)

// turns lets the requests of this process that write one record do so one after the other: an attempt that is bound to
// lose costs the store as much as one that succeeds. Managers that share a store share records, so all of them queue
// here. A record that nobody writes has no entry, and those who write different records never wait for each other.
//
// A turn saves work and is no lock: versions decide who wins. So nobody makes a first attempt wait for a holder that
// gets nowhere.
var turns turnTable

// turnKey names what is taken turns at: a record by its id, the logins of a subject by a hash.
type turnKey [32]byte

// turnTable has a queue for each record that is being written, in parts that have a lock each.
type turnTable struct {
	parts [64]turnPart
}

type turnPart struct {
	mu     sync.Mutex
	queues map[turnKey]turnQueue // of records that are being written
}

type turnQueue struct {
	waiting []chan struct{}
	passed  uint64 // how many turns have been passed on
}

func (t *turnTable) part(key turnKey) *turnPart { return &t.parts[int(key[0])%len(t.parts)] }

// turnResult is what came of waiting for a turn.
type turnResult byte

const (
	turnFree     turnResult = iota // nobody had it
	turnPassedOn                   // whoever had it has passed it on, having written the record
	turnRefused                    // nobody passed one on for longer than there was patience
)

// take waits for the turn of a record, which has to be given back with pass unless it was refused. With a patience
// that is zero, it waits until ctx ends.
func (t *turnTable) take(ctx context.Context, key turnKey, patience time.Duration) (turnResult, error) {
	p := t.part(key)
	mine := p.enter(key)
	if mine == nil {
		return turnFree, nil
	}
	var tired <-chan time.Time
	if patience > 0 {
		ticker := time.NewTicker(patience)
		defer ticker.Stop()
		tired = ticker.C
	}
	for before := p.count(key); ; {
		select {
		case <-mine:
			return turnPassedOn, nil
		case <-ctx.Done():
			t.leave(key, mine)
			return turnRefused, ctx.Err()
		case <-tired:
			now := p.count(key)
			if now == before {
				t.leave(key, mine)
				return turnRefused, nil
			}
			before = now
		}
	}
}

// enter takes the turn, or joins the queue and returns what is closed when the turn comes.
func (p *turnPart) enter(key turnKey) (mine chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, taken := p.queues[key]
	if !taken {
		if p.queues == nil {
			p.queues = map[turnKey]turnQueue{}
		}
		p.queues[key] = turnQueue{}
		return nil
	}
	mine = make(chan struct{})
	q.waiting = append(q.waiting, mine)
	p.queues[key] = q
	return mine
}

func (p *turnPart) count(key turnKey) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.queues[key].passed
}

// leave gives up waiting. The turn may have come in the same moment; then the next one gets it.
func (t *turnTable) leave(key turnKey, mine chan struct{}) {
	p := t.part(key)
	p.mu.Lock()
	q := p.queues[key]
	i := slices.Index(q.waiting, mine)
	if i >= 0 {
		q.waiting = slices.Delete(q.waiting, i, i+1)
		p.queues[key] = q
	}
	p.mu.Unlock()
	if i < 0 {
		t.pass(key)
	}
}

// pass gives the turn of a record to whoever has waited longest.
func (t *turnTable) pass(key turnKey) {
	p := t.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.queues[key]
	if len(q.waiting) == 0 {
		delete(p.queues, key)
		return
	}
	next := q.waiting[0]
	p.queues[key] = turnQueue{q.waiting[1:], q.passed + 1}
	close(next)
}

// queue waits for a record's turn before the first attempt to write it, if another request of this process has it. It
// reports whether that request has written it: then the first attempt would fail.
func (c *commit) queue(id RecordID) (written bool, err error) {
	got, err := c.takeTurn(id, c.m.storeTimeout/20)
	return got == turnPassedOn, err
}

// takeTurn waits for a record's turn, and gives up the turn that was held before.
func (c *commit) takeTurn(id RecordID, patience time.Duration) (turnResult, error) {
	if c.holdsTurn && c.turnOf == id {
		return turnFree, nil
	}
	c.release()
	if err := c.ctx.Err(); err != nil { // whatever the store makes of its context
		return turnRefused, unavailable("commit", err)
	}
	got, err := turns.take(c.ctx, turnKey(id), patience)
	if err != nil {
		return got, unavailable("commit", err)
	}
	c.turnOf, c.holdsTurn = id, got != turnRefused
	return got, nil
}

// release lets the next request have its turn.
func (c *commit) release() {
	if c.holdsTurn {
		turns.pass(turnKey(c.turnOf))
		c.holdsTurn = false
	}
}
