package session

import (
	"context"
	"errors"
	"log/slog"
)

// Reason is the code of an Event: what happened to a session, and why. Session.Reason tells it to handlers.
type Reason string

// What happened to a session.
const (
	ReasonCreated  Reason = "created"
	ReasonLogin    Reason = "login"     // somebody has logged in: the session is his
	ReasonRenewed  Reason = "renewed"   // a new token, by Login, Renew or Options.RenewAfter
	ReasonEnded    Reason = "ended"     // by Destroy
	ReasonRevoked  Reason = "revoked"   // ended by Revoke, RevokeOthers or RevokeAll, by EndReplayed or Binding
	ReasonEvicted  Reason = "evicted"   // ended because its subject had more than Options.MaxPerSubject
	ReasonTouched  Reason = "touched"   // the idle clock was extended
	ReasonReissued Reason = "reissued"  // a sealed cookie was sealed anew under the current key
	ReasonMerged   Reason = "merged"    // another request had changed the session; both sets of changes are kept
	ReasonFollowed Reason = "followed"  // changes went into the session that a renewal had made meanwhile
	ReasonSeparate Reason = "separated" // a login lost a race to another one and got a session of its own
	ReasonImported Reason = "imported"  // an Importer has taken the session over from another system
	ReasonLimited  Reason = "limited"   // a login was refused: its subject has Options.MaxPerSubject sessions
)

// Why a cookie was not accepted. The visitor is anonymous; nothing went wrong on this side.
const (
	ReasonMalformed       Reason = "malformed"        // cannot be a token
	ReasonOversized       Reason = "oversized"        // longer than a browser's cookie can be
	ReasonUnknown         Reason = "unknown"          // well-formed, but no such session
	ReasonUnopenable      Reason = "unopenable"       // tampered with, or sealed with another key or for another manager
	ReasonExpiredIdle     Reason = "expired-idle"     // not used for longer than the idle timeout
	ReasonExpiredAbsolute Reason = "expired-absolute" // older than the absolute timeout
	ReasonAlreadyEnded    Reason = "already-ended"    // destroyed or revoked a short while ago
	ReasonSuperseded      Reason = "superseded"       // the token was replaced by a login or renewal a short while ago
	ReasonReplayed        Reason = "replayed"         // RenewAfter replaced the token, and its grace is over
	ReasonAmbiguous       Reason = "ambiguous"        // valid cookies of different subjects or of nobody, or too many
	ReasonCorrupt         Reason = "corrupt"          // the record is not one of ours
	ReasonCrossSite       Reason = "cross-site"       // another origin's page made the browser send the request
	ReasonOtherClient     Reason = "other-client"     // Options.Binding: another client than the session's has its token
)

// What failed. These events carry an error.
const (
	ReasonLoadFailed   Reason = "load-failed"   // the store could not be read; the client gets a 503
	ReasonCommitFailed Reason = "commit-failed" // not saved; the client gets the error response, if none had left yet
	ReasonTouchFailed  Reason = "touch-failed"  // a touch or a periodic renewal failed; the response went out
	ReasonUnchecked    Reason = "unchecked"     // perhaps it was revoked; Options.AcceptUnchecked let it pass
	ReasonUndecodable  Reason = "undecodable"   // a stored value does not fit the type of its key
	ReasonUnencodable  Reason = "unencodable"   // a value could not be encoded, or a key has a type that cannot be stored
	ReasonTooLate      Reason = "too-late"      // a change after the response headers had been sent was not saved
	ReasonSweepFailed  Reason = "sweep-failed"  // expired records were not removed from the store
	ReasonWatchFailed  Reason = "watch-failed"  // Session.Watch could not ask the store; told once for each outage
	ReasonRequestOver  Reason = "request-over"  // the session was used after its request had finished
)

// How a cookie travels does not fit the manager's options. Each is told once per manager, and carries an error.
const (
	ReasonPlainHTTP    Reason = "plain-http"    // a Secure cookie went out over http, and browsers drop it without a word
	ReasonImportEnds   Reason = "import-ends"   // an Importer ends within a week, or has ended; once a day
	ReasonInsecureHTTP Reason = "insecure-http" // Options.InsecureHTTP is on, though the site is served over https
)

// Event tells what happened to a session. It never carries a token or a value. What failed is told once: a line that
// makes the same mistake again in one request, or a commit that fails because of it, is no further event.
type Event struct {
	Manager string // Options.Name
	Reason  Reason
	Handle  string // the session's public id, if there is one
	Subject string // whom the session belongs to, or was to belong to by the login that failed; "" for nobody
	Key     string // the session key concerned, if there is one
	// Importer is the name of the one at work, where a session of another system is concerned.
	Importer string
	Err      error // nil unless something failed

	// Transport is how the request's token travels, "cookie" or "bearer"; "" where no request is concerned.
	Transport string
	// Route is the request's method and path, such as "POST /cart", where something failed while the request was running,
	// or another origin's page made the browser send it.
	// The client chose both: it has no query, is printable ASCII with the rest percent-encoded, and is cut after 200
	// bytes.
	Route string
	// Source is file:line of the application's code, where a mistake in it is what failed: the write that was refused or
	// came too late, the read whose type does not fit, the use of a session after its request. "" for anything else.
	Source string
}

// emit hands the events of a request to the application. It is called without any lock held.
func (s *Session) emit(events []Event) {
	for i := range events {
		events[i].Transport = s.client.transport()
	}
	s.m.emit(s.ctx, events)
}

// emit hands events to the application. It is called without any lock held.
func (m *Manager) emit(ctx context.Context, events []Event) {
	for _, e := range events {
		if m.onEvent != nil {
			m.onEvent(ctx, e)
			continue
		}
		LogFailure(ctx, e)
	}
}

// LogFailure is what happens to events where Options.OnEvent is nil: failures go to the default logger of log/slog, and
// nothing else does. A function of yours that has other things to do with events may call it too.
func LogFailure(ctx context.Context, e Event) {
	if _, refused := errors.AsType[*NotImportedError](e.Err); e.Err == nil || refused {
		return // a client's cookie that was not accepted
	}
	level := slog.LevelError
	if errors.Is(e.Err, ErrConflict) || errors.Is(e.Err, ErrEnded) || isWarning(e.Err) {
		level = slog.LevelWarn // two tabs of one visitor can bring about the first two
	}
	slog.LogAttrs(ctx, level, "session: "+string(e.Reason), e.attributes()...)
}

// attributes are what is known. The line is "at", because "source" is where slog's own AddSource puts the call of slog.
func (e *Event) attributes() []slog.Attr {
	known := make([]slog.Attr, 0, 9)
	for _, a := range [...]struct{ name, value string }{
		{"manager", e.Manager}, {"importer", e.Importer}, {"route", e.Route}, {"at", e.Source},
		{"transport", e.Transport}, {"handle", e.Handle}, {"subject", e.Subject}, {"key", e.Key},
	} {
		if a.value != "" {
			known = append(known, slog.String(a.name, a.value))
		}
	}
	return append(known, slog.Any("error", e.Err))
}

// appendEvent builds an Event if anybody listens: an application with OnEvent hears all, the log only failures.
func (m *Manager) appendEvent(events []Event, e Event) []Event {
	if m.onEvent == nil && e.Err == nil {
		return events
	}
	e.Manager = m.name
	return append(events, e)
}
