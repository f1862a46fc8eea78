package session_test

import (
	"math/rand/v2"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// A small model of the clocks, and random requests of one visitor that it has to agree with. It knows nothing of
// records, tokens or plans: only what the promises say.

// modelClocks is a session as the model sees it.
type modelClocks struct {
	subject                   string
	created, authenticated    time.Time
	own                       session.Lifetime
	lastAtLeast, lastAtLatest time.Time // the idle timeout counts from a moment between these
}

// modelOptions are what the manager's options say.
type modelOptions struct {
	session.Options
}

const (
	modelIdle     = 30 * time.Minute
	modelAbsolute = 12 * time.Hour
	modelLongest  = 100 * day
)

func (o modelOptions) idle(m *modelClocks) time.Duration {
	if m.own.Idle != 0 {
		return m.own.Idle
	}
	return modelIdle
}

// slack is for how long uses are not noted down.
func (o modelOptions) slack(m *modelClocks) time.Duration {
	switch {
	case o.byChange(m):
		return 0
	case o.TouchInterval != 0 && m.own.Idle != 0:
		return min(o.TouchInterval, m.own.Idle/10)
	case o.TouchInterval != 0:
		return o.TouchInterval
	}
	return o.idle(m) / 10
}

func (o modelOptions) byChange(m *modelClocks) bool {
	return m.own.Basis == session.LastChange || m.own.Basis == 0 && o.Basis == session.LastChange
}

func (o modelOptions) persistent(m *modelClocks) bool {
	return m.own.Persistent == session.Keep || m.own.Persistent == 0 && o.Cookie.Persistent
}

func (o modelOptions) end(m *modelClocks) time.Time {
	from, absolute := m.created, modelAbsolute
	if m.authenticated.After(from) {
		from = m.authenticated
	}
	if m.own.Absolute != 0 {
		absolute = m.own.Absolute
	}
	return from.Add(absolute)
}

// alive reports whether the session must live, and whether it may.
func (o modelOptions) alive(m *modelClocks, now time.Time) (must, may bool) {
	if m == nil || !now.Before(o.end(m)) {
		return false, false
	}
	idle := o.idle(m)
	return now.Before(m.lastAtLeast.Add(idle)), now.Before(m.lastAtLatest.Add(idle + o.slack(m)))
}

// wish is what a request does with its session.
type wish struct {
	set, touch, renew, login, lifetime bool
	subject                            string
	own                                session.Lifetime
	lifetimeFirst                      bool
}

func (w wish) do(s *session.Session, r *rand.Rand) {
	s.Exists()
	if w.lifetime && w.lifetimeFirst {
		s.SetLifetime(w.own)
	}
	if w.set {
		count.Set(s, r.Int())
	}
	if w.login {
		s.Login(w.subject)
	}
	if w.renew {
		s.Renew()
	}
	if w.touch {
		s.Touch()
	}
	if w.lifetime && !w.lifetimeFirst {
		s.SetLifetime(w.own)
	}
}

func (w wish) changes(m *modelClocks) bool { return w.set || w.lifetime && w.own != m.own }

// after is the session after a request that nobody has interfered with; nil: none. fails says that its commit fails.
func (o modelOptions) after(m *modelClocks, w wish, now time.Time) (next *modelClocks, fails bool) {
	switch {
	case m != nil && !now.Before(o.end(m)): // its end came during the request
		if !w.login {
			return nil, w.changes(m) || w.renew || w.touch
		}
		m = nil
	case m == nil && !w.set && !w.login:
		return nil, false
	}
	next = &modelClocks{created: now}
	if m != nil && (!w.login || m.subject == "" || m.subject == w.subject) {
		*next = *m
	}
	if w.login {
		if next.subject != w.subject {
			next.own = session.Lifetime{}
		}
		if byRole := o.LifetimeFor(w.subject); byRole != (session.Lifetime{}) {
			next.own = byRole
		}
		next.subject, next.authenticated = w.subject, now
	}
	counts := m == nil || w.changes(m) || w.touch || w.renew || w.login
	if w.lifetime {
		next.own = w.own
	}
	if counts || !o.byChange(next) {
		next.lastAtLeast, next.lastAtLatest = now, now
	}
	if !now.Before(o.end(next)) {
		return nil, false
	}
	return next, false
}

// replayed is a stored session after a request that another one has overtaken. loaded is the session that the request
// had seen, m what the other left.
func (o modelOptions) replayed(loaded, m *modelClocks, other, w wish, now time.Time) (next *modelClocks, fails bool) {
	writes := w.changes(loaded) || w.renew
	switch {
	case !now.Before(o.end(loaded)):
		return m, writes || w.touch
	case m == nil || other.login:
		return m, writes
	case !now.Before(o.end(m)):
		return nil, writes
	}
	next = &modelClocks{}
	*next = *m
	if next.lastAtLatest = now; w.changes(loaded) {
		next.lastAtLeast = now
	}
	if w.lifetime && w.changes(loaded) {
		next.own = w.own
	}
	if !now.Before(o.end(next)) {
		return nil, false
	}
	return next, false
}
