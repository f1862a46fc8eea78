package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// mirroring is what a commit has done in the systems that are kept in step.
type mirroring struct {
	with  []wire.Shared // the sessions there
	lines []mirrorLine
}

type mirrorLine struct {
	im   *importer
	line string
}

// mirrorOut does in the other systems what the commit is about to do here. It comes first: what a login leaves over
// there if it fails here, no visitor knows of, and a logout that fails over there is none.
func (c *commit) mirrorOut() error {
	x := c.exchange()
	if len(c.m.mirrors) == 0 || x == nil || c.client.isBearer() {
		return nil
	}
	for _, im := range c.m.mirrors {
		if im.isOver(c.now) {
			continue
		}
		var err error
		switch {
		case c.importing != nil && c.importing.from == im:
			c.share(im, c.importing.brought)
		case c.login:
			err = c.logInto(im, x)
		case c.action == doEnd, c.action == doEndThenCreate:
			err = c.logOutOf(im, x)
		}
		if err != nil {
			c.undoMirrors()
			return im.failed(err)
		}
	}
	return nil
}

// logOutOf ends the visitor's session in another system, and lets the response delete its cookie.
func (c *commit) logOutOf(im *importer, x Exchange) error {
	err := im.logOut(c.ctx, c.m, x)
	if err == nil {
		c.mirrored.lines = append(c.mirrored.lines, mirrorLine{im, im.cookie.delete()})
	}
	return err
}

// exchange is the request's, also for a login that is made of another system's session.
func (c *commit) exchange() Exchange {
	if c.importing != nil {
		return c.importing.x
	}
	return c.x
}

// logInto starts a session for the login's subject in another system.
func (c *commit) logInto(im *importer, x Exchange) error {
	old, present, err := im.visitor(c.ctx, x)
	if err != nil {
		return err
	}
	value, err := im.Mirror.Login(c.ctx, present, Foreign{Subject: c.subject, Values: c.valuesFor(im)})
	if errors.Is(err, ErrNotFound) {
		return c.logOutOf(im, x)
	}
	if err == nil {
		err = c.takeMirrored(im, value)
	}
	if err == nil && old != nil {
		err = c.m.closeForeign(c.ctx, im, old)
	}
	if key, shared := sharedIn(&c.old, im); err == nil && shared {
		err = c.m.closeOnce(c.ctx, key, string(c.old.env.Subject), 0, aliasEnd(c.now))
	}
	return err
}

// takeMirrored notes what a mirror's login has made, once the other system's importer agrees whose it is.
func (c *commit) takeMirrored(im *importer, value string) error {
	line, err := im.lineFor(value)
	c.mirrored.lines = append(c.mirrored.lines, mirrorLine{im, im.cookie.assignment + value})
	if err != nil {
		return err
	}
	c.mirrored.lines[len(c.mirrored.lines)-1].line = line
	made, err := im.read(c.ctx, value)
	switch reason, err := refusal(err); {
	case err != nil:
		return err
	case reason != "":
		return fmt.Errorf("what the mirror of %s has made is refused as %s", im.Name, reason)
	case made.subject != c.subject:
		return fmt.Errorf("what the mirror of %s has made is somebody else's: Subject has to undo what the mirror does "+
			"to a subject", im.Name)
	}
	c.share(im, &made)
	return nil
}

// share notes that the login is also b's.
func (c *commit) share(im *importer, b *brought) {
	c.mirrored.with = append(c.mirrored.with, wire.Shared{Name: im.Name, Key: c.m.onceKey(im, b.ID, b.subject)})
}

// valuesFor returns the values that go to another system, as the commit leaves them.
func (c *commit) valuesFor(im *importer) map[string]any {
	known, sent := c.values(&c.old), map[string]any{}
	for there, key := range im.Values {
		if _, text := c.m.present(known.after(c.ops, key.keyName())); text != nil {
			sent[there] = json.RawMessage(slices.Clone(text))
		}
	}
	return sent
}

// undoMirrors takes back what nobody is told of, as far as that works: what is left over there runs out.
func (c *commit) undoMirrors() {
	for _, l := range c.mirrored.lines {
		if value := l.im.cookie.valueIn(l.line); value != "" {
			_ = l.im.Mirror.Logout(c.ctx, value)
		}
	}
	c.mirrored = mirroring{}
}

// failed is the error of a response that cannot go out because another system could not be asked.
func (im *importer) failed(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrTooLarge) {
		return err
	}
	return unavailable("reach the system of importer "+im.Name, err)
}

// settleForeign notes for the response what the commit has done in other systems.
func (st *state) settleForeign(c *commit) {
	for _, l := range c.mirrored.lines {
		st.rarely().setForeign(l.im, l.line)
	}
}

// closeAlias turns what stands at id into a marker that nothing comes back from, until deadline.
func (c *commit) closeAlias(id RecordID, flags byte, deadline wire.Millis) error {
	for {
		if err := c.ctx.Err(); err != nil {
			return unavailable("destroy", err)
		}
		var found record
		err := c.m.loadRecord(c.ctx, id, &found)
		switch {
		case errors.Is(err, ErrNotFound):
			mark := c.newMarker(&record{snapshot: snapshot{id: id, version: 1}}, wire.Ended, flags, deadline, nil)
			err = c.m.store.Create(c.ctx, mark.toStore())
		case err == nil && found.env.Kind == wire.Ended:
			return nil
		case err == nil:
			mark := c.newMarker(&found, wire.Ended, flags, deadline, nil)
			err = c.replace(&mark)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrExists) && !errors.Is(err, ErrConflict) && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("%w: destroy: %w", ErrUnavailable, err)
		}
	}
}
