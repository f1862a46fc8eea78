package fromflask

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// maxCookie is how many bytes a cookie's value may have. Browsers keep about half of that.
const maxCookie = 8 << 10

// Cookie reads Flask's own session cookie, which holds the values itself, signed. Flask knows no end of such a session
// but its age, and no way to end it early: a copy of a cookie stays good over there until then, also after a logout.
func Cookie(c Config) (session.Importer, error) {
	p, err := c.prepare("cookie-session")
	if err != nil {
		return session.Importer{}, err
	}
	if len(p.signers) == 0 {
		return session.Importer{}, errors.New("fromflask: there is no secret: set Config.Secrets to Flask's SECRET_KEY")
	}
	return p.importer(p.openCookie, cookieMirror{p}), nil
}

func (p *prepared) openCookie(_ context.Context, value string) (session.Foreign, error) {
	body, written, err := p.unsealed(value)
	if err != nil {
		return session.Foreign{}, err
	}
	text, err := plain(body)
	if err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	values, err := untagged(text)
	if err != nil {
		return session.Foreign{}, strict.Refused(session.ReasonCorrupt, "%v", err)
	}
	return session.Foreign{Subject: subject(values[p.User]), Values: values, Written: written}, nil
}

// unsealed checks signature and age.
func (p *prepared) unsealed(value string) (body string, written time.Time, err error) {
	if len(value) > maxCookie {
		return "", written, strict.Refused(session.ReasonOversized, "more than %d bytes", maxCookie)
	}
	if strings.Count(value, ".") < 2 {
		return "", written, strict.Refused(session.ReasonMalformed, "not a value, a time and a signature")
	}
	text, err := p.unsign(value)
	if err != nil {
		return "", written, err
	}
	dot := strings.LastIndexByte(text, '.')
	seconds, err := timestamp(text[dot+1:])
	if err != nil {
		return "", written, strict.Refused(session.ReasonCorrupt, "the time is %v", err)
	}
	now := p.Now().Unix()
	switch { // Flask reckons in whole seconds
	case seconds > now+int64(strict.Skew/time.Second):
		return "", written, strict.Refused(session.ReasonUnopenable,
			"signed %d s in the future: let the servers' clocks agree", seconds-now)
	case now-seconds > int64(p.Lifetime/time.Second):
		return "", written, strict.Refused(session.ReasonExpiredIdle, "older than %v", p.Lifetime)
	}
	return text[:dot], time.Unix(seconds, 0), nil
}

// timestamp reads seconds since 1970, big-endian without leading zeros.
func timestamp(text string) (int64, error) {
	b, err := strict.Base64URL(text)
	if err != nil {
		return 0, err
	}
	if len(b) > 8 || len(b) > 0 && b[0] == 0 {
		return 0, errors.New("not a number as Flask writes it")
	}
	var whole [8]byte
	copy(whole[8-len(b):], b)
	return int64(min(binary.BigEndian.Uint64(whole[:]), math.MaxInt64)), nil
}

// plain is the JSON of a cookie.
func plain(body string) ([]byte, error) {
	compressed := strings.HasPrefix(body, ".")
	b, err := strict.Base64URL(strings.TrimPrefix(body, "."))
	if err != nil || !compressed {
		return b, err
	}
	return strict.Inflate(b)
}

// subject is a user's id, for which Flask-Login wants text. Some applications keep a number.
func subject(value any) string {
	raw, _ := value.(json.RawMessage) // nil if there is no such value
	var id string
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var number json.Number
	if json.Unmarshal(raw, &number) == nil {
		return number.String()
	}
	return ""
}
