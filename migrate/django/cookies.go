package fromdjango

import (
	"context"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// maxCookie is the length of a cookie that browsers keep.
const maxCookie = 4096

// SignedCookies takes over the sessions of django.contrib.sessions.backends.signed_cookies, which are in the cookie as
// a whole. Django cannot end one of them: its logout deletes the browser's cookie, and a copy goes on to be valid. So
// it is with what a Mirror writes and ends. Two of one user that were signed in the same second with the same values
// are one text, and become one session here; two of nobody's stay apart.
func SignedCookies(c Config) (session.Importer, error) {
	c, err := c.complete()
	if err != nil {
		return session.Importer{}, err
	}
	return c.importer(cookies{c}), nil
}

type cookies struct{ Config }

func (p cookies) open(_ context.Context, value string) (stored, error) {
	if len(value) > maxCookie {
		return stored{}, strict.Refused(session.ReasonOversized, "more than %d bytes", maxCookie)
	}
	json, at, err := p.unsign(cookieSalt, value)
	if err != nil {
		return stored{}, err
	}
	if p.Now().Sub(at) > p.Age {
		return stored{}, strict.Refused(session.ReasonExpiredIdle, "not written for %v", p.Age)
	}
	return stored{json: json, written: at}, nil
}

func (p cookies) save(_ context.Context, json []byte, _ time.Time) (string, error) {
	return p.sign(cookieSalt, json), nil
}

func (p cookies) remove(context.Context, string) error { return nil }
