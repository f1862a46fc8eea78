package session

import (
	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// seeRevocations loads what a login has to know, in one call of the store: the generations that its session begins
// with, and whether the session that it would go on with has been revoked since it was loaded.
func (c *commit) seeRevocations() error {
	grounds := c.loginGrounds()
	ids := make([]RecordID, len(grounds))
	for i := range grounds {
		ids[i] = grounds[i].id
	}
	var err error
	if c.seen, err = c.m.revocations.look(c.ctx, ids); err != nil {
		accepted := c.m.revocations.mayPass(err)
		if err = unavailable("login", err); !accepted {
			return err
		}
		c.unseen = true
		c.events = c.m.appendEvent(c.events, c.old.event(ReasonUnchecked, err))
	}
	c.restart = c.continues() && c.wasRevoked(grounds)
	return nil
}

// continues reports whether a login keeps the session that the request has loaded.
func (c *commit) continues() bool { return c.action == doRenew && !c.switched }

// loginGrounds are those of the session as the login leaves it.
func (c *commit) loginGrounds() []ground {
	var e wire.Envelope
	if c.continues() {
		e = c.old.env
	}
	e.Subject = []byte(c.subject)
	e.SetLabels(mergeLabels(e.Labels(), c.labels))
	return c.m.grounds(nil, &e)
}

// wasRevoked reports whether the session that a login would go on with is over. Of nobody's session only the one that
// an earlier login has made of it may be.
func (c *commit) wasRevoked(grounds []ground) bool {
	if len(c.old.env.Subject) == 0 {
		grounds = grounds[:1]
	} else {
		grounds = c.m.grounds(nil, &c.old.env)
	}
	return endedBy(c.seen, grounds, c.old.env.Handle)
}

// stampRevocations notes in e what the login has seen, and the labels that it gives.
func (c *commit) stampRevocations(e *wire.Envelope) {
	m := c.m
	if len(c.labels) > 0 {
		e.SetLabels(newestLabels(mergeLabels(e.Labels(), c.labels), c.labels))
	}
	if m.revocations == nil || c.unseen {
		return
	}
	generation := func(purpose, text string) wire.Millis {
		return c.seen[purposeID(m.name, purpose, text, wire.Handle{})].generation
	}
	stamps := e.Stamps()
	stamps.Subject = max(stamps.Subject, generation(ofSubject, c.subject))
	stamps.Everybody = max(stamps.Everybody, generation(ofAll, ""))
	e.SetStamps(stamps)
	labels := e.Labels()
	for i := range labels {
		labels[i].Stamp = max(labels[i].Stamp, generation(ofLabel, labels[i].Name))
	}
	e.SetLabels(labels)
}

// revokeReplaced ends, for sealed sessions, what the plan ends or a login replaces, as far as it belongs to somebody.
// It comes before anything is handed out, so that a failure leaves nothing that nobody knows of.
func (c *commit) revokeReplaced() error {
	if e := c.ending; e != nil {
		for ; e.done < len(e.sessions); e.done++ {
			if err := c.revoke(&e.sessions[e.done]); err != nil {
				return err
			}
		}
	}
	for i := range c.others {
		if c.switched || c.others[i].env.Handle != c.old.env.Handle { // one may be a former copy of the session itself
			if err := c.revoke(&c.others[i]); err != nil {
				return err
			}
		}
	}
	if c.login && c.switched {
		return c.revoke(&c.old)
	}
	return nil
}

// revoke ends a sealed session that belongs to somebody. Of its watchers this process's are told at once.
func (c *commit) revoke(rec *record) error {
	if len(rec.env.Subject) == 0 {
		return nil
	}
	if err := c.closeShared(rec); err != nil {
		return err
	}
	if err := c.m.endOne(c.ctx, string(rec.env.Subject), rec.env.Handle); err != nil {
		return unavailable("destroy", err)
	}
	c.m.tellEnded(rec, ReasonRevoked)
	return nil
}

// checkHeir returns ErrEnded if the session that an alias leads to has been revoked. A login that goes on with it
// counts as having seen all revocations there are, so it has to ask for them, and stamps nothing if it cannot.
func (c *commit) checkHeir(rec *record) error {
	var o opening
	memory := c.m.revocations.memory
	if c.login {
		memory = nil
	}
	switch err := c.m.checkRevoked(c.ctx, &o, rec, c.m.now(), memory); {
	case err != nil:
		return err
	case o.revoked:
		return ErrEnded
	case o.unchecked != nil:
		c.unseen = true
		c.events = c.m.appendEvent(c.events, rec.event(ReasonUnchecked, o.unchecked))
	}
	return nil
}
