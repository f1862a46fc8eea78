package session

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

const (
	// watchPage is how many records are asked for at once.
	watchPage = 500
	// maxMoves is how many renewals of a session are followed at once. The rest waits for the next interval.
	maxMoves = 16
)

// run looks after the watchers until there are none.
func (h *watchers) run() {
	next := time.Now().Add(h.m.watchEvery)
	for {
		wait, goOn := h.sleep(next)
		if !goOn {
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-h.wake:
			timer.Stop()
			if h.takeRevoked() {
				h.note(&h.outage, recovered(h.askRevocations), false)
			}
			continue
		case <-timer.C:
		}
		all := time.Until(next) <= 0
		if all {
			next = time.Now().Add(h.m.watchEvery)
		}
		h.look(all)
	}
}

// sleep returns for how long there is nothing to do: until the next interval, or until a session seems to have run
// out. It returns false when nobody watches any more. Where the application's clock lags it asks again a hundred times
// in an interval, and not more often.
func (h *watchers) sleep(next time.Time) (wait time.Duration, goOn bool) {
	now := h.m.now() // without the lock, since it is the application's
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.sessions) == 0 {
		h.running = false
		return 0, false
	}
	first := wire.Never
	for _, w := range h.sessions {
		first = min(first, w.end())
	}
	wait = max(0, time.Until(next))
	if left := first + h.m.leeway - now; left < wire.FromDuration(wait) {
		wait = min(wait, max(left.Duration(), h.m.watchEvery/100))
	}
	h.sleepsUntil = now + wire.FromDuration(wait)
	return wait, true
}

// look finds out which sessions have ended: all, or only those that seem to have run out. Those of which the store
// says nothing are judged by what is known.
func (h *watchers) look(all bool) {
	r := round{h: h}
	r.note(recovered(func() error {
		r.all(all)
		return nil
	}))
	h.note(&h.outage, r.failure, all)
	h.note(&h.unreadable, r.unreadable, all && r.failure == nil)
	h.endRunOut()
}

// all asks for what there is to ask for.
func (r *round) all(all bool) {
	if r.h.m.store != nil {
		ids := r.h.toAsk(all)
		for moves := 0; len(ids) > 0 && moves < maxMoves && r.failure == nil; moves++ {
			ids = r.ask(ids)
		}
	}
	if all && r.h.m.revocations != nil {
		r.note(r.h.askRevocations())
	}
}

// recovered calls f, and returns its panic as an error: a store's fault in this goroutine is not to end the program,
// which in a request's it does not either.
func recovered(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanicked, v, debug.Stack())
		}
	}()
	return f()
}

// toAsk returns the ids of the records to look at.
func (h *watchers) toAsk(all bool) (ids []RecordID) {
	now := h.m.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, w := range h.sessions {
		if all || w.overBy(h.m, now) != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// endRunOut ends what has run out by what is known.
func (h *watchers) endRunOut() {
	now := h.m.now()
	over := map[Reason][]*watcher{}
	h.mu.Lock()
	for _, w := range h.sessions {
		if why := w.overBy(h.m, now); why != "" {
			over[why] = append(over[why], h.drop(w)...)
		}
	}
	h.mu.Unlock()
	for why, told := range over {
		tell(told, causeOf(why))
	}
}

// note reports the first failure of a trouble. It is over when all could be asked. An OnEvent that panics is not told
// of it again.
func (h *watchers) note(told *bool, failure error, all bool) {
	switch {
	case failure == nil:
		*told = *told && !all
	case !*told:
		*told = true
		e := Event{Reason: ReasonWatchFailed, Err: unavailable("watch", failure)}
		_ = recovered(func() error {
			h.m.emit(context.Background(), h.m.appendEvent(nil, e))
			return nil
		})
	}
}

// round is one look at the store.
type round struct {
	h       *watchers
	moved   []RecordID // where renewals have led to
	failure error      // the first
	inARow  int        // how many pages have failed

	unreadable error // the first record that could not be read, as one of a newer version
}

// ask takes over what the store says of these records, and returns where renewals have led to, to be asked for next. A
// store that does not answer in time, or has failed several times in a row, is asked no further.
func (r *round) ask(ids []RecordID) (moved []RecordID) {
	r.moved = nil
	for page := range slices.Chunk(ids, watchPage) {
		if hung := r.page(page); hung || r.inARow >= maxFailures {
			break
		}
	}
	return r.moved
}

// page asks for one page. A record that is missing from an answer without an error is gone.
func (r *round) page(ids []RecordID) (hung bool) {
	records, hung, err := r.h.load(ids)
	present := make(map[RecordID]bool, len(records))
	now := r.h.m.now()
	for i := range records {
		present[records[i].ID] = true
		if err := r.judge(&records[i], now); err != nil && r.unreadable == nil {
			r.unreadable = err
		}
	}
	if r.note(err); err != nil {
		r.inARow++
		return hung
	}
	r.inARow = 0
	for _, id := range ids {
		if !present[id] {
			r.h.end(id, causeOf(ReasonUnknown))
		}
	}
	return false
}

// note remembers the first failure.
func (r *round) note(err error) {
	if r.failure == nil {
		r.failure = err
	}
}

// judge takes over what one record says: the session has ended, goes on under another record, or lives until then.
func (r *round) judge(stored *Record, now wire.Millis) error {
	var rec record
	m := r.h.m
	reason, err := m.judge(&rec, now, rec.fromStore(stored))
	switch {
	case err != nil:
		return err
	case reason == ReasonSuperseded && rec.env.Flags&wire.LeftByLogin == 0:
		r.h.move(stored.ID, rec.env.Successor())
		r.moved = append(r.moved, rec.env.Successor())
	case reason != "":
		r.h.end(stored.ID, causeOf(reason))
	default:
		r.h.learn(m.watchedAs(&rec))
	}
	return nil
}

// load loads one page. hung reports whether its time was up.
func (h *watchers) load(ids []RecordID) (records []Record, hung bool, err error) {
	if h.m.batch != nil {
		ctx, cancel := context.WithTimeout(context.Background(), h.m.storeTimeout)
		defer cancel()
		records, err = h.m.batch.LoadAll(ctx, ids)
		if !errors.Is(err, errors.ErrUnsupported) {
			return records, ctx.Err() != nil, err
		}
	}
	return h.loadEach(ids)
}

// loadEach is load for a store that has to be asked for each record.
func (h *watchers) loadEach(ids []RecordID) (records []Record, hung bool, first error) {
	for inARow, i := 0, 0; i < len(ids) && inARow < maxFailures && !hung; i++ {
		r, late, err := h.loadOne(ids[i])
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			inARow, hung = inARow+1, late
			if first == nil {
				first = err
			}
			continue
		default:
			records = append(records, r)
		}
		inARow = 0
	}
	return records, hung, first
}

func (h *watchers) loadOne(id RecordID) (r Record, hung bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), h.m.storeTimeout)
	defer cancel()
	r, err = h.m.store.Load(ctx, id)
	r.ID = id
	return r, ctx.Err() != nil, err
}
