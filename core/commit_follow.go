package session

import (
	"errors"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// journey tells of the aliases between a record and the session that has taken its place.
type journey struct {
	steps     int
	login     bool   // a login: whoever held the token before may not be who logged in
	other     bool   // a login as somebody else
	requested bool   // a login or an explicit Renew
	offer     string // the Set-Cookie line of the last token, if this request's own token leads to it
	token     string // the last token itself, then
}

// follow returns the live session that a record has become, or ErrEnded. reason is what lookUp said of the record.
func (c *commit) follow(rec record, reason Reason) (record, journey, error) {
	var way journey
	token := ""
	if reason == ReasonSuperseded {
		token = c.presentedToken(rec.id)
	}
	for ; reason == ReasonSuperseded; way.steps++ {
		way.login = way.login || rec.env.Flags&wire.LeftByLogin != 0
		way.other = way.other || rec.env.Flags&wire.LeftByOtherSubject != 0
		if rec.env.Flags&wire.LeftByRenewal == 0 {
			way.requested, token = true, ""
		}
		if token != "" {
			token = successorToken(token, rec.env.Salt())
		}
		var err error
		if rec, reason, err = c.lookUp(rec.env.Successor()); err != nil {
			return record{}, way, err
		}
	}
	if reason != "" {
		return record{}, way, ErrEnded
	}
	if way.steps > 0 && c.m.revocations != nil {
		if err := c.checkHeir(&rec); err != nil {
			return record{}, way, err
		}
	}
	if token != "" {
		way.offer, way.token = c.m.cookie.set(token, c.m.cookieLasts(&rec.env, c.now)), token
	}
	return rec, way, nil
}

// noteFollowed notes that this request goes on with another record than the one that it has loaded, and takes over the
// cookie that leads there, if it may have it.
func (c *commit) noteFollowed(way journey) {
	if way.steps > 0 {
		c.followed = true
	}
	if way.offer != "" {
		c.cookie, c.heirToken = way.offer, way.token
	}
}

// presentedToken returns the token that the request presented for a record, or "".
func (c *commit) presentedToken(id RecordID) string {
	if c.x == nil {
		return ""
	}
	found := c.m.presented(c.client, c.x)
	for _, token := range found.values[:found.count] {
		if recordID(c.m.name, token) == id {
			return token
		}
	}
	if recordID(c.m.name, c.offeredToken) == id {
		return c.offeredToken
	}
	return ""
}

// lookUpInTurn is lookUp after an attempt to write the record has failed: from now on the others of this process wait.
func (c *commit) lookUpInTurn(id RecordID) (record, Reason, error) {
	if _, err := c.takeTurn(id, 0); err != nil {
		return record{}, "", err
	}
	return c.lookUp(id)
}

// lookUp loads a record and judges it for a request in flight. The idle timeout does not concern it: whoever loaded the
// session in time has used it.
func (c *commit) lookUp(id RecordID) (rec record, _ Reason, _ error) {
	if err := c.ctx.Err(); err != nil {
		return rec, "", unavailable("reload", err)
	}
	err := c.m.loadRecord(c.ctx, id, &rec)
	if errors.Is(err, ErrNotFound) {
		return rec, ReasonUnknown, nil
	}
	reason, err := c.m.judge(&rec, c.now, err)
	if err != nil {
		return rec, "", unavailable("reload", err)
	}
	if reason == ReasonExpiredIdle {
		reason = ""
	}
	return rec, reason, nil
}
