package session

import (
	"errors"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// journey is what lay between a record and the session that has taken its place.
type journey struct {
	steps     int
	login     bool   // a login: whoever held the token before may not be who logged in
	other     bool   // a login as somebody else
	requested bool   // a login or an explicit Renew
	offer     string // the Set-Cookie line of the last token, if this request's own token leads to it
}

// follow returns the live session that a record has become, or ErrEnded. reason is what examine said of the record.
func (c *commit) follow(h record, reason Reason) (record, journey, error) {
	var way journey
	token := ""
	if reason == ReasonSuperseded {
		token = c.presentedToken(h.id)
	}
	for ; reason == ReasonSuperseded; way.steps++ {
		way.login = way.login || h.env.Flags&wire.LeftByLogin != 0
		way.other = way.other || h.env.Flags&wire.LeftByOtherSubject != 0
		if h.env.Flags&wire.LeftByRenewal == 0 {
			way.requested, token = true, ""
		}
		if token != "" {
			token = successorToken(token, h.env.Salt())
		}
		var err error
		if h, reason, err = c.lookUp(h.env.Successor()); err != nil {
			return record{}, way, err
		}
	}
	if reason != "" {
		return record{}, way, ErrEnded
	}
	if token != "" {
		way.offer = c.m.cookie.set(token, c.m.absoluteEnd(&h.env)-c.now)
	}
	return h, way, nil
}

// noteFollowed notes that this request goes on with another record than the one it has loaded.
func (c *commit) noteFollowed(way journey) {
	if way.steps > 0 {
		c.followed = true
	}
	if way.offer != "" {
		c.cookie = way.offer
	}
}

// presentedToken returns the token that the request presented for a record, or "".
func (c *commit) presentedToken(id RecordID) string {
	if c.x == nil {
		return ""
	}
	found := c.m.cookie.find(c.x.CookieLines(), c.m.checkValue)
	for _, token := range found.values[:found.count] {
		if recordID(c.m.name, token) == id {
			return token
		}
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(c.offer, c.m.cookie.assignment), ";")
	if recordID(c.m.name, token) == id {
		return token
	}
	return ""
}

// lookUpInTurn is examine after an attempt to write the record has failed: from now on the others of this process wait.
func (c *commit) lookUpInTurn(id RecordID) (record, Reason, error) {
	if _, err := c.takeTurn(id, 0); err != nil {
		return record{}, "", err
	}
	return c.lookUp(id)
}

// lookUp loads a record and judges it for a request in flight. The idle timeout does not concern it: whoever loaded the
// session in time has used it.
func (c *commit) lookUp(id RecordID) (h record, _ Reason, _ error) {
	if err := c.ctx.Err(); err != nil {
		return h, "", unavailable("reload", err)
	}
	err := c.m.loadRecord(c.ctx, id, &h)
	if errors.Is(err, ErrNotFound) {
		return h, ReasonUnknown, nil
	}
	reason, err := c.m.judge(&h, c.now, err)
	if err != nil {
		return h, "", unavailable("reload", err)
	}
	if reason == ReasonExpiredIdle {
		reason = ""
	}
	return h, reason, nil
}
