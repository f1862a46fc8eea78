package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// mirroring is what a commit has done in other systems.
type mirroring struct {
	with  []wire.Shared // the sessions there that its login is one in too
	lines []mirrorLine
	left  []left // what a login replaces there, once it has succeeded here
}

type mirrorLine struct {
	im   *importer
	line string
}

// shares reports whether the commit's login is the one with this key in another system.
func (with *mirroring) shares(im *importer, key string) bool {
	return slices.Contains(with.with, wire.Shared{Name: im.Name, Key: key})
}

// made reports whether the commit has made this value of another system's cookie.
func (with *mirroring) made(im *importer, value string) bool {
	return slices.ContainsFunc(with.lines, func(l mirrorLine) bool {
		return l.im == im && im.cookie.valueIn(l.line) == value
	})
}

// tellOthers does in the other systems what the commit is about to do here. It comes first: what a login leaves over
// there if it fails here, no visitor knows of, and a logout that fails over there is none. What a login replaces over
// there ends afterwards, in leaveOthers.
func (c *commit) tellOthers() error {
	x := c.exchange()
	if len(c.m.importers) == 0 || x == nil || c.client.isBearer() {
		return nil
	}
	for _, im := range c.m.importers {
		if im.isOver(c.now) {
			continue
		}
		if err := c.tell(im, x); err != nil {
			c.undoMirrors()
			return im.failed(err)
		}
	}
	return nil
}

// tell is tellOthers for one of them. A commit that ends a session after the headers may have been asked for a login
// too, which does not happen.
func (c *commit) tell(im *importer, x Exchange) error {
	mirror := im.Mirror != nil
	switch {
	case c.importing != nil && (c.importing.from == im || !mirror):
		if mirror {
			c.share(im, c.importing.brought)
		}
	case c.login && mirror:
		return c.logInto(im, x)
	case c.login:
		c.leaveCookie(im, x)
	case c.action != doEnd && c.action != doEndThenCreate:
	case mirror:
		c.deleteThere(im)
		return c.logOutThere(im, c.valuesThere(im, x))
	default:
		c.leaveCookie(im, x)
		c.leaveOthers()
	}
	return nil
}

// leaveCookie sees to it that a session which an importer would take over is not, because the visitor logs in or out
// here: nobody looks at its cookie while he has a session. Where it cannot be read, at least the browser's cookie goes.
func (c *commit) leaveCookie(im *importer, x Exchange) {
	values := c.valuesThere(im, x)
	open, err := im.openAll(c.ctx, values)
	if err != nil {
		c.noteUndone(im, "", err)
	}
	if err != nil || len(open) > 0 {
		c.deleteThere(im)
		c.mirrored.left = append(c.mirrored.left, left{im, values, open})
	}
}

// leaveOthers ends in other systems what the commit has replaced. The commit has succeeded: a failure is an event.
func (c *commit) leaveOthers() {
	for _, l := range c.mirrored.left {
		if err := c.endLeft(l); err != nil {
			c.noteUndone(l.im, c.subject, err)
		}
		c.closeLeft(l)
	}
	c.mirrored.left = nil
	for _, im := range c.m.mirrors { // the session there may have another cookie by now
		key, shared := sharedIn(&c.old, im)
		if !c.login || !shared || c.mirrored.shares(im, key) {
			continue
		}
		if err := c.closeThere(key, string(c.old.env.Subject)); err != nil {
			c.noteUndone(im, c.subject, err)
		}
	}
}

// deleteThere lets the response delete another system's cookie.
func (c *commit) deleteThere(im *importer) {
	c.mirrored.lines = append(c.mirrored.lines, mirrorLine{im, im.cookie.delete()})
}

// valuesThere are the values of another system's cookie that the visitor has or is about to get, the latter first: this
// request may have logged in before.
func (c *commit) valuesThere(im *importer, x Exchange) (values []string) {
	for _, f := range c.foreign {
		if value := im.cookie.valueIn(f.line); f.name == im.cookie.name && value != "" {
			values = append(values, value)
		}
	}
	return append(values, im.presented(x)...)
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
	values, present := c.valuesThere(im, x), ""
	open, err := im.openAll(c.ctx, values)
	switch {
	case err != nil:
		return err
	case len(open) > 0:
		present = open[0].value
	case len(values) > 0:
		present = values[0]
	}
	c.mirrored.left = append(c.mirrored.left, left{im, values, open})
	value, err := im.Mirror.Login(c.ctx, present, Foreign{Subject: c.subject, Values: c.valuesFor(im)})
	if errors.Is(err, ErrNotFound) {
		c.deleteThere(im)
		return nil
	}
	if err != nil {
		return err
	}
	return c.takeMirrored(im, value)
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
