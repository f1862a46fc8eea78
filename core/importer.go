package session

import (
	"context"
	"net/http"
	"time"
)

// Importer takes over the sessions of another system, so that a site can change to this package and log nobody out.
// The packages under migrate make one for each system; what a program adds is who the visitor is, which values come
// along, and the day on which it ends. See Options.Import.
//
// The request's session waits for Open, Subject, Fill, a Mirror's methods and, when it is made, Options.LifetimeFor:
// none of them may use it. Nobody looks at the other system's cookie while the visitor has a session here; a login or
// logout here deletes it, and what it opens is not taken over any more.
type Importer struct {
	// Name names the importer in events and the log: "flask". Each one of a manager needs its own; changing it lets
	// sessions that have been taken over already be taken over again.
	Name string
	// Cookie is the other system's cookie.
	Cookie ForeignCookie
	// Open checks a cookie's value and reads the session that it stands for. A NotImportedError error says why there is
	// none; ErrNotFound says that the other system does not know it. Any other error means that the other system's data
	// cannot be had at present: the response becomes a 503 and the cookie stays. It must be safe for concurrent use, and
	// trust nothing in the value before its signature has been checked. The context ends with Options.StoreTimeout.
	Open func(ctx context.Context, value string) (Foreign, error)
	// Until is the last moment at which a session is taken over. It has to be set: an importer is a second door to the
	// site, and the log tells from a week before when it closes.
	Until time.Time

	// Subject says whose session it is, like "user:42", or "" for nobody, whose values come along all the same. Nil
	// means Foreign.Subject. Its errors are Open's.
	Subject func(ctx context.Context, f Foreign) (string, error)
	// Values are the values that come along: the key that each gets here, by its name over there. A value that does not
	// fit the key's type is left out, which is an event, ReasonUndecodable.
	Values map[string]AnyKey
	// Fill does what Values cannot: it may set values and the lifetime of the session that is about to be made, whose
	// subject it sees. It must not use the request's own session, which waits for it. Its errors are Open's.
	Fill func(ctx context.Context, s *Session, f Foreign) error

	// Mirror keeps both systems logged in and out together; see Mirror. Nil means one way: the session moves here once,
	// and the other system's cookie is deleted.
	Mirror Mirror
}

// Foreign is a session of another system.
type Foreign struct {
	// ID is what the session is known by over there and nobody can guess, such as its token. Empty means that there is
	// nothing but the cookie's value, which two visitors may share while nobody is logged in: what is nobody's is then
	// taken over as often as it comes. Otherwise each ID is taken over once for a subject. It never reaches a log, and a
	// store only as a hash.
	ID string
	// Subject is whom it belongs to over there, if its format has a place for that.
	Subject string
	// Values by name: a json.RawMessage where the other system writes JSON, otherwise a value of Go's.
	Values map[string]any
	// Created is when it began, Authenticated when the visitor logged in, and Written when it was last written, each
	// zero if that is not known. What began at an unknown time counts as ended by any Manager.RevokeAll.
	Created, Authenticated, Written time.Time
	// Deadline is when it ends over there however it is used. Zero means that its end moves with its use or is not
	// known. The session here does not live longer, unless a Login or SetLifetime here gives it another deadline.
	Deadline time.Time
}

// ForeignCookie says how another system sets its cookie. It is deleted, and for a Mirror set, with the same attributes.
type ForeignCookie struct {
	Name     string
	Domain   string        // empty: this host only
	Path     string        // empty: "/"
	SameSite http.SameSite // zero: no such attribute
	Insecure bool          // without Secure
	Readable bool          // by scripts: without HttpOnly
	// MaxAge is how long a cookie that a Mirror sets lasts. Zero means until the browser closes. Where ours lasts longer,
	// the end of this one counts as a logout over there.
	MaxAge time.Duration
}

// Mirror keeps an Importer's other system in step, for a migration that takes weeks: a login here is a login there, and
// a session that was logged in on both sides ends on both when either side ends it. Each request that uses its session
// costs one Importer.Open more for each mirror. The sessions here that began before the mirror was set up are left
// alone until their next login.
//
// What the other side ends, ends here with the visitor's next request: Session.Watch learns of it then. What Revoke,
// RevokeAll, Options.MaxPerSubject or Manager.Edit ends here is not taken over again, and ends over there with the next
// request that brings its cookie there: Logout is called, and the cookie stays. Until then it opens the other side.
//
// A request with our cookie and without the other system's counts as one after a logout over there. So a session that
// is shared is not for bearers, who get ReasonOtherClient; and these visitors lose the session here, and go on with a
// new one if they are logged in over there:
//   - one whose cookie over there is replaced by something else than this package, as Django's cycle_key does, while a
//     request with the old one is on its way
//   - with two mirrors, one who logs in at one of them and whose first requests come at once, if he never gets the
//     answer of the one that took the login over: that alone carries the other mirror's cookie
//
// Its methods must be safe for concurrent use. Where nothing else is said, an error keeps what it is called for from
// happening, and the response becomes a 503.
type Mirror interface {
	// Login starts a session over there for f.Subject, which is this package's subject, with f.Values by their names over
	// there, and returns the value of its cookie. old is the visitor's present cookie there, or "": Login may take values
	// from its session and must not end it, because the login may still fail here. Once it has succeeded, Logout is called
	// for old. ErrNotFound says that nobody over there is this subject: the login is then one here alone, and the visitor
	// is logged out over there.
	Login(ctx context.Context, old string, f Foreign) (value string, err error)
	// Logout ends the session behind a cookie, as far as the other system can do that. That there is none is fine. What
	// fails after a login here, or for a session that was revoked here, is an event, ReasonCommitFailed.
	Logout(ctx context.Context, value string) error
}

// AnyKey is a Key of any type.
type AnyKey interface {
	fill(s *Session, value any) error
	keyName() string
}

// NotImportedError is the error of Importer.Open, Subject and Fill that refuses a session: the visitor is anonymous,
// and the reason is counted as an event's.
type NotImportedError struct {
	Reason Reason // such as ReasonMalformed, ReasonUnopenable, ReasonExpiredAbsolute or ReasonCorrupt
	Detail string // for those who look for a mistake; never a value or a token
}

func (e *NotImportedError) Error() string {
	return "session: not imported: " + string(e.Reason) + ": " + e.Detail
}
