package session

import (
	"fmt"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Lifetime is how long a session lives. Fields that are zero are as the manager's options say, then and later.
type Lifetime struct {
	// Idle ends the session that is not used for this long. At most the absolute timeout.
	Idle time.Duration
	// Absolute ends it this long after its last login, or else its creation, used or not. At most Options.MaxLifetime.
	Absolute time.Duration
	// Persistent says whether the cookie outlives the browser.
	Persistent Persistence
	// Basis says what Idle counts from.
	Basis Basis
}

// Persistence says whether a session's cookie outlives the browser. Zero means as Cookie.Persistent says.
type Persistence byte

const (
	_ Persistence = iota
	// Keep makes the browser keep the cookie until the session's absolute end.
	Keep
	// EndWithBrowser makes it forget the cookie when it closes. Browsers that restore their windows bring it back.
	EndWithBrowser
)

// Basis says what the idle timeout counts from. Zero means as Options.Basis says.
type Basis byte

const (
	_ Basis = iota
	// LastUse counts from the last request that has loaded the session. It is the default.
	LastUse
	// LastChange counts from the last change: of a value, by Touch, Renew, Login or SetLifetime. Requests that only read
	// do not extend the session, nor does what happens without being asked for, such as a periodic renewal. The session
	// lives for the idle timeout exactly; there is no touch interval. A request that was at work when SetLifetime chose
	// this may still count as use. Django counts so by default.
	LastChange
)

// SetLifetime gives the session a lifetime of its own, which stays with it until the next SetLifetime or a login as
// somebody else. Lifetime{} makes it follow the manager's options again. Use it for "remember me".
//
// The idle timeout counts from now, the absolute one from the last login or else the creation: calling it again with
// the same lifetime is no change and extends nothing. If the absolute end has passed already, the session ends with
// this response. A change of persistence, or of a persistent session's absolute end, sends the cookie once more with
// the same token, so it has to come before the first byte.
//
// A response that is lost takes the cookie's new attributes with it, and setting the same lifetime again sends them no
// more: Renew does.
//
// Without a session it starts none; one that this request's writes or Login start gets the lifetime. After Destroy it
// is for the session that comes next. When requests overlap, the later commit wins.
//
// Timeouts that are negative or below a millisecond, an Idle beyond the absolute timeout and an Absolute beyond
// Options.MaxLifetime are refused: the commit fails, and nothing changes.
func (s *Session) SetLifetime(l Lifetime) {
	if err := s.m.checkLifetime(l); err != nil {
		s.reject(ReasonCommitFailed, "", fmt.Errorf("session: SetLifetime: %w", err))
		return
	}
	if st, err := s.enterToWrite(); err == nil {
		st.pending.lifetime = &wantedLifetime{Lifetime: l.toWire()}
		s.leaveChanged(st)
	}
}

// wantedLifetime is the lifetime that the request wants for its session.
type wantedLifetime struct {
	wire.Lifetime
	byLogin bool // Options.LifetimeFor wants it, for the login; SetLifetime counts more
}

func (l Lifetime) toWire() wire.Lifetime {
	return wire.Lifetime{Idle: wire.FromDuration(l.Idle), Absolute: wire.FromDuration(l.Absolute),
		Persistence: byte(l.Persistent), Basis: byte(l.Basis)}
}

// checkLifetime says what is wrong with a lifetime, and what to do about it.
func (m *Manager) checkLifetime(l Lifetime) error {
	own := l.toWire()
	absolute := m.absolute
	if own.Absolute > 0 {
		absolute = own.Absolute
	}
	switch {
	case l.Idle < 0 || l.Idle > 0 && own.Idle == 0:
		return fmt.Errorf("Idle is %v: use a millisecond or more, or zero for Options.IdleTimeout", l.Idle)
	case l.Absolute < 0 || l.Absolute > 0 && own.Absolute == 0:
		return fmt.Errorf("Absolute is %v: use a millisecond or more, or zero for Options.AbsoluteTimeout", l.Absolute)
	case own.Absolute > m.maxLifetime:
		return fmt.Errorf("Absolute is %v, more than Options.MaxLifetime, %v: raise that one, or use less",
			l.Absolute, m.maxLifetime.Duration())
	case own.Idle > absolute && own.Absolute == 0:
		return fmt.Errorf("Idle is %v, more than Options.AbsoluteTimeout, %v: set Absolute too", l.Idle, absolute.Duration())
	case own.Idle > absolute:
		return fmt.Errorf("Idle is %v, more than Absolute, %v: set Absolute to as much at least", l.Idle, l.Absolute)
	case l.Persistent > EndWithBrowser:
		return fmt.Errorf("Persistent is %d: use Keep or EndWithBrowser, or zero for Cookie.Persistent", l.Persistent)
	case l.Basis > LastChange:
		return fmt.Errorf("Basis is %d: use LastUse or LastChange, or zero for Options.Basis", l.Basis)
	}
	return nil
}

// lifetimeForLogin asks Options.LifetimeFor. Nil is its word that it wants nothing in particular.
func (m *Manager) lifetimeForLogin(subject string) (*wantedLifetime, error) {
	if m.lifetimeFor == nil {
		return nil, nil
	}
	l := m.lifetimeFor(strings.Clone(subject)) // it may lie in a buffer that the framework reuses
	if l == (Lifetime{}) {
		return nil, nil
	}
	if err := m.checkLifetime(l); err != nil {
		return nil, fmt.Errorf("session: Login: Options.LifetimeFor has returned a lifetime that cannot be: %w", err)
	}
	return &wantedLifetime{Lifetime: l.toWire(), byLogin: true}, nil
}

// loginLifetime is for a login that Options.LifetimeFor wants this lifetime for, or nil.
func (p *pending) loginLifetime(l *wantedLifetime) {
	if p.lifetime == nil || p.lifetime.byLogin {
		p.lifetime = l
	}
}

// wantedLifetime returns the lifetime that the next commit is to give the session, nil if none. What SetLifetime has
// said in this request counts for a login and a new session also after a Save.
func (st *state) wantedLifetime() *wantedLifetime {
	a := st.changes()
	said, begins := a.lifetime != nil && !a.lifetime.byLogin, a.login || !st.found
	if settled := st.settledLifetime(); settled != nil && begins && !said {
		return settled
	}
	return a.lifetime
}

func (st *state) settledLifetime() *wantedLifetime {
	if st.rare == nil {
		return nil
	}
	return st.rare.lifetime
}

// settleLifetime remembers what SetLifetime has said, once a commit has gone well.
func (st *state) settleLifetime(err error) {
	if l := st.changes().lifetime; err == nil && l != nil && !l.byLogin {
		st.rarely().lifetime = l
	}
}

// changedBy reports whether a session is another one with the wanted lifetime, and whether that takes a cookie.
func (m *Manager) changedBy(rec *record, l *wantedLifetime) (changed, cookie bool) {
	if l == nil {
		return false, false
	}
	after := rec.env
	after.SetLifetime(l.Lifetime)
	after.Deadline = m.newDeadline(&after)
	changed = after.Lifetime() != rec.env.Lifetime() || m.absoluteEnd(&after) != m.absoluteEnd(&rec.env)
	return changed, m.cookieEnd(&after) != m.cookieEnd(&rec.env)
}

// changesCookie reports whether the lifetime that the request wants takes a cookie with the session's token.
func (st *state) changesCookie(m *Manager) bool {
	l := st.changes().lifetime
	if l == nil || !st.found {
		return false
	}
	var rec record
	st.base.reparse(&rec)
	_, cookie := m.changedBy(&rec, l)
	return cookie
}

// arrangeCookie sees to it that the browser has the token of next, which takes the place of base, under the attributes
// that next wants. This response sends it, if it can and has the token; otherwise the next response to somebody who
// presents it does.
func (c *commit) arrangeCookie(next, base *record) {
	c.reissued = ""
	if c.bearer || !base.env.OwesCookie() && c.m.cookieEnd(&next.env) == c.m.cookieEnd(&base.env) || c.m.store == nil {
		return
	}
	token := c.tokenOf(base.id)
	owed := token == "" || !canSetCookie(&c.facts)
	if next.env.OweCookie(owed); !owed {
		c.reissued = c.m.cookie.set(token, c.m.cookieLasts(&next.env, c.now))
	}
}

// tokenOf returns the token of a record if the visitor has it, gets it with this response, or may get it; else "".
func (c *commit) tokenOf(id RecordID) string {
	for _, token := range []string{c.heirToken, c.issued} {
		if token != "" && recordID(c.m.name, token) == id {
			return token
		}
	}
	return c.presentedToken(id)
}
