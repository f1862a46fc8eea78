package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Options hold everything a manager can do without. The zero value is the safe choice. New and NewSealed refuse what is
// out of range: a duration or a size is never negative, and a duration that is set is a millisecond at least.
type Options struct {
	// Name names the manager and its cookie, "id" if empty: up to 64 characters that a cookie name may have. Managers
	// that share a store or keys need different names, and so do programs that share a host, because ports do not separate
	// cookies; changing it ends all sessions.
	Name string
	// Cookie says how the cookie is set. The zero value is the strictest there is.
	Cookie Cookie
	// InsecureHTTP lets sessions travel over plain http, for local development: the cookie loses Secure and its
	// name prefix. Anybody on the network can then read the cookie. If neither Name nor Cookie.Name is set, the cookie's
	// name is "id-" and the program's, so that programs on localhost do not log each other out.
	InsecureHTTP bool

	// Transport says how the token travels. Zero means CookieOnly. Where it is not, TrustedOrigins, AllowCrossSite, Cookie
	// and InsecureHTTP concern the requests of browsers only.
	Transport Transport

	// IdleTimeout ends a session that is not used for this long, or up to a TouchInterval longer. Zero means 30
	// minutes; at most AbsoluteTimeout. A request that has loaded its session in time counts as use, however long it
	// takes. Shortening it, or AbsoluteTimeout, acts at once on sessions that live already.
	IdleTimeout time.Duration
	// AbsoluteTimeout ends a session this long after its creation or last login, used or not. Zero means 12 hours;
	// at most 400 days.
	AbsoluteTimeout time.Duration
	// MaxLifetime bounds every absolute timeout, whatever SetLifetime or LifetimeFor ask for: they are refused what is
	// longer, and sessions that have it already end then. Zero means 400 days; at least AbsoluteTimeout, at most 400 days.
	MaxLifetime time.Duration
	// Basis says what the idle timeout counts from. Zero means LastUse.
	Basis Basis
	// LifetimeFor gives the sessions of some subjects a lifetime of their own, by role for example. It is asked at each
	// Login, on the request's goroutine, and must be safe for concurrent use. For Lifetime{} it is as if it had not been
	// asked. What SetLifetime says in the request of the login counts more.
	LifetimeFor func(subject string) Lifetime
	// TouchInterval is how often at most a request that only reads extends the idle clock. Zero means a tenth of
	// the idle timeout; at most IdleTimeout. Uses in between are not noted down, so an unused session may live this
	// much longer.
	TouchInterval time.Duration
	// RenewAfter gives a session a new token once the present one is this old. Zero means never: Login and
	// Renew do it when it matters; at most AbsoluteTimeout. It logs nobody out: the old token goes on opening the
	// session until the new one has been presented, and for RenewGrace after that, and each response to it hands out
	// the new token, which is the same one for all of them.
	RenewAfter time.Duration
	// RenewGrace is how long requests that were sent before the new token arrived may still come in with the old one.
	// Zero means a minute; at most 400 days. An old token that is used later has been copied: ReasonReplayed.
	RenewGrace time.Duration
	// OnReplay says what happens when a replaced token is used after its grace. Sealed sessions know of no such token. It
	// is recognised until the deadline that the session had when it was replaced; later it is an unknown one.
	OnReplay ReplayPolicy
	// Leeway is how far the clocks of your servers may differ: a session lives that much longer. Zero means not at
	// all; at most a minute.
	Leeway time.Duration

	// MaxPerSubject is how many sessions a subject may have at once. Zero means any number. It needs a store that can
	// search by subject, and makes a login cost two to four store calls more, and some for each session that it ends.
	MaxPerSubject int
	// AtLimit says what a login beyond MaxPerSubject does. Zero means EvictOldest.
	AtLimit LimitPolicy

	// Sealer protects sealed sessions. Zero means SecureCookie. New ignores it.
	Sealer Sealer
	// MaxSize limits a stored session, in bytes. Zero means 1 MiB. Sealed sessions are limited by the
	// cookie: 4096 bytes in all.
	MaxSize int
	// StoreTimeout bounds each load and each commit. Zero means 5 seconds; at most an hour. Like Conflicts it
	// means nothing to sealed sessions, unless there are Revocations.
	StoreTimeout time.Duration

	// Revocations makes sessions of somebody endable that no store holds or finds: sealed ones, and those in a store that
	// cannot search by subject. It keeps one record for each Destroy of a sealed session, and one for each subject, or
	// label, whose sessions Manager.RevokeAll, RevokeOthers or RevokeLabel have ended. The former are kept for
	// MaxLifetime, which has to be the longest lifetime that any of your servers gives, the latter for 400 days. A
	// request that uses a session of somebody costs one call of this store more, a Login too; nobody's sessions cost
	// nothing, and cannot be ended. Any store is good that is a BatchLoader and does not lose
	// records; what it loses, or what a replica does not have yet, is not revoked. It may be the store of
	// the sessions themselves. While it is down, such requests get a 503, logouts too, and their cookies stay.
	//
	// Copies of a sealed session of nobody open until they expire, also after a Destroy. What a request in flight writes
	// into a sealed session that is revoked meanwhile is answered as saved and lost with the session. A visitor whose
	// session was revoked may lose the cookie of his next login to a request that overlaps with it, comes with the
	// old cookie and starts a session for nobody: then he has to log in again.
	Revocations Store
	// RevocationAge is for how long this process may remember that a session was not revoked, and so not ask: revoking
	// on another server takes effect here that much later, on this one at once. Zero means to ask each time; at most an
	// hour.
	RevocationAge time.Duration
	// AcceptUnchecked lets sessions pass while Revocations cannot be asked, also those that were revoked; each time it
	// is an event, ReasonUnchecked. A login meanwhile may have to be repeated later. What has to be revoked meanwhile
	// fails all the same. Each request waits for up to StoreTimeout first, so set that low. A store that answers
	// errors.ErrUnsupported is none that is down.
	AcceptUnchecked bool

	// Conflicts says what happens when a request sets a key that another one changed after this one had read it.
	Conflicts ConflictPolicy
	// SaveOn decides by the response's status whether the changes are saved. Nil saves on every status. What
	// Session.Save has saved is not asked about.
	SaveOn func(status int) bool
	// AnonymousWhenUnavailable lets handlers go on when the session cannot be loaded: the visitor is anonymous,
	// and a response that would have to save something is still replaced by a 503. Session.Err tells handlers. Of a
	// sealed session that is one whose cookie a newer version of this package wrote.
	AnonymousWhenUnavailable bool

	// ClientHints notes with each stored session, when it begins and at each login, where it is used: the family of the
	// browser and the network of the address. Manager.List shows them, so that people know their devices again.
	ClientHints bool
	// TrustedProxies are your proxies, whose X-Forwarded-For header ClientHints and Binding believe: anybody can send that
	// header, so without them the address is that of the connection's other end. List every proxy on the way, and no
	// client.
	TrustedProxies []netip.Prefix

	// Binding says what happens when another client uses a session than the one that began it or logged in last. For that
	// it notes with each session, sealed ones too, what it compares; sessions from before are bound from their next login
	// on. Behind proxies Binding.Network needs TrustedProxies, or else all visitors come from one network.
	Binding Binding

	// TrustedOrigins are other origins of yours whose pages may make a browser write here, like
	// "https://app.example.com": exactly what browsers send as Origin. A request with another method than GET, HEAD or
	// OPTIONS that a browser marks as coming from any other origin is an anonymous visitor's, its cookie is not looked
	// at, and what it writes is refused with ErrCrossSite, a 403 (net/http's CrossOriginProtection has the same rule).
	// Other clients send no such mark and pass. List the site's own origin where a proxy in front changes Host and the
	// site is served over plain http: elsewhere browsers send Sec-Fetch-Site, which needs no Host.
	TrustedOrigins []string
	// AllowCrossSite lets every site's pages make your visitors' browsers write with your visitors' sessions, but for
	// what Cookie.SameSite keeps back: a form anywhere can log a visitor in as somebody else, and a page on a
	// neighbouring subdomain can do whatever he can. It is for sites that have such a rule of their own in front of
	// all handlers, or that check a FormToken in each of them.
	AllowCrossSite bool

	// Import takes over the sessions of other systems, so that a site can change to this package and log nobody out. Each
	// importer is asked, in turn, when a visitor comes without a session of this manager and with the importer's cookie.
	Import []Importer

	// WatchInterval is how long at most after its end, and the time that the store takes to answer, a Session.Watch learns
	// that another process has ended the session. Zero means 5 seconds; at least 100 ms, at most a minute. For each
	// interval in which somebody watches, each process asks the store once for every 500 sessions that are watched.
	WatchInterval time.Duration

	// OnEvent receives what happens to sessions. It runs on the request's goroutine and must be safe for
	// concurrent use. Nil logs failures through slog.
	OnEvent func(ctx context.Context, e Event)
	// TraceStore is called around every call of the store, for metrics and traces: before it with the name of the
	// operation, which is load, create, update, touch, delete, find, load-all, walk or sweep, and after it, by the
	// function that it has returned, with what the store has answered. The store gets the context that it returns.
	// ErrNotFound, ErrExists and ErrConflict are answers and no failures of the store. Nil costs nothing. It must be safe
	// for concurrent use. A request's calls may hold the lock of its session: do not use that in TraceStore. Package
	// otelsession makes one.
	TraceStore func(ctx context.Context, operation string) (context.Context, func(err error))
	// ErrorResponse makes the answer when a session cannot be loaded or saved, or a Guard turns away a client that is not
	// to be redirected; header returns a header of the request, such as Accept. Nil answers with the status that fits
	// (503, 409, 401, 403 or 500) and one plain sentence. In a Response of yours a Status of zero means 503, and an empty
	// ContentType plain text. It runs on the request's goroutine and must be safe for concurrent use.
	ErrorResponse func(err error, header func(name string) string) Response
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// ConflictPolicy is for a request that read a key and then set or deleted it, while another changed it.
type ConflictPolicy int

const (
	// RefuseConflicts fails the commit with ErrConflict, which the client sees as status 409.
	RefuseConflicts ConflictPolicy = iota
	// LastWriteWins lets the later commit overwrite the other's value of that key.
	LastWriteWins
)

// ReplayPolicy is for a token that RenewAfter has replaced and that is used again after its grace: whoever uses it
// holds a copy, and so either the visitor or a thief has the new one.
type ReplayPolicy int

const (
	// ReportReplayed refuses the old token and emits ReasonReplayed.
	ReportReplayed ReplayPolicy = iota
	// EndReplayed also ends the session, for the visitor and the thief alike (RFC 6819 §5.2.2.3 does so with refresh
	// tokens).
	EndReplayed
)

// LimitPolicy is for a login beyond Options.MaxPerSubject.
type LimitPolicy int

const (
	// EvictOldest ends those of the subject's sessions that logged in longest ago, by the clocks of the servers.
	EvictOldest LimitPolicy = iota
	// RefuseLogin fails the login with ErrTooManySessions, which the client sees as status 403. Of logins that happen
	// at once on several servers one that has been answered may have to give way to one that was earlier.
	RefuseLogin
)

const (
	defaultName         = "id"
	defaultIdle         = 30 * time.Minute
	defaultAbsolute     = 12 * time.Hour
	defaultMaxSize      = 1 << 20
	defaultStoreTimeout = 5 * time.Second
	defaultGrace        = time.Minute
	defaultWatch        = 5 * time.Second
	minWatch            = 100 * time.Millisecond
	maxWatch            = time.Minute // aliases last longer, so that renewals can be followed
	maxLeeway           = time.Minute
)

func (o *Options) complete() error {
	if o.InsecureHTTP && o.Name == "" {
		setDefault(&o.Cookie.Name, programCookie())
	}
	setDefault(&o.Name, defaultName)
	setDefault(&o.AbsoluteTimeout, defaultAbsolute)
	setDefault(&o.IdleTimeout, min(defaultIdle, o.AbsoluteTimeout))
	setDefault(&o.MaxLifetime, maxAge)
	setDefault(&o.Basis, LastUse)
	setDefault(&o.MaxSize, defaultMaxSize)
	setDefault(&o.StoreTimeout, defaultStoreTimeout)
	setDefault(&o.RenewGrace, defaultGrace)
	setDefault(&o.WatchInterval, defaultWatch)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ErrorResponse == nil {
		o.ErrorResponse = func(err error, _ func(string) string) Response { return defaultResponse(err) }
	}
	return o.check()
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

func (o *Options) check() error {
	if err := o.checkDurations(); err != nil {
		return err
	}
	if err := checkName(o.Name, maxName); err != nil {
		return fmt.Errorf("Name %w", err)
	}
	switch {
	case prefixOf(o.Name) != "":
		return fmt.Errorf("Name %q: leave the prefix out; the cookie gets the strongest that the other settings allow",
			o.Name)
	case o.Sealer != SecureCookie && o.Sealer != AEAD:
		return fmt.Errorf("Sealer %d: use SecureCookie or AEAD", o.Sealer)
	case o.Conflicts != RefuseConflicts && o.Conflicts != LastWriteWins:
		return fmt.Errorf("Conflicts %d: use RefuseConflicts or LastWriteWins", o.Conflicts)
	case o.AtLimit != EvictOldest && o.AtLimit != RefuseLogin:
		return fmt.Errorf("AtLimit %d: use EvictOldest or RefuseLogin", o.AtLimit)
	case o.MaxPerSubject < 0:
		return errors.New("MaxPerSubject is negative; leave it zero for no limit")
	case o.Basis != LastUse && o.Basis != LastChange:
		return fmt.Errorf("Basis %d: use LastUse or LastChange", o.Basis)
	case o.OnReplay != ReportReplayed && o.OnReplay != EndReplayed:
		return fmt.Errorf("OnReplay %d: use ReportReplayed or EndReplayed", o.OnReplay)
	case o.Transport < CookieOnly || o.Transport > Either:
		return fmt.Errorf("Transport %d: use CookieOnly, Bearer or Either", o.Transport)
	case o.MaxSize < 0:
		return errors.New("MaxSize is negative; leave it zero for 1 MiB")
	}
	return errors.Join(checkProxies(o.TrustedProxies), o.checkOrigins(), o.Binding.check())
}

func (o *Options) checkDurations() error {
	for _, d := range []struct {
		name     string
		value    time.Duration
		min, max time.Duration
		hint     string
	}{
		{"AbsoluteTimeout", o.AbsoluteTimeout, time.Millisecond, maxAge, ""},
		{"MaxLifetime", o.MaxLifetime, o.AbsoluteTimeout, maxAge, ": from the AbsoluteTimeout to 400 days"},
		{"IdleTimeout", o.IdleTimeout, time.Millisecond, o.AbsoluteTimeout, ", the AbsoluteTimeout: raise that one too"},
		{"TouchInterval", o.TouchInterval, 0, o.IdleTimeout, ", the IdleTimeout"},
		{"RenewAfter", o.RenewAfter, 0, o.AbsoluteTimeout, ", the AbsoluteTimeout"},
		{"RenewGrace", o.RenewGrace, time.Millisecond, maxAge, ""},
		{"Leeway", o.Leeway, 0, maxLeeway, ""},
		{"RevocationAge", o.RevocationAge, 0, time.Hour, ""},
		{"StoreTimeout", o.StoreTimeout, time.Millisecond, time.Hour, ""},
		{"WatchInterval", o.WatchInterval, minWatch, maxWatch, ""},
	} {
		unset := d.value == 0 && d.min == 0
		if !unset && (d.value < max(d.min, time.Millisecond) || d.value > d.max) {
			return fmt.Errorf("%s is %v and must be between %v and %v%s",
				d.name, d.value, max(d.min, time.Millisecond), d.max, d.hint)
		}
	}
	return nil
}
