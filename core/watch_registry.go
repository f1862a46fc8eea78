package session

import (
	"context"
	"sync"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// watched is a session that somebody watches.
type watched struct {
	id       RecordID // of its present record, as far as is known
	idle     wire.Millis
	absolute wire.Millis
	watchers []*watcher
	revocable
}

// watchedAs is what a record tells of its session.
func (m *Manager) watchedAs(rec *record) *watched {
	w := &watched{id: m.watchID(rec), idle: m.idleEnd(rec), absolute: m.absoluteEnd(&rec.env)}
	w.revocable = m.revocableAs(rec)
	if m.store == nil {
		w.idle = wire.Never // any response may have extended it
	}
	return w
}

// watchID names a session among those of one manager. A sealed one has no record and goes by its handle and subject,
// since somebody who plants an anonymous session in another browser shares the handle with whoever logs in there.
func (m *Manager) watchID(rec *record) RecordID {
	if m.store != nil {
		return rec.id
	}
	return purposeID(m.name, oneSession, string(rec.env.Subject), rec.env.Handle)
}

// end is when the session ends by what is known.
func (w *watched) end() wire.Millis { return min(w.idle, w.absolute) }

// overBy says which clock has run out, if one has.
func (w *watched) overBy(m *Manager, now wire.Millis) Reason {
	switch {
	case m.reached(w.absolute, now):
		return ReasonExpiredAbsolute
	case m.reached(w.idle, now):
		return ReasonExpiredIdle
	}
	return ""
}

// watcher is one context that Watch has returned.
type watcher struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	stop   func() bool // no longer calls watchers.remove when ctx ends
	of     *watched    // nil before it is registered, and once it is over
	gone   bool        // its context has ended before it was registered
	at     int         // in of.watchers
}

// watchers are a manager's. One goroutine looks after them while there are any.
type watchers struct {
	m    *Manager
	wake chan struct{} // has room for one

	mu          sync.Mutex
	sessions    map[RecordID]*watched
	running     bool
	sleepsUntil wire.Millis // on the application's clock
	revoked     bool        // this process has made a revocation

	// What has been reported, and lasts. Only the goroutine uses them.
	outage     bool // the store has failed
	unreadable bool // a record could not be read
}

// watching returns m's watchers. Until the first Watch there are none.
func (m *Manager) watching() *watchers {
	if h := m.watchers.Load(); h != nil {
		return h
	}
	m.watchers.CompareAndSwap(nil, &watchers{m: m, wake: make(chan struct{}, 1), sessions: map[RecordID]*watched{}})
	return m.watchers.Load()
}

// add registers a watcher of a session. What is known of it already may be older or newer; the later ends count, and
// what may revoke the later login, until the store has been asked. parent may be of the application's making, and is
// called without the lock.
func (h *watchers) add(parent context.Context, known *watched, w *watcher) {
	w.stop = context.AfterFunc(parent, func() { h.remove(w) })
	h.mu.Lock()
	defer h.mu.Unlock()
	if w.gone {
		return
	}
	of := h.sessions[known.id]
	if of == nil {
		of = known
		h.sessions[of.id] = of
	}
	of.idle, of.absolute = max(of.idle, known.idle), max(of.absolute, known.absolute)
	if known.login > of.login {
		of.revocable = known.revocable
	}
	of.join(w)
	if !h.running {
		h.running = true
		go h.run()
	} else if of.end() < h.sleepsUntil {
		h.nudge()
	}
}

func (w *watched) join(one *watcher) {
	one.of, one.at = w, len(w.watchers)
	w.watchers = append(w.watchers, one)
}

// remove forgets a watcher whose context has ended. The goroutine ends with the last one.
func (h *watchers) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := w.of
	if of == nil {
		w.gone = true
		return
	}
	last := len(of.watchers) - 1
	of.watchers[w.at] = of.watchers[last]
	of.watchers[w.at].at = w.at
	of.watchers[last] = nil
	of.watchers, w.of = of.watchers[:last], nil
	if last == 0 {
		h.drop(of)
	}
}

// drop forgets a session, and returns who has to be told.
func (h *watchers) drop(w *watched) []*watcher {
	for _, one := range w.watchers {
		one.of = nil
	}
	delete(h.sessions, w.id)
	if len(h.sessions) == 0 {
		h.sessions = map[RecordID]*watched{} // a map keeps the room that it once needed
		h.nudge()
	}
	return w.watchers
}

// nudge has the goroutine look again for how long to sleep.
func (h *watchers) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// end tells all who watch a session that it is over.
func (h *watchers) end(id RecordID, cause error) {
	h.mu.Lock()
	var told []*watcher
	if w := h.sessions[id]; w != nil {
		told = h.drop(w)
	}
	h.mu.Unlock()
	tell(told, cause)
}

// tell ends contexts. It is called without the lock, because whoever waits for one may run at once.
func tell(told []*watcher, cause error) {
	for _, w := range told {
		w.stop()
		w.cancel(cause)
	}
}

// learn takes over what the store has said of a session.
func (h *watchers) learn(known *watched) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.sessions[known.id]; w != nil {
		w.idle, w.absolute, w.revocable = known.idle, known.absolute, known.revocable
	}
}

// move notes that a renewal has given a session another record. Whoever watches that one already joins in.
func (h *watchers) move(from, to RecordID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	w := h.sessions[from]
	if w == nil {
		return
	}
	delete(h.sessions, from)
	w.id = to
	there := h.sessions[to]
	if there == nil {
		h.sessions[to] = w
		return
	}
	for _, one := range w.watchers {
		there.join(one)
	}
}
