package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
)

// Session is one visitor's session as one request sees it. Nothing is loaded before the first read or write,
// and nothing is saved before the response's first header byte, unless Save is called.
//
// All methods are safe for use by several goroutines of the request. After the request is over they do nothing and
// report ErrRequestOver.
type Session struct {
	m      *Manager
	ctx    context.Context
	client *client // nil unless Options.ClientHints asks for it

	mu         sync.Mutex
	x          Exchange // nil once the request is over
	st         *state   // nil until the session is used
	phase      phase
	headersSet bool          // nothing is left to set of Vary, Cache-Control and Set-Cookie
	crossSite  bool          // another origin's page has caused the request, which may not write
	begunAt    uptimeSeconds // when the request began
}

type phase byte

const (
	headersPending phase = iota
	headersSent
	requestOver
)

// Login binds the session to subject, a name like "user:42", and renews the token. A token planted before the login
// opens nothing after it, and a request in flight with it cannot write into the session: it gets ErrEnded, and of
// what it does only Destroy follows, unless the login was as another subject than the session's. Values stay, except
// when the session belonged to another subject: then what was stored is dropped and only this request's own changes
// stay. The absolute and authentication clocks start anew. The session's own lifetime stays with its subject:
// a login as somebody else, or of an anonymous visitor, begins with the manager's, or with what Options.LifetimeFor
// says. An empty subject is refused.
//
// Of two logins in flight at once each gets a session of its own. Options.MaxPerSubject limits what a subject can have.
//
// With Label a session can be ended by something else than its subject.
func (s *Session) Login(subject string, options ...LoginOption) {
	if subject == "" {
		s.reject(ReasonCommitFailed, "", errors.New("session: Login needs a subject"))
		return
	}
	lifetime, err := s.m.lifetimeForLogin(subject)
	if err == nil {
		err = s.m.checkLabels(options)
	}
	if err != nil {
		s.reject(ReasonCommitFailed, "", err)
		return
	}
	st, err := s.enterToWrite()
	if err != nil {
		return
	}
	if err := st.addLabels(subject, options); err != nil {
		s.leave()
		s.reject(ReasonCommitFailed, "", err)
		return
	}
	st.pending.loginLifetime(lifetime)
	st.pending.login, st.pending.subject = true, strings.Clone(subject) // it may lie in a buffer that the framework reuses
	if owner := st.storedSubject(); len(owner) > 0 && string(owner) != subject {
		st.pending.switched = true
		st.hide()
		updated := slices.ContainsFunc(st.pending.ops, func(o operation) bool { return o.update != nil })
		if updated && st.pending.refusal == nil {
			st.pending.refusal = errUpdatesNotRerun // until rerunUpdates has repeated them: commits fail
		}
	}
	s.leaveChanged(st)
	s.rerunUpdates()
}

var errUpdatesNotRerun = errors.New("session: changes made before a login as somebody else could not be repeated")

// rerunUpdates runs this request's updates again after a login as somebody else, on nothing: their results must
// not carry the other subject's values.
func (s *Session) rerunUpdates() {
	for {
		st, err := s.enterToWrite()
		if err != nil {
			return
		}
		before, needed := slices.Clone(st.pending.ops), errors.Is(st.pending.refusal, errUpdatesNotRerun)
		base := st.valuesAt(s.m, 0)
		s.leave()
		if !needed {
			return
		}
		after, err := base.at(s.m.now()).rerun(before)
		if err != nil {
			s.reject(ReasonCommitFailed, "", err)
			return
		}
		if s.replaceOperations(before, after) {
			return
		}
	}
}

// replaceOperations replaces the operations unless another goroutine of this request has written meanwhile.
func (s *Session) replaceOperations(before, after []operation) bool {
	st, err := s.enterToWrite()
	if err != nil {
		return true
	}
	defer s.leave()
	unchanged := slices.EqualFunc(st.pending.ops, before, func(a, b operation) bool {
		return a.key == b.key && same(a.value, b.value)
	})
	if unchanged {
		st.pending.ops, st.pending.refusal = after, nil
	}
	return unchanged
}

// Renew gives the session a new token and keeps everything else, the absolute deadline included. Use it when the
// visitor's rights change; Login does it by itself. The old token opens nothing afterwards. Requests in flight with it
// write into the renewed session and learn nothing of it; if they renew too, theirs is dropped, so there is one session
// in the end. Without a session it does nothing.
func (s *Session) Renew() {
	if st, err := s.enterToWrite(); err == nil {
		st.pending.renew = true
		s.leaveChanged(st)
	}
}

// Touch extends the idle clock now, though the touch interval has not passed. Without a session it does nothing.
func (s *Session) Touch() {
	if st, err := s.enterToWrite(); err == nil {
		st.pending.touch = true
		s.leaveChanged(st)
	}
}

// Clear drops all values. The session, its subject and its token stay; to log out use Destroy.
func (s *Session) Clear() {
	if st, err := s.enterToWrite(); err == nil {
		st.pending.ops = nil
		st.hide()
		s.leaveChanged(st)
	}
}

// Destroy ends the session: nothing brings it back, not even a request that is in flight, and the cookie is
// deleted. Requests in flight that write get ErrEnded. If the session was renewed meanwhile, or logged in as the same
// subject or from an anonymous one, what has become of it ends. Further sessions that the request's cookies opened
// end too. What is written afterwards starts a new session. With a sealed cookie only the browser's copy ends, unless
// Options.Revocations is set and the session is somebody's.
func (s *Session) Destroy() {
	if st, err := s.enterToWrite(); err == nil {
		st.destroy()
		s.leaveChanged(st)
	}
}

// Subject returns whom the session belongs to, or "" for an anonymous visitor.
func (s *Session) Subject() string {
	st := s.enter()
	if st == nil {
		return ""
	}
	defer s.leave()
	if a := st.changes(); a.login {
		return a.subject
	}
	return string(st.storedSubject())
}

// Exists reports whether the visitor has a session: a loaded one, or one that this request's writes will start.
func (s *Session) Exists() bool {
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	return st.found || st.changes().login || st.startsSession()
}

// Handle returns the session's public id: safe to log and to show, stable across renewals, and useless as a
// token. It is "" until a new session has been saved.
func (s *Session) Handle() string {
	st := s.enter()
	if st == nil {
		return ""
	}
	defer s.leave()
	return st.handle()
}

// Err returns why the session could not be loaded, why a write was refused, or why the last Save failed; nil
// if all is well. It loads the session, so that a handler can stop before it acts on an empty one. A handler that
// stops just returns: the client gets the error response whatever the handler writes. Two cases are different, and
// there the handler answers itself: after a failed Save, and with Options.AnonymousWhenUnavailable.
func (s *Session) Err() error {
	st := s.enter()
	if st == nil {
		return ErrRequestOver
	}
	defer s.leave()
	switch failure := st.blocked(); {
	case failure != nil:
		return failure
	case st.changes().refusal != nil:
		return st.changes().refusal
	}
	return st.saveErr()
}

// Save commits now instead of before the first header byte, and tells how it went, so that the handler can decide:
// after an error its response goes out as it is, and the changes are dropped. After ErrConflict the session
// shows what is stored, so the handler can try again. Save needs no headers; a cookie that it makes
// necessary is set with the others.
//
// The errors are ErrConflict, ErrEnded, ErrTooManySessions, ErrTooLarge, ErrUnavailable, ErrCrossSite, ErrCommitted
// once the headers have left, ErrRequestOver, and what a write was refused for, such as a value that cannot be stored.
// A session that could not be loaded cannot be saved: that is ErrUnavailable, and the response is replaced all the
// same.
//
// The error is the caller's alone: a failed Save makes no event and no log line. A write that was refused before has
// made one where it happened.
//
// Where the request has not used its session there is nothing to save, and Save does not look it up.
func (s *Session) Save() error {
	switch {
	case s.unused():
		return nil
	case s.fills():
		s.reject(ReasonCommitFailed, "", errOnlyFills)
		return errOnlyFills
	}
	err := s.commitNow(early)
	if errors.Is(err, ErrRequestOver) { // which has been reported
		return err
	}
	if st := s.enter(); st != nil {
		if err != nil || st.saveErr() != nil {
			st.rarely().saveErr = err
		}
		s.leave()
	}
	return err
}

// String keeps values and metadata out of logs.
func (s *Session) String() string { return "session.Session" }
