package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// The errors that applications and stores branch on with errors.Is; ErrExists is between a store and the core only.
// Everything else is wrapped with its package and operation.
var (
	// ErrNotFound says that no such session or record exists.
	ErrNotFound = errors.New("session: not found")
	// ErrExists is a store's answer to Create when the record is there already.
	ErrExists = errors.New("session: record exists already")
	// ErrConflict says that another request changed what this one relied on. Stores return it for a stale
	// version; applications see it only when running the request's operations again could not settle the matter.
	ErrConflict = errors.New("session: changed by another request at the same time")
	// ErrEnded says that what the request wanted to write into has ended: it was destroyed, revoked or logged in while the
	// request was using it, its absolute deadline has passed, or the visitor's token had been replaced or ended less
	// than a minute before, when a cookie of this response could undo a newer one. It is also for a write of whom Refuse
	// has turned away (see Binding), whose cookie would undo the owner's.
	ErrEnded = errors.New("session: the session has ended")
	// ErrTooManySessions says that RefuseLogin refused a login, because its subject has Options.MaxPerSubject sessions
	// already.
	ErrTooManySessions = errors.New("session: the subject has too many sessions")
	// ErrCrossSite says that a page of another origin made the browser send the request, which may not write then: see
	// Options.TrustedOrigins.
	ErrCrossSite = errors.New("session: the request comes from another site")
	// ErrRequestOver says that a session was used after the request it belongs to had finished.
	ErrRequestOver = errors.New("session: used after its request was over")
	// ErrTooLarge says that the session outgrew its carrier: 4096 bytes for a cookie, Options.MaxSize or the store's own
	// limit for a store.
	ErrTooLarge = errors.New("session: too large")
	// ErrCommitted says that a change needed a response header after the headers had been sent.
	ErrCommitted = errors.New("session: the response headers have already been sent")
	// ErrLoginRequired says that a Guard has turned away a visitor who is not logged in.
	ErrLoginRequired = errors.New("session: not logged in")
	// ErrLoginStale says that a Guard has turned away a visitor whose login is not recent enough for Guard.Within.
	ErrLoginStale = errors.New("session: the login is too long ago")
	// ErrForbidden says that Guard.Allow has turned away a visitor.
	ErrForbidden = errors.New("session: not allowed for this visitor")
	// ErrUnavailable says that the store could not be reached, or holds a record that only a newer version understands.
	ErrUnavailable = errors.New("session: unavailable")
)

// Response is what the client gets instead of the handler's response when the session could not be loaded or saved, or
// a Guard has turned the visitor away.
type Response struct {
	Status      int               // zero: 503
	ContentType string            // empty: text/plain; charset=utf-8
	Header      map[string]string // further headers, like Retry-After; a Set-Cookie is left out
	Body        []byte
}

// complete fills in what Response leaves to its defaults, and leaves out the header that it has no place for.
func (r Response) complete() Response {
	setDefault(&r.Status, http.StatusServiceUnavailable)
	setDefault(&r.ContentType, "text/plain; charset=utf-8")
	header := make(map[string]string, len(r.Header))
	for name, value := range r.Header {
		if !strings.EqualFold(name, "Set-Cookie") {
			header[name] = value
		}
	}
	r.Header = header
	return r
}

// defaultResponse answers with the status that fits the error and one plain sentence without internals.
func defaultResponse(err error) Response {
	status, text := http.StatusInternalServerError, "The session could not be saved."
	switch {
	case errors.Is(err, ErrConflict):
		status, text = http.StatusConflict, "Another request changed the same data at the same time. Please try again."
	case errors.Is(err, ErrEnded):
		status, text = http.StatusConflict, "The session has ended. Please start again."
	case errors.Is(err, ErrTooManySessions):
		status, text = http.StatusForbidden, "You are logged in on too many devices. Please log out on one of them first."
	case errors.Is(err, ErrCrossSite):
		status, text = http.StatusForbidden, "This request came from another site, and was refused."
	case errors.Is(err, ErrLoginRequired):
		status, text = http.StatusUnauthorized, "Please log in first."
	case errors.Is(err, ErrLoginStale):
		status, text = http.StatusUnauthorized, "Please log in again."
	case errors.Is(err, ErrForbidden):
		status, text = http.StatusForbidden, "You are not allowed to do this."
	case errors.Is(err, ErrUnavailable):
		status, text = http.StatusServiceUnavailable, "The session is unavailable at the moment. Please try again later."
	}
	return Response{Status: status, Body: []byte(text + "\n")}
}

// unavailable wraps a store's failure. The outcome of a failed write is unknown, so nothing may be retried after it;
// only a store that refused the size has certainly done nothing.
func unavailable(operation string, err error) error {
	if errors.Is(err, ErrTooLarge) {
		return fmt.Errorf("session: %s: %w", operation, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, operation, err)
}

// pastDeadline reports whether the request's own deadline, not its client, ended ctx.
func pastDeadline(ctx context.Context) bool {
	return errors.Is(ctx.Err(), context.DeadlineExceeded)
}
