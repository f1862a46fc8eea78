package session

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Lifetime is how long one session lives. A field that is zero is as the manager's options say, at present and later.
type Lifetime struct {
	// Idle ends the session when it is not used for this long: see Options.IdleTimeout. It is a millisecond at least, and
	// no longer than the absolute timeout.
	Idle time.Duration
	// Absolute ends the session this long after its last login, or else after its creation, used or not. It is a
	// millisecond at least and Options.MaxLifetime at most.
	Absolute time.Duration
	// Persistent says whether the cookie outlives the browser. Zero is as Options.Cookie.Persistent says.
	Persistent Persistence
	// Basis says what the idle timeout counts from. Zero is as Options.Basis says.
	Basis Basis
}

// Persistence says what becomes of the session's cookie when the browser closes.
type Persistence byte

const (
	_ Persistence = iota
	// Keep lets the cookie outlive the browser, until the session's absolute end or for 400 days.
	Keep
	// EndWithBrowser gives the cookie no end of its own: the browser drops it when it closes.
	EndWithBrowser
)

// Basis says what the idle timeout counts from.
type Basis byte

const (
	_ Basis = iota
	// LastUse lets every request that loads the session extend it.
	LastUse
	// LastChange lets only changes extend the session: of a value, by Login, Renew, SetLifetime, and Touch. Reading it
	// does not, nor does setting a key to the value that it has. This is how Django's sessions expire by default.
	LastChange
)

// SetLifetime gives the session a lifetime of its own, which stays with it through renewals, or with Lifetime{} the
// manager's again:
//
//	s.Login("user:42")
//	s.SetLifetime(session.Lifetime{Idle: 30 * day, Absolute: 90 * day, Persistent: session.Keep}) // remember me
//
// The absolute timeout counts from the last login, or else from the creation, so that setting the same lifetime again,
// as on every request, extends nothing and is no change. If it has passed already, the session ends with this
// request.
//
// Without a session SetLifetime starts none; one that this request starts gets that lifetime. In a request that logs
// in it counts, before or after Login. A later login as the session's own subject keeps the lifetime; any other login
// begins with what Options.LifetimeFor says, or with the manager's. When two requests set it, the later commit wins.
//
// A change of whether the cookie outlives the browser, or until when, sets the cookie again with the same token; after
// the headers have left that fails with ErrCommitted. A negative duration, one below a millisecond, an idle timeout that is
// longer than the absolute one, an absolute one beyond Options.MaxLifetime, and an unknown Persistence or Basis are
// refused.
func (s *Session) SetLifetime(l Lifetime) {
	if err := s.m.checkLifetime(l); err != nil {
		s.reject(ReasonCommitFailed, "", fmt.Errorf("session: SetLifetime: %w", err))
		return
	}
	if st, err := s.enterToWrite(); err == nil {
		st.pending.lifetime = &wantedLifetime{Lifetime: l.wire()}
		s.leaveChanged(st)
	}
}

func (l Lifetime) wire() wire.Lifetime {
	return wire.Lifetime{
		Idle: wire.FromDuration(l.Idle), Absolute: wire.FromDuration(l.Absolute),
		Persistence: byte(l.Persistent), Basis: byte(l.Basis),
	}
}

// checkLifetime says what is wrong with a session's own lifetime.
func (m *Manager) checkLifetime(l Lifetime) error {
	absolute, longest := m.absolute.Duration(), m.maxLifetime.Duration()
	if l.Absolute != 0 {
		absolute = l.Absolute
	}
	switch {
	case l.Idle != 0 && l.Idle < time.Millisecond:
		return fmt.Errorf("Idle is %v and must be at least a millisecond, or zero for the manager's", l.Idle)
	case l.Absolute != 0 && l.Absolute < time.Millisecond:
		return fmt.Errorf("Absolute is %v and must be at least a millisecond, or zero for the manager's", l.Absolute)
	case l.Absolute > longest:
		return fmt.Errorf("Absolute is %v and may be %v at most: see Options.MaxLifetime", l.Absolute, longest)
	case l.Idle > absolute && l.Absolute == 0:
		return fmt.Errorf("Idle is %v, longer than the manager's AbsoluteTimeout of %v: set Absolute too", l.Idle, absolute)
	case l.Idle > absolute:
		return fmt.Errorf("Idle is %v, longer than Absolute, %v: the session would never idle out", l.Idle, absolute)
	case l.Persistent > EndWithBrowser:
		return fmt.Errorf("Persistent is %d: use Keep or EndWithBrowser, or zero for the manager's", l.Persistent)
	case l.Basis > LastChange:
		return fmt.Errorf("Basis is %d: use LastUse or LastChange, or zero for the manager's", l.Basis)
	}
	return nil
}

// wantedLifetime is the lifetime that a request wants its session to have.
type wantedLifetime struct {
	wire.Lifetime
	byRole bool // Options.LifetimeFor has chosen it, and not SetLifetime, which counts more
}

// lifetimeFor asks the application for the lifetime of a subject's sessions. It returns nil where that leaves the choice
// to others.
func (m *Manager) lifetimeFor(subject string) (*wantedLifetime, error) {
	if m.lifetimeByRole == nil {
		return nil, nil
	}
	l := m.lifetimeByRole(strings.Clone(subject))
	if l == (Lifetime{}) {
		return nil, nil
	}
	if err := m.checkLifetime(l); err != nil {
		return nil, fmt.Errorf("session: Login: Options.LifetimeFor: %w", err)
	}
	return &wantedLifetime{Lifetime: l.wire(), byRole: true}, nil
}

// wantLifetime is for a login: byRole counts unless SetLifetime has been called.
func (p *pending) wantLifetime(byRole *wantedLifetime) {
	if p.lifetime == nil || p.lifetime.byRole {
		p.lifetime = byRole
	}
}

// wantedLifetime returns the lifetime that the next commit gives the session, or nil. What SetLifetime has said before
// an earlier Save of the request counts for a login or a new session that comes after it.
func (st *state) wantedLifetime(a *changes) *wantedLifetime {
	settled := (*wantedLifetime)(nil)
	if st.rare != nil && (a.login || !st.found) {
		settled = st.rare.lifetime
	}
	if a.lifetime == nil || a.lifetime.byRole && settled != nil {
		return cmp.Or(settled, a.lifetime)
	}
	return a.lifetime
}

// keepLifetime remembers what SetLifetime has said, for the rest of the request.
func (st *state) keepLifetime(err error) {
	if st.pending != nil && st.pending.lifetime != nil && !st.pending.lifetime.byRole && err == nil {
		st.rarely().lifetime = st.pending.lifetime
	}
}

// changedBy reports whether a lifetime is another one than base has, and whether base's cookie has to be sent again
// for it.
func (m *Manager) changedBy(base *record, to *wantedLifetime) (changed, cookie bool) {
	if to == nil {
		return false, false
	}
	next := base.env
	next.SetLifetime(to.Lifetime)
	next.Deadline = m.newDeadline(&next)
	changed = next.Lifetime() != base.env.Lifetime() || next.Deadline != base.env.Deadline
	return changed, m.cookieEnd(&next) != m.cookieEnd(&base.env)
}

// changesCookie reports whether the lifetime that the request wants needs the cookie to be sent again.
func (st *state) changesCookie(m *Manager) bool {
	a := st.changes()
	if !st.found || a.lifetime == nil {
		return false
	}
	var base record
	st.base.reparse(&base)
	_, cookie := m.changedBy(&base, a.lifetime)
	return cookie
}

// arrangeCookie sees to it that the browser gets the token of next, which is what base becomes, under the attributes
// that its lifetime wants. Where this response cannot do that, because it may not know the token or the client is gone,
// the next one has to.
func (c *commit) arrangeCookie(next, base *record) {
	c.reissued = ""
	if !base.env.OwesCookie() && c.m.cookieEnd(&next.env) == c.m.cookieEnd(&base.env) {
		return
	}
	if token := c.presentedToken(base.id); token != "" && canSetCookie(&c.facts) {
		c.reissued = c.m.cookie.set(token, c.m.cookieLasts(&next.env, c.now))
	}
	next.env.OweCookie(c.reissued == "")
}
