package session

import (
	"errors"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// journey is what lay between a record and the session that has taken its place.
type journey struct {
	steps int
	login bool   // a login: whoever held the token before may not be who logged in
	other bool   // a login as somebody else
	asked bool   // a login or an explicit Renew
	offer string // the Set-Cookie line of the last token, if this request's own token leads to it
}

// follow returns the live session that a record has become, or ErrEnded. reason is what examine said of the record.
func (j *job) follow(h held, reason Reason) (held, journey, error) {
	var way journey
	token := ""
	if reason == ReasonSuperseded {
		token = j.presented(h.id)
	}
	for ; reason == ReasonSuperseded; way.steps++ {
		way.login = way.login || h.env.Flags&wire.LeftByLogin != 0
		way.other = way.other || h.env.Flags&wire.LeftByOtherSubject != 0
		if h.env.Flags&wire.LeftByRenewal == 0 {
			way.asked, token = true, ""
		}
		if token != "" {
			token = successorToken(token, h.env.Salt())
		}
		var err error
		if h, reason, err = j.examine(h.env.Successor()); err != nil {
			return held{}, way, err
		}
	}
	if reason != "" {
		return held{}, way, ErrEnded
	}
	if token != "" {
		way.offer = j.m.cookie.set(token, j.m.absoluteEnd(&h.env)-j.now)
	}
	return h, way, nil
}

// adopt notes that this request goes on with another record than the one it has loaded.
func (j *job) adopt(way journey) {
	if way.steps > 0 {
		j.adopted = true
	}
	if way.offer != "" {
		j.cookie = way.offer
	}
}

// presented returns the token that the request presented for a record, or "".
func (j *job) presented(id RecordID) string {
	if j.x == nil {
		return ""
	}
	found := j.m.cookie.find(j.x.CookieLines(), j.m.wellFormed)
	for _, token := range found.values[:found.count] {
		if recordID(j.m.name, token) == id {
			return token
		}
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(j.offer, j.m.cookie.assignment), ";")
	if recordID(j.m.name, token) == id {
		return token
	}
	return ""
}

// examineInTurn is examine after an attempt to write the record has failed: from now on the others of this process wait.
func (j *job) examineInTurn(id RecordID) (held, Reason, error) {
	if _, err := j.takeTurn(id, 0); err != nil {
		return held{}, "", err
	}
	return j.examine(id)
}

// examine loads a record and judges it for a request in flight. The idle timeout does not concern it: whoever loaded the
// session in time has used it.
func (j *job) examine(id RecordID) (h held, _ Reason, _ error) {
	if err := j.ctx.Err(); err != nil {
		return h, "", unavailable("reload", err)
	}
	err := j.m.fetch(j.ctx, id, &h)
	if errors.Is(err, ErrNotFound) {
		return h, ReasonUnknown, nil
	}
	reason, err := j.m.judge(&h, j.now, err)
	if err != nil {
		return h, "", unavailable("reload", err)
	}
	if reason == ReasonExpiredIdle {
		reason = ""
	}
	return h, reason, nil
}
