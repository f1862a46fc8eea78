package session

import (
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Info returns what is known of the session besides its values, as this request's response leaves it: changes and touches
// that are due are counted, for a session that this request starts too, whose Handle is "" until it has been saved. It
// is the zero Info when there will be no session. Whatever the store, it takes no further call.
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
	rec, ok := c.foresee()
	if !ok {
		return Info{}
	}
	return s.m.info(&rec)
}

// foresee returns the session that the plan will leave if no other request gets in between, without its values.
func (c *commit) foresee() (rec record, ok bool) {
	rec = c.old
	switch c.action {
	case doCreate, doEndThenCreate:
		rec = record{env: c.newEnvelope()}
		rec.env.Handle = wire.Handle{}
	case doRenew:
		if c.beginRenewed(&rec); c.switched {
			rec.env.Handle, rec.seen, rec.expires = wire.Handle{}, 0, 0
		}
	case doUpdate:
		c.stampLifetime(&rec.env)
	case doTouch:
	default:
		return rec, c.found && !c.expired && c.action != doEnd
	}
	c.m.noteUse(&rec, c.now, c.extends())
	return rec, true
}

// AuthenticatedWithin reports whether the visitor is logged in and the last Login was less than d ago, this request's
// own counted: what should be done only by somebody who has just shown a password asks for it first (OWASP: require
// re-authentication for sensitive features).
func (s *Session) AuthenticatedWithin(d time.Duration) bool {
	i := s.Info()
	return i.Subject != "" && !s.m.reached(wire.FromTime(i.Authenticated)+wire.FromDuration(d), s.m.now())
}
