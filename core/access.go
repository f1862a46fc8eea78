package session

import (
	"errors"
	"fmt"
	"time"
)

// view is one key as a request sees it.
type view struct {
	value []byte // nil: absent
	err   error
	told  bool // err has been reported
}

// enter locks the session and loads it if need be. It returns nil, unlocked, when the request is over.
func (s *Session) enter() *state {
	s.mu.Lock()
	if s.phase == requestOver {
		s.mu.Unlock()
		s.report(Event{Reason: ReasonRequestOver, Err: ErrRequestOver, Source: applicationLine()})
		return nil
	}
	if s.st == nil {
		s.firstUse()
	}
	return s.st
}

func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == requestOver
}

// firstUse loads the session. If that panics, the session has failed to load, and nobody waits for the lock.
func (s *Session) firstUse() {
	st, loaded := &state{}, false
	s.st = st
	defer func() {
		if !loaded {
			st.rarely().failure = errLoadPanicked
			st.held, st.found, st.retired = kept{}, false, false
			s.mu.Unlock()
		}
	}()
	s.load(st)
	loaded = true
}

var (
	errPanicked     = errors.New("session: a store or a function of the application panicked")
	errLoadPanicked = unavailable("load", errPanicked)
)

// enterToWrite also waits for a commit under way and refuses to write over what could not be loaded.
func (s *Session) enterToWrite() (*state, error) {
	st := s.enter()
	if st == nil {
		return nil, ErrRequestOver
	}
	if !s.awaitCommit(st) {
		s.report(Event{Reason: ReasonCommitFailed, Err: errEndless, Source: applicationLine()})
		return nil, errEndless
	}
	if s.phase == requestOver { // it ended while we waited
		s.mu.Unlock()
		return s.enterToWrite()
	}
	st.want()
	if err := st.failed(); err != nil {
		st.changes.refusal = err
		s.leave()
		return nil, err
	}
	return st, nil
}

var errEndless = errors.New("session: write during a commit that does not end: a function given to Update or Try must not write to the session")

// awaitCommit returns true, with the lock held, once no commit is under way. A commit is bounded in time; one that
// outlives its bound is waiting for us, because a function given to Update writes to its own session. Then it
// returns false, unlocked.
func (s *Session) awaitCommit(st *state) bool {
	for st.committing {
		if st.rarely().settled == nil {
			st.settled = make(chan struct{})
		}
		settled := st.settled
		s.mu.Unlock()
		timer := time.NewTimer(s.m.storeTimeout + time.Second)
		select {
		case <-settled:
			timer.Stop()
			s.mu.Lock()
		case <-timer.C:
			return false
		}
	}
	return true
}

// leave unlocks the session and hands out the events that piled up.
func (s *Session) leave() {
	var events []Event
	if s.st != nil && s.st.rare != nil {
		events, s.st.events = s.st.events, nil
	}
	for i := range events {
		if events[i].Err != nil {
			events[i].Route = route(s.x)
		}
	}
	s.mu.Unlock()
	if events != nil {
		s.m.emit(s.ctx, events)
	}
}

func (s *Session) look(key string, note bool) view {
	st := s.enter()
	if st == nil {
		return view{err: ErrRequestOver, told: true}
	}
	defer s.leave()
	return view{value: st.look(key, note)}
}

func (s *Session) write(o operation) {
	if st, err := s.enterToWrite(); err == nil {
		st.write(o, st.look(o.key, false))
		s.leaveChanged(st)
	}
}

// writeIf writes unless the key no longer holds what the value was computed from.
func (s *Session) writeIf(o operation, old []byte) (done bool, err error) {
	st, err := s.enterToWrite()
	if err != nil {
		return true, err
	}
	defer s.leaveChanged(st)
	now := st.look(o.key, false)
	if !same(now, old) {
		return false, nil
	}
	st.write(o, now)
	return true, nil
}

// refuse reports a write that cannot be taken and lets the commit fail, so that no response claims it was saved.
func (s *Session) refuse(reason Reason, key string, err error) error {
	err = fmt.Errorf("session: key %q: %w", key, err)
	s.reject(reason, key, err)
	return err
}

func (s *Session) reject(reason Reason, key string, err error) {
	st, unable := s.enterToWrite()
	if unable != nil { // which has been reported
		return
	}
	st.changes.refusal = err
	e := Event{Reason: reason, Key: key, Err: err, Source: applicationLine()}
	news := s.blame(&e) // in one step with the refusal, so that no commit tells of it before
	s.leave()
	if news {
		s.m.emit(s.ctx, s.m.event(nil, e))
	}
}
