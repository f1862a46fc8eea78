package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// A session knows with which ones of other systems it shares its login, so that those are not taken over once more when
// it has ended: their cookies may be copied, and not every system can end what is behind one.

// sharedIn returns under which key a session's record has the one in another system.
func sharedIn(rec *record, im *importer) (key string, shared bool) {
	for _, with := range rec.env.Mirrors() {
		if with.Name == im.Name {
			return with.Key, true
		}
	}
	return "", false
}

// onceKey is under which key it is noted that a login in another system is over: an alias's id, or the handle that a
// sealed session made of it would have.
func (m *Manager) onceKey(im *importer, id, subject string) string {
	token := im.tokenFor(id, subject)
	if m.store == nil {
		h := handleFor(token)
		return string(h[:])
	}
	record := recordID(m.name, token)
	return string(record[:])
}

// closeOnce notes that a subject's login in another system is over, until end. flags are the marker's.
func (m *Manager) closeOnce(ctx *bounded, key, subject string, flags byte, end wire.Millis) error {
	switch {
	case m.store != nil && len(key) == len(RecordID{}):
		c := commit{m: m, facts: facts{now: m.now()}, ctx: ctx}
		defer c.release()
		return c.closeAlias(RecordID([]byte(key)), flags, end)
	case m.store == nil && m.revocations != nil && subject != "" && len(key) == len(wire.Handle{}):
		return m.endOne(ctx, subject, wire.Handle([]byte(key)))
	}
	return nil
}

// reopen lets a login in another system be taken over again, because a session there has been seen with another visitor
// or with none: whoever is logged in there later has logged in anew.
func (m *Manager) reopen(ctx *bounded, key string) error {
	if m.store == nil {
		return nil
	}
	return m.store.Delete(ctx, RecordID([]byte(key)))
}

// closeThere is closeOnce for what a commit ends. A sealed session that goes on keeps its handle, which is not to be
// revoked.
func (c *commit) closeThere(key, subject string) error {
	if handle := c.next.env.Handle; c.m.store == nil && key == string(handle[:]) && subject == string(c.next.env.Subject) {
		return nil
	}
	return c.m.closeOnce(c.ctx, key, subject, c.revocation(), aliasEnd(c.now))
}

// closeShared notes that the logins which a session shares are over with it. Where that fails, a logout goes on with an
// event; whoever revokes a session is told to try again.
func (c *commit) closeShared(rec *record) error {
	for _, im := range c.m.importers {
		key, shared := sharedIn(rec, im)
		if !shared || im.isOver(c.now) || c.mirrored.shares(im, key) {
			continue
		}
		if err := c.closeThere(key, string(rec.env.Subject)); err != nil {
			if c.revoked == "" {
				c.noteUndone(im, string(rec.env.Subject), err)
				continue
			}
			return unavailable("destroy", err)
		}
	}
	return nil
}

// closeRevoked is closeShared for a session that Options.Revocations has ended, without anybody looking at it, when its
// visitor presents it.
func (m *Manager) closeRevoked(ctx *bounded, rec *record, now wire.Millis) error {
	c := commit{m: m, facts: facts{now: now}, ctx: ctx, revoked: ReasonRevoked}
	defer c.release()
	return c.closeShared(rec)
}
