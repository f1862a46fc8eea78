package session

import (
	"math/rand/v2"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

func (c *commit) values(base *record) values { return values{base.env.Body, c.hidden} }

func (c *commit) check(v values, ops []operation) error {
	if c.m.conflicts == LastWriteWins {
		return nil
	}
	return v.checkReads(ops)
}

// newEnvelope is the envelope of a session that begins now.
func (c *commit) newEnvelope() wire.Envelope {
	e := wire.Envelope{Kind: wire.Live, Handle: mintHandle(), Created: c.now}
	if c.m.store == nil {
		e.Flags = wire.Sealed
	}
	e.Renewed, e.Deadline = c.now, c.now+c.m.absolute
	c.client.hint(&e)
	c.stampLogin(&e)
	return e
}

// renewedFrom is base's envelope after a renewal or login.
func (c *commit) renewedFrom(base wire.Envelope) wire.Envelope {
	if c.switched {
		return c.newEnvelope()
	}
	base.Renewed = c.now
	base.Flags &^= wire.Unpresented
	base.SetExtension(wire.PresentedAt, "")
	c.stampLogin(&base)
	return base
}

// stampLogin puts a login's subject and clocks into e.
func (c *commit) stampLogin(e *wire.Envelope) {
	if c.login {
		e.Subject = []byte(c.subject)
		e.Authenticated, e.Deadline = c.now, c.now+c.m.absolute
		c.client.hint(e)
	}
}

// encodeNext makes h, whose envelope is there but for the clocks and the body, a session to be written: over the
// values v as ops leave them.
func (c *commit) encodeNext(h *record, v values, ops []operation) error {
	h.seen, h.expires = max(c.now, h.seen), min(c.plan.expires, h.env.Deadline)
	h.env.Seen, h.env.Expires = h.seen, h.expires
	if c.m.store != nil {
		h.env.PushWriteID(rand.Uint64())
	}
	h.encode(v, ops)
	if c.m.store != nil && len(h.data) > c.m.maxSize {
		return tooLarge(len(h.data), c.m.maxSize)
	}
	return nil
}

// encodeOver drafts base as ops change it, under base's token.
func (c *commit) encodeOver(next, base *record, ops []operation) error {
	*next = record{snapshot: snapshot{seen: base.seen}, env: base.env}
	if !c.cameByReplaced && !c.followed {
		next.env.MarkPresented(c.now)
	}
	if err := c.encodeNext(next, c.values(base), ops); err != nil {
		return err
	}
	next.id, next.version = base.id, base.version
	// The other request may have been later.
	next.expires = max(next.expires, min(c.m.idleEnd(base), base.env.Deadline))
	return nil
}

// encodeFromOperations drafts a session from this request's operations over v. Where they ran on something else, they
// run again.
func (c *commit) encodeFromOperations(h *record, v values) (err error) {
	ops := c.ops
	if c.found || v.body != nil {
		if ops, err = v.replay(ops); err != nil {
			return err
		}
	}
	h.env = c.newEnvelope()
	return c.encodeNext(h, v, ops)
}
