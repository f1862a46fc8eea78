// Package responsewriter is what the adapters of the net/http family share: one request's exchange with the core,
// and the response writer that commits before the first header byte.
package responsewriter

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// Exchange is one request. It holds the session and the handler's request, shows the request to the core, and is the
// response writer: all in one allocation.
type Exchange struct {
	session session.Request
	w       http.ResponseWriter
	request *http.Request // as it came
	inner   http.Request  // as the handler gets it, with the session in its context
	failure *failure      // nil unless a commit has failed

	entry     []header  // the response headers that were there before
	values    [2]string // backs the header values that a session sets without a cookie
	used      uint8
	committed bool
	failed    bool // the handler's response is being swallowed
	seen      bool // the core has asked for a response header
	oddly     bool // a response header had a name in another spelling than the usual one
}

// failure is what is known once the client has been answered in the handler's place.
type failure struct {
	status int
	sink   http.Header // where the swallowed response's headers go
}

// Begin starts a request on w. It returns the request for the rest of the way, and false when the manager's
// middleware is at work already.
func (x *Exchange) Begin(m *session.Manager, w http.ResponseWriter, r *http.Request) (*http.Request, bool) {
	x.w, x.request = w, r
	if before := w.Header(); len(before) > 0 { // few are, and even a loop over an empty map takes its time
		for name, lines := range before {
			x.entry = append(x.entry, header{name, lines[:len(lines):len(lines)]})
		}
	}
	ctx, ok := m.Begin(r.Context(), &x.session, (*exchange)(x))
	if !ok {
		return r, false
	}
	x.inner = *r.WithContext(ctx) // whose copy stays on the stack
	return &x.inner, true
}

// Commit commits once, before the first header byte. When it returns false the client has been answered and
// whatever the handler writes is to be dropped.
func (x *Exchange) Commit(status int) bool {
	if !x.committed {
		x.commit(status, false)
	}
	return !x.failed
}

// CommitHeaderless is Commit where the handler sends the headers itself, or where they have left.
func (x *Exchange) CommitHeaderless() bool {
	if !x.committed {
		x.commit(0, true)
	}
	return !x.failed
}

// commit answers in the handler's place also when a panic comes out of the commit, so that nobody who recovers from it
// can send a success.
func (x *Exchange) commit(status int, headerless bool) {
	x.committed, x.failed = true, true
	instead, ok := session.Response{Status: http.StatusInternalServerError}, false
	defer func() {
		if x.failed = !ok; ok {
			return
		}
		x.session.Discard()
		x.failure = &failure{status: instead.Status, sink: http.Header{}}
		x.w.WriteHeader(instead.Status)
		_, _ = x.w.Write(instead.Body) // a client that is gone needs no answer
	}()
	if headerless {
		instead, ok = x.session.CommitHeaderless()
	} else {
		instead, ok = x.session.Commit(status)
	}
}

// Status returns the status of the answer that a failed commit gave in the handler's place, or 0.
func (x *Exchange) Status() int {
	if x.failure == nil {
		return 0
	}
	return x.failure.status
}

// Finish ends the request. returned says that the handler returned and did not panic; status is what goes out if
// it wrote nothing.
func (x *Exchange) Finish(returned bool, status int) {
	defer x.session.End()
	if form := x.inner.MultipartForm; form != nil {
		x.request.MultipartForm = form // net/http removes the files of the request that it knows
	}
	if !returned {
		x.session.Discard()
		x.committed = true // what somebody outside writes now has nothing to save
	} else {
		x.Commit(status)
	}
	if x.failed {
		for name := range x.w.Header() { // net/http would send these after the body
			if strings.HasPrefix(name, http.TrailerPrefix) {
				delete(x.w.Header(), name)
			}
		}
	}
}

// Outer returns the request as it came if that leads to another manager's session, or nil. A framework that keeps the
// request in one place gets it back after Finish: middleware between the two managers' goes on with it.
func (x *Exchange) Outer() *http.Request {
	if !x.session.Nested() {
		return nil
	}
	return x.request
}

// Of returns the exchange that a manager's middleware has put into ctx, or nil.
func Of(ctx context.Context, m *session.Manager) *Exchange {
	x, _ := m.Exchange(ctx).(*exchange)
	return (*Exchange)(x)
}

// Header returns the response's headers, or after a failed commit some that go nowhere.
func (x *Exchange) Header() http.Header {
	if x.failure != nil {
		return x.failure.sink
	}
	return x.w.Header()
}

// exchange is an Exchange as the core sees it.
type exchange Exchange

func (x *exchange) CookieLines() []string { return x.request.Header["Cookie"] }

func (x *exchange) RequestHeader(name string) string {
	if strings.EqualFold(name, "Host") {
		return x.request.Host
	}
	return strings.Join(x.request.Header.Values(name), ", ")
}

func (x *exchange) Method() string { return x.request.Method }

func (x *exchange) Facts() session.RequestFacts {
	path, query, _ := strings.Cut(targetOf(x.request), "?")
	return session.RequestFacts{
		Path: path, Query: query, RemoteAddr: x.request.RemoteAddr, TLS: x.request.TLS != nil,
	}
}

// targetOf reads the request line and not the URL, which the handler shares, and may be rewriting at the moment.
func targetOf(r *http.Request) string {
	line := r.RequestURI
	switch {
	case line == "": // no client sent it
		return r.URL.RequestURI()
	case line == "*" || strings.HasPrefix(line, "/"):
		return line
	}
	_, rest, _ := strings.Cut(line, "://") // a proxy's absolute form
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		return rest[end:]
	}
	return ""
}

func (x *exchange) ResponseHeader(name string) string {
	return strings.Join(x.headers(name)[name], ", ")
}

func (x *exchange) SetResponseHeader(name, value string) { x.headers(name)[name] = x.line(value) }

func (x *exchange) RemoveResponseHeaders(unwanted func(name string) bool) {
	maps.DeleteFunc(x.w.Header(), func(name string, _ []string) bool { return unwanted(name) })
}

func (x *exchange) SetCookie(name, line string) {
	headers := x.headers("Set-Cookie")
	lines := headers["Set-Cookie"]
	if len(lines) == 0 {
		headers["Set-Cookie"] = []string{line} // and not in x.values, where fmt could find it
		return
	}
	kept := make([]string, 0, len(lines)+1)
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, name); !ok || !strings.HasPrefix(rest, "=") {
			kept = append(kept, l)
		}
	}
	headers["Set-Cookie"] = append(kept, line)
}

func (x *exchange) AddCookie(line string) {
	headers := x.headers("Set-Cookie")
	headers["Set-Cookie"] = append(headers["Set-Cookie"], line)
}

// headers returns the response's headers, where all lines of one name are under its usual spelling. A handler that
// writes into the map can choose another, as in w.Header()["vary"], and few do, so that one look decides for all names.
func (x *exchange) headers(name string) http.Header {
	headers := x.w.Header()
	if !x.seen {
		x.seen, x.oddly = true, hasOddNames(headers)
	}
	if x.oddly {
		gather(headers, name)
	}
	return headers
}

func hasOddNames(headers http.Header) bool {
	if len(headers) == 0 { // even a loop over an empty map takes its time
		return false
	}
	for name := range headers {
		if http.CanonicalHeaderKey(name) != name {
			return true
		}
	}
	return false
}

func gather(headers http.Header, name string) {
	lines := slices.Clip(headers[name])
	for other, more := range headers {
		if other != name && strings.EqualFold(other, name) {
			lines = append(lines, more...)
			delete(headers, other)
		}
	}
	if len(lines) > 0 {
		headers[name] = lines
	}
}

// line makes a header's value list, from space that the exchange has anyway while there is some.
func (x *exchange) line(value string) []string {
	if int(x.used) == len(x.values) {
		return []string{value}
	}
	i := x.used
	x.used++
	x.values[i] = value
	return x.values[i : i+1 : i+1]
}

func (x *exchange) ResetResponse() {
	headers := x.w.Header()
	clear(headers)
	x.seen = false
	for _, h := range x.entry {
		headers[h.name] = h.lines
	}
}

// header is one response header. Its lines have no room to grow in, so that what is appended later is elsewhere.
type header struct {
	name  string
	lines []string
}
