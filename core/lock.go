package session

import (
	"errors"
	"time"
)

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

// unused reports whether a request that is not over has not used its session yet.
func (s *Session) unused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st == nil && s.phase != requestOver
}

func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.phase == requestOver
}

// firstUse loads the session. If loading panics, the session counts as failed to load and the lock is released.
func (s *Session) firstUse() {
	st, loaded := &state{}, false
	s.st = st
	defer func() {
		if !loaded {
			st.rarely().blocked, st.rarely().reason = errLoadPanicked, ReasonLoadFailed
			st.forget(0)
			s.mu.Unlock()
		}
	}()
	if s.crossSite {
		st.ignoreCookies(s)
	} else {
		s.load(st)
	}
	loaded = true
}

var (
	errPanicked     = errors.New("session: a store or a function of the application panicked")
	errLoadPanicked = unavailable("load", errPanicked)
)

// enterToWrite also waits for a commit under way and refuses to write where that is not allowed.
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
	st.beginChanges()
	if err := s.readOnly(st); err != nil {
		st.pending.refusal = err
		s.leave()
		return nil, err
	}
	return st, nil
}

var errEndless = errors.New("session: write during a commit that does not end: a function given to Update or Try " +
	"must not write to the session")

// awaitCommit returns true, with the lock held, once no commit is under way. A commit is bounded in time. One that
// takes longer has run a function given to Update that waits here, to write to its own session: then awaitCommit
// returns false, unlocked.
func (s *Session) awaitCommit(st *state) bool {
	for st.committing {
		r := st.rarely()
		if r.commitOver == nil {
			r.commitOver = make(chan struct{})
		}
		over := r.commitOver
		s.mu.Unlock()
		timer := time.NewTimer(s.m.storeTimeout + time.Second)
		select {
		case <-over:
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
	events := s.st.takeEvents()
	for i := range events {
		if events[i].Err != nil {
			events[i].Route = route(s.x)
		}
	}
	s.mu.Unlock()
	if events != nil {
		s.emit(events)
	}
}

// leaveChanged is leave after a change. If the change needs a cookie and the headers are out, it remembers the
// application's line, which cannot be found any more when End reports the failure.
func (s *Session) leaveChanged(st *state) {
	if s.phase == headersSent && st.needsCookie(s.m, s.client.isBearer()) && st.lateLine() == "" {
		st.rarely().lateLine = applicationLine()
	}
	s.leave()
}
