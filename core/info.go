package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Info returns what is known of the session as this request's response leaves it: changes and touches that are due
// are counted. For a session that this request starts it is what is known already; the handle is "" until it has been
// saved. It is the zero Info when there will be no session. It costs no store call but that of the first use.
func (s *Session) Info() Info {
	now := s.m.now()
	st := s.enter()
	if st == nil {
		return Info{}
	}
	defer s.leave()
	c := commit{m: s.m, client: s.client}
	st.base.reparse(&c.old)
	c.facts = s.gatherFacts(st, &c.old, now)
	c.plan = decide(&c.facts)
	c.dropUnsaved()
	rec, ok := c.outcome()
	if !ok {
		return Info{}
	}
	return s.m.info(&rec)
}

// outcome is the session, without its values, as the plan leaves it if nobody interferes. ok is false if there is none.
func (c *commit) outcome() (rec record, ok bool) {
	rec = c.old
	switch c.action {
	case doEnd:
		return record{}, false
	case doCreate, doEndThenCreate:
		rec = record{env: c.newEnvelope()}
		rec.env.Handle = wire.Handle{}
	case doRenew:
		rec = record{}
		if c.beginRenewed(&rec); c.switched {
			rec.env.Handle = wire.Handle{}
		}
	case doTouch, doUpdate:
		c.stampLifetime(&rec.env)
	default:
		return rec, c.found && !c.m.hasExpired(&rec, c.now)
	}
	c.m.noteUse(&rec, c.now, c.extends())
	return rec, !c.m.hasExpired(&rec, c.now)
}

// authenticated is when the visitor has given his password, here or in the system that the session comes from. 0:
// never, or nobody knows.
func authenticated(e *wire.Envelope) wire.Millis {
	if at, elsewhere := e.AuthenticatedElsewhere(); elsewhere {
		return at
	}
	return e.Authenticated
}

// AuthenticatedWithin reports whether the visitor has logged in less than d ago, to the leeway; for pages that ask for
// the password once more. A login in this very request counts.
func (s *Session) AuthenticatedWithin(d time.Duration) bool {
	now := s.m.now()
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	if st.changes().login {
		return d > 0
	}
	e := st.base.envelope()
	at := authenticated(&e)
	return d > 0 && at > 0 && !s.m.reached(at+wire.FromDuration(d), now)
}
