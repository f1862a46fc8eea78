package session

import (
	"math/rand/v2"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// values are those of base as far as this request has not dropped them.
func (c *commit) values(base *record) values { return values{base.env.Body, c.hidden, c.m, c.now} }

// rerun runs ops again on v, judged by the clock of this moment: another request may have judged v later than this
// commit began.
func (c *commit) rerun(v values, ops []operation) ([]operation, error) {
	v.m, v.now = c.m, c.m.now()
	return v.rerun(ops)
}

// check refuses writes that conflict with what another request wrote, unless the application wants the last one to win.
func (c *commit) check(v values, ops []operation) error {
	if c.m.conflicts == LastWriteWins {
		return nil
	}
	err := v.checkReads(ops)
	if err != nil { // perhaps for a value that has run out since this commit began
		err = v.at(c.m.now()).checkReads(ops)
	}
	return err
}

// newEnvelope is the envelope of a session that begins now.
func (c *commit) newEnvelope() wire.Envelope {
	e := wire.Envelope{Kind: wire.Live, Handle: mintHandle(), Created: c.now, Renewed: c.now}
	if c.m.store == nil {
		e.Flags = wire.Sealed
	}
	c.client.hint(&e)
	if c.formKey != "" {
		e.SetExtension(wire.FormKey, c.formKey)
	}
	e.SetLabels(c.inherited)
	c.stampLogin(&e)
	c.stampLifetime(&e)
	c.stampImport(&e)
	return e
}

// renewedFrom is base's envelope after a renewal or login.
func (c *commit) renewedFrom(base wire.Envelope) wire.Envelope {
	old := base
	if c.switched {
		return c.newEnvelope()
	}
	base.Renewed = c.now
	base.Flags &^= wire.Unpresented
	base.SetExtension(wire.PresentedAt, "")
	base.OweCookie(false)
	c.stampLogin(&base)
	c.stampLifetime(&base)
	c.stampImport(&base)
	c.renewFormKey(&base, &old)
	return base
}

// stampLogin puts a login's subject and clock into e.
func (c *commit) stampLogin(e *wire.Envelope) {
	if c.login {
		if string(e.Subject) != c.subject { // what a session has of its own it has for its subject
			e.SetLifetime(wire.Lifetime{})
		}
		e.Subject, e.Authenticated = []byte(c.subject), c.now
		e.ForgetElsewhere()
		e.SetMirrors(c.mirrored.with)
		c.client.hint(e)
		c.stampRevocations(e)
	}
}

// stampLifetime gives e the lifetime that the request wants for it, if any, and the deadline that follows from that, a
// login or the session's beginning. Nothing else moves a deadline.
func (c *commit) stampLifetime(e *wire.Envelope) {
	if c.lifetime != nil {
		e.SetLifetime(c.lifetime.Lifetime)
	}
	if c.lifetime != nil || c.login || e.Deadline == 0 {
		e.Deadline = c.m.newDeadline(e)
	}
}

// encodeNext notes the use, if it is one, in rec's clocks, which are those from before, and encodes it over the values
// v as ops leave them. The rest of its envelope is there already.
func (c *commit) encodeNext(rec *record, v values, ops []operation) error {
	if c.isUse() {
		c.m.noteUse(rec, c.now, c.extends())
	}
	rec.env.Seen, rec.env.Expires = rec.seen, rec.expires
	if c.m.store != nil {
		rec.env.PushWriteID(rand.Uint64())
	}
	v.m, v.now = c.m, c.now-c.m.leeway // another server, whose clock is behind, may show for longer what is over here
	rec.encode(v, ops)
	if c.m.store != nil && len(rec.data) > c.m.maxSize {
		return tooLarge(len(rec.data), c.m.maxSize)
	}
	return nil
}

// encodeOver makes next what base is after ops, under base's token.
func (c *commit) encodeOver(next, base *record, ops []operation) error {
	*next = record{snapshot: snapshot{seen: base.seen, expires: base.expires}, env: base.env}
	if !c.cameByReplaced && !c.followed {
		next.env.MarkPresented(c.now)
	}
	c.stampLifetime(&next.env)
	c.arrangeCookie(next, base)
	if err := c.encodeNext(next, c.values(base), ops); err != nil {
		return err
	}
	next.id, next.version = base.id, base.version
	return nil
}

// encodeFromOperations makes rec a session of its own: this request's operations over v. If they ran on something else
// before, they run again.
func (c *commit) encodeFromOperations(rec *record, v values) (err error) {
	ops := c.ops
	if c.found || v.body != nil {
		if ops, err = c.rerun(v, ops); err != nil {
			return err
		}
	}
	rec.env = c.newEnvelope()
	return c.encodeNext(rec, v, ops)
}
