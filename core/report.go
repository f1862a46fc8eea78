package session

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// owner is whose session a failure concerns.
type owner struct{ handle, subject string }

// concerns returns whose session the request's changes are about: a login's subject, and what a Destroy is to end.
func (st *state) concerns() owner {
	a, e := st.changes(), st.base.envelope()
	if a.ending != nil && a.ending.own && !st.found {
		e = a.ending.sessions[0].env
	}
	switch {
	case a.login && a.switched:
		return owner{subject: a.subject}
	case a.login:
		return owner{e.Handle.String(), a.subject}
	}
	return owner{e.Handle.String(), string(e.Subject)}
}

// report tells of a failure unless it has been told.
func (s *Session) report(e Event) {
	s.mu.Lock()
	news := s.firstReport(&e)
	s.mu.Unlock()
	if news {
		s.emit(s.m.appendEvent(nil, e))
	}
}

// reportCommit is report for a commit that has failed, after which the request's changes are gone.
func (s *Session) reportCommit(e Event) {
	s.mu.Lock()
	lost := s.st.rarely().failed
	s.mu.Unlock()
	e.Handle, e.Subject = lost.handle, lost.subject
	s.report(e)
}

// firstReport completes the event of a failure. It returns false if the mistake has been told: a line that errs in a
// loop is one mistake, and so are a refused write, or a failed load, and the commit that fails of it. The lock is
// held.
func (s *Session) firstReport(e *Event) bool {
	if e.Route == "" {
		e.Route = route(s.x)
	}
	e.Key = strings.Clone(e.Key) // it may lie in a buffer that the framework reuses, and events are kept
	if s.st == nil {
		return true
	}
	if e.Handle == "" && e.Subject == "" {
		p := s.st.concerns()
		e.Handle, e.Subject = p.handle, p.subject
	}
	r := s.st.rarely()
	if slices.ContainsFunc(r.faults, func(f fault) bool { return f.isSameAs(e) }) {
		return false
	}
	r.faults = append(r.faults, fault{e.Reason, e.Key, e.Source, e.Err})
	return true
}

// fault is a failure that has been reported.
type fault struct {
	reason      Reason
	key, source string
	err         error
}

// isSameAs reports whether e is the same mistake.
func (f *fault) isSameAs(e *Event) bool {
	if e.Source == "" {
		return errors.Is(e.Err, f.err)
	}
	return f.reason == e.Reason && f.key == e.Key && f.source == e.Source
}

// applicationLine returns file:line of the innermost call that is neither in this package, or one below it, nor in the
// runtime, as when a deferred call runs; "" where there is none, as in go s.Renew().
func applicationLine() string {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !inside(frame.Function, ownPackage) && !inside(frame.Function, "runtime") {
			return frame.File + ":" + strconv.Itoa(frame.Line)
		}
		if !more {
			return ""
		}
	}
}

var ownPackage = reflect.TypeFor[Session]().PkgPath()

// inside reports whether a function belongs to a package or to one in a folder of it.
func inside(function, pkg string) bool {
	rest, ok := strings.CutPrefix(function, pkg)
	return ok && rest != "" && (rest[0] == '.' || rest[0] == '/')
}

// maxRoute is how long a route may be in an event, in bytes, before it is cut.
const maxRoute = 200

// route returns a request's method and path, or "" if the request is over or its adapter tells neither. Clients choose
// both, so whatever is not printable ASCII is percent-encoded: logs are shown on terminals.
func route(x Exchange) string {
	if x == nil {
		return ""
	}
	method, path := x.Method(), x.Facts().Path
	if method == "" && path == "" {
		return ""
	}
	b := appendPrintable(make([]byte, 0, 64), method)
	b = appendPrintable(append(b, ' '), path)
	if len(b) > maxRoute {
		b = append(b[:maxRoute], "..."...)
	}
	return string(b)
}

func appendPrintable(b []byte, s string) []byte {
	for i := 0; i < len(s) && len(b) <= maxRoute; i++ {
		if c := s[i]; c > ' ' && c < 0x7f {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "%%%02X", c)
		}
	}
	return b
}
