// Package responsewriter is what the adapters of the net/http family share: one request's exchange with the core,
// and the response writer that commits before the first header byte.
package responsewriter

import (
	"context"
	"net/http"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// Exchange is one request. It holds the session, shows the request to the core, and is the response writer: all in
// one allocation.
type Exchange struct {
	session session.Request
	w       http.ResponseWriter
	request http.Header
	host    string

	entry     http.Header // the response headers that were there before; nil: none
	committed bool
	failed    bool        // the handler's response is being swallowed
	status    int         // of the answer in its place
	sink      http.Header // where a swallowed response's headers go
	values    [3]string   // backs the header values that the session sets
	used      int
}

// Begin starts a request on w. It returns the context for the rest of it, and false when the manager's middleware is at
// work already.
func (x *Exchange) Begin(m *session.Manager, w http.ResponseWriter, r *http.Request) (context.Context, bool) {
	x.w, x.request, x.host = w, r.Header, r.Host
	if header := w.Header(); len(header) > 0 {
		x.entry = header.Clone()
	}
	return m.Begin(r.Context(), &x.session, (*exchange)(x))
}

// Commit commits once, before the first header byte. When it returns false the client has been answered and
// whatever the handler writes is to be dropped.
func (x *Exchange) Commit(status int) bool {
	if x.committed {
		return !x.failed
	}
	x.committed = true
	instead, ok := x.session.Commit(status)
	if !ok {
		x.failed, x.status = true, instead.Status
		x.w.WriteHeader(instead.Status)
		_, _ = x.w.Write(instead.Body) // a client that is gone needs no answer
	}
	return ok
}

// Status returns the status of the answer that a failed commit gave in the handler's place, or 0.
func (x *Exchange) Status() int { return x.status }

// Finish ends the request. returned says that the handler returned and did not panic; status is what goes out if
// it wrote nothing.
func (x *Exchange) Finish(returned bool, status int) {
	if !returned {
		x.session.Discard()
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
	x.session.End()
}

// Header returns the response's headers, or after a failed commit some that go nowhere.
func (x *Exchange) Header() http.Header {
	if !x.failed {
		return x.w.Header()
	}
	if x.sink == nil {
		x.sink = http.Header{}
	}
	return x.sink
}

// exchange is an Exchange as the core sees it.
type exchange Exchange

func (x *exchange) CookieLines() []string { return x.request["Cookie"] }

func (x *exchange) RequestHeader(name string) string {
	if strings.EqualFold(name, "Host") {
		return x.host
	}
	return x.request.Get(name)
}

func (x *exchange) ResponseHeader(name string) string {
	switch lines := x.w.Header()[name]; len(lines) {
	case 0:
		return ""
	case 1:
		return lines[0]
	default:
		return strings.Join(lines, ", ")
	}
}

func (x *exchange) SetResponseHeader(name, value string) { x.w.Header()[name] = x.line(value) }

func (x *exchange) SetCookie(name, line string) {
	header := x.w.Header()
	lines := header["Set-Cookie"]
	if len(lines) == 0 {
		header["Set-Cookie"] = x.line(line)
		return
	}
	kept := make([]string, 0, len(lines)+1)
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, name); !ok || !strings.HasPrefix(rest, "=") {
			kept = append(kept, l)
		}
	}
	header["Set-Cookie"] = append(kept, line)
}

// line makes a header's value list from space that the exchange has anyway.
func (x *exchange) line(value string) []string {
	if x.used == len(x.values) {
		return []string{value}
	}
	i := x.used
	x.used++
	x.values[i] = value
	return x.values[i : i+1 : i+1]
}

func (x *exchange) ResetResponse() {
	header := x.w.Header()
	clear(header)
	for name, lines := range x.entry {
		header[name] = lines
	}
}
