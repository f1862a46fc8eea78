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
}

// enter locks the session and loads it if need be. It returns nil, unlocked, when the request is over.
func (s *Session) enter() *state {
	s.mu.Lock()
	if s.phase == requestOver {
		s.mu.Unlock()
		s.m.emit(s.ctx, s.m.event(nil, Event{Reason: ReasonRequestOver, Err: usedTooLate()}))
		return nil
	}
	if s.st == nil {
		s.st = &state{}
		s.load(s.st)
	}
	return s.st
}

// enterToWrite also waits for a commit under way and refuses to write over what could not be loaded.
func (s *Session) enterToWrite() *state {
	st := s.enter()
	if st == nil {
		return nil
	}
	if st = s.awaitCommit(st); st != nil && st.failure != nil {
		st.refusal = st.failure
		s.leave()
		return nil
	}
	return st
}

// awaitCommit returns with no commit under way. A commit is bounded in time; one that outlives its bound is
// waiting for us, because a function given to Update writes to its own session.
func (s *Session) awaitCommit(st *state) *state {
	for st.committing {
		if st.settled == nil {
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
			err := errors.New("session: write during a commit that does not end: a function given to Update or Try must not write to the session")
			s.m.emit(s.ctx, s.m.event(nil, Event{Reason: ReasonCommitFailed, Err: err}))
			return nil
		}
	}
	return st
}

// leave unlocks the session and hands out the events that piled up.
func (s *Session) leave() {
	var events []Event
	if s.st != nil {
		events, s.st.events = s.st.events, nil
	}
	s.mu.Unlock()
	if events != nil {
		s.m.emit(s.ctx, events)
	}
}

func (s *Session) look(key string, note bool) view {
	st := s.enter()
	if st == nil {
		return view{err: ErrRequestOver}
	}
	defer s.leave()
	return view{value: st.look(key, note)}
}

func (s *Session) write(o operation) {
	if st := s.enterToWrite(); st != nil {
		st.write(o)
		s.leave()
	}
}

// writeIf writes unless the key no longer holds what the value was computed from.
func (s *Session) writeIf(o operation, old []byte) (done bool, err error) {
	st := s.enterToWrite()
	if st == nil {
		return true, s.Err()
	}
	defer s.leave()
	if !same(st.look(o.key, false), old) {
		return false, nil
	}
	st.write(o)
	return true, nil
}

// refuse reports a write that cannot be taken and lets the commit fail, so that no response claims it was saved.
func (s *Session) refuse(reason Reason, key string, err error) error {
	err = fmt.Errorf("session: key %q: %w", key, err)
	s.reject(reason, key, err)
	return err
}

func (s *Session) reject(reason Reason, key string, err error) {
	if st := s.enterToWrite(); st != nil {
		st.refusal, st.reported = err, err
		s.leave()
	}
	s.report(reason, key, err)
}

func (s *Session) report(reason Reason, key string, err error) {
	s.m.emit(s.ctx, s.m.event(nil, Event{Reason: reason, Key: key, Err: err, Handle: s.Handle()}))
}
