package session

import (
	"net/http"
	"strings"
)

// setAllHeaders sets what the response has to say about the session.
func (s *Session) setAllHeaders() {
	s.mu.Lock()
	s.headersSet = true
	st := s.st
	line := st.cookie
	if line == "" {
		line = st.offer()
	}
	s.mu.Unlock()
	s.setHeadersFor(st, line)
}

// setHeadersFor sets what the use of the session demands of caches (RFC 9111 §4.1, OWASP: a response that carries
// a session id must not be stored) and the token's own header, if the client has to be told of one.
func (s *Session) setHeadersFor(st *state, line string) {
	s.vary()
	if s.carries(line) {
		s.handOver(line)
		s.keepFromCaches()
	} else if s.x.ResponseHeader("Cache-Control") == "" {
		s.x.SetResponseHeader("Cache-Control", "private")
	}
	s.setForeignCookies(st, line)
	if st.guarded() {
		s.keepFromCaches()
	} else if st.several() {
		for _, former := range s.m.cookie.former {
			s.x.AddCookie(former)
		}
		s.keepFromCaches()
	}
}

// keepFromCaches forbids everybody to store the response. Some caches obey a header of their own before Cache-Control.
func (s *Session) keepFromCaches() {
	s.x.RemoveResponseHeaders(steersCaches)
	s.x.SetResponseHeader("Cache-Control", "no-store")
}

// steersCaches knows Cache-Control, those that target one cache, like CDN-Cache-Control (RFC 9213), and older ones.
func steersCaches(name string) bool {
	const suffix = "Cache-Control"
	return len(name) >= len(suffix) && strings.EqualFold(name[len(name)-len(suffix):], suffix) ||
		strings.EqualFold(name, "Surrogate-Control") || strings.EqualFold(name, "Edge-Control") ||
		strings.EqualFold(name, "X-Accel-Expires")
}

// carries reports whether the response has to carry what a line of Set-Cookie says. There is nothing to delete for a
// bearer.
func (s *Session) carries(line string) bool {
	return line != "" && (!s.client.isBearer() || s.m.cookie.valueIn(line) != "")
}

// handOver gives the client the token that the line of a Set-Cookie has.
func (s *Session) handOver(line string) {
	if s.client.isBearer() {
		s.x.SetResponseHeader(tokenHeader, s.m.cookie.valueIn(line))
		return
	}
	s.warnOfPlainHTTP()
	s.x.SetCookie(s.m.cookie.name, line)
}

// vary tells caches which headers of requests the response depends on.
func (s *Session) vary() {
	wanted, vary := s.m.transport.variesBy(), s.x.ResponseHeader("Vary")
	if vary == "" {
		s.x.SetResponseHeader("Vary", wanted)
		return
	}
	all := vary
	for field := range strings.SplitSeq(wanted, ", ") {
		if !lists(vary, field) {
			all += ", " + field
		}
	}
	if all != vary {
		s.x.SetResponseHeader("Vary", all)
	}
}

// lists reports whether a Vary header lists a field, or all there are.
func lists(vary, wanted string) bool {
	for field := range strings.SplitSeq(vary, ",") {
		if field = strings.TrimSpace(field); field == "*" || strings.EqualFold(field, wanted) {
			return true
		}
	}
	return false
}

// answerError reports the failure of a commit, resets the response and returns the one that goes out.
func (s *Session) answerError(err error) Response {
	s.reportCommit(Event{Reason: ReasonCommitFailed, Err: err})
	instead := s.m.respond(err, s.x.RequestHeader).complete()
	s.x.ResetResponse()
	for name, value := range instead.Header {
		s.x.SetResponseHeader(http.CanonicalHeaderKey(name), value)
	}
	s.x.SetResponseHeader("Content-Type", instead.ContentType)
	s.keepFromCaches()
	s.setAllHeaders()
	return instead
}
