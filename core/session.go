package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Session is one visitor's session as one request sees it. Nothing is loaded before the first read or write,
// and nothing is saved before the response's first header byte, unless Save is called.
//
// All methods are safe for use by several goroutines of the request. After the request is over they do nothing and
// report ErrRequestOver.
type Session struct {
	m   *Manager
	ctx context.Context

	mu    sync.Mutex
	x     Exchange // nil once the request is over
	st    *state   // nil until the session is used
	phase phase
}

type phase byte

const (
	headersPending phase = iota
	headersSent
	requestOver
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

// Login binds the session to subject, a name like "user:42", and renews the token, so that a token planted
// before the login is worthless after it. Values stay, except when the session belonged to another subject: then
// what was stored is dropped and only this request's own changes stay. The absolute and authentication clocks
// start anew. An empty subject is refused.
func (s *Session) Login(subject string) {
	if subject == "" {
		s.reject(ReasonCommitFailed, "", errors.New("session: Login needs a subject"))
		return
	}
	st := s.enterToWrite()
	if st == nil {
		return
	}
	st.login, st.subject = true, strings.Clone(subject) // it may lie in a buffer that the framework reuses
	if st.found && len(st.held.env.subject) > 0 && string(st.held.env.subject) != subject {
		st.switched = true
		st.hide()
	}
	s.leave()
	s.rework()
}

// rework runs this request's updates again after a login as somebody else, on nothing: their results must
// not carry the other subject's values.
func (s *Session) rework() {
	for {
		st := s.enterToWrite()
		if st == nil {
			return
		}
		before, base, needed := slices.Clone(st.ops), st.values(), st.switched
		s.leave()
		if !needed || !slices.ContainsFunc(before, func(o operation) bool { return o.update != nil }) {
			return
		}
		after, err := base.replay(before)
		if err != nil {
			s.reject(ReasonCommitFailed, "", err)
			return
		}
		if s.swap(before, after) {
			return
		}
	}
}

// swap replaces the operations unless another goroutine of this request has written meanwhile.
func (s *Session) swap(before, after []operation) bool {
	st := s.enterToWrite()
	if st == nil {
		return true
	}
	defer s.leave()
	unchanged := slices.EqualFunc(st.ops, before, func(a, b operation) bool {
		return a.key == b.key && same(a.value, b.value)
	})
	if unchanged {
		st.ops = after
	}
	return unchanged
}

// Renew gives the session a new token and keeps everything else, the absolute deadline included. Use it when the
// visitor's rights change; Login does it by itself. Without a session it does nothing.
func (s *Session) Renew() {
	if st := s.enterToWrite(); st != nil {
		st.renew = true
		s.leave()
	}
}

// Touch extends the idle clock now, though the touch interval has not passed. Without a session it does nothing.
func (s *Session) Touch() {
	if st := s.enterToWrite(); st != nil {
		st.touch = true
		s.leave()
	}
}

// Clear drops all values. The session, its subject and its token stay; to log out use Destroy.
func (s *Session) Clear() {
	if st := s.enterToWrite(); st != nil {
		st.ops = nil
		st.hide()
		s.leave()
	}
}

// Destroy ends the session: nothing brings it back, not even a request that is in flight, and the cookie is
// deleted. What is written afterwards starts a new session. With a sealed cookie only the browser's copy ends.
func (s *Session) Destroy() {
	if st := s.enterToWrite(); st != nil {
		st.destroy()
		s.leave()
	}
}

// Subject returns whom the session belongs to, or "" for an anonymous visitor.
func (s *Session) Subject() string {
	st := s.enter()
	if st == nil {
		return ""
	}
	defer s.leave()
	if st.login {
		return st.subject
	}
	return string(st.held.env.subject)
}

// Exists reports whether the visitor has a session: a loaded one, or one that this request's writes will start.
func (s *Session) Exists() bool {
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	return st.found || st.login || st.starts()
}

// Handle returns the session's public id: safe to log and to show, stable across renewals, and useless as a
// token. It is "" until a new session has been saved.
func (s *Session) Handle() string {
	st := s.enter()
	if st == nil {
		return ""
	}
	defer s.leave()
	return st.held.env.handle.String()
}

// ExpiresAt returns when the session ends if it is not used again, as it was loaded or last saved. It is the
// zero time when there is no session.
func (s *Session) ExpiresAt() time.Time {
	st := s.enter()
	if st == nil {
		return time.Time{}
	}
	defer s.leave()
	if !st.found {
		return time.Time{}
	}
	return st.held.expires.time()
}

// Err returns why the session could not be loaded, why a write was refused, or why the last Save failed; nil
// if all is well. It loads the session, so that a handler can stop before it acts on an empty one. A handler that
// stops just returns: the client gets the error response whatever the handler writes.
func (s *Session) Err() error {
	st := s.enter()
	if st == nil {
		return ErrRequestOver
	}
	defer s.leave()
	switch {
	case st.failure != nil:
		return st.failure
	case st.refusal != nil:
		return st.refusal
	default:
		return st.err
	}
}

// Save commits now instead of before the first header byte, and tells how it went, so that the handler can decide:
// after an error its response goes out as it is, and the changes are dropped. After ErrConflict the session
// shows what is stored, so the handler can try again. Save needs no headers; a cookie that it makes
// necessary is set with the others.
func (s *Session) Save() error {
	err := s.commit()
	if st := s.enter(); st != nil {
		st.err = err
		s.leave()
	}
	return err
}

// String keeps values and metadata out of logs.
func (s *Session) String() string { return "session.Session" }
