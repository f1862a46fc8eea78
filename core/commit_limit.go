package session

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// loginWithinLimit logs in and sees to it that the subject has no more sessions than allowed. Logins of one subject
// take turns in this process. Those on other servers are found afterwards, because each one looks once its own
// session is there: whoever comes last sees all.
func (c *commit) loginWithinLimit() error {
	key := turnKey(sha256.Sum256([]byte("subject\x00" + c.m.name + "\x00" + c.subject)))
	if _, err := turns.take(c.ctx, key, 0); err != nil {
		return unavailable("login", err)
	}
	defer turns.pass(key)
	if c.m.limit == RefuseLogin {
		others, err := c.otherSessions(c.replacedByLogin()...)
		if err == nil && len(others) >= c.m.maxPerSubject {
			err = ErrTooManySessions
		}
		if err != nil {
			return err
		}
	}
	if err := c.doAction(); err != nil {
		return err
	}
	c.release()
	err := c.keepWithinLimit()
	if err != nil { // a login that is answered with an error has not logged in
		c.cookie = ""
		c.deleteUnused(&c.next)
	}
	return err
}

// replacedByLogin returns the sessions that the login replaces or ends.
func (c *commit) replacedByLogin() []record {
	own := append([]record{c.old}, c.others...)
	if c.ending != nil {
		own = append(own, c.ending.sessions...)
	}
	if c.marker != nil && c.marker.env.Kind == wire.Alias {
		if heir, _, err := c.follow(*c.marker, ReasonSuperseded); err == nil {
			own = append(own, heir)
		}
	}
	return own
}

// keepWithinLimit ends what is beyond the limit after a login. All servers order the sessions alike, so of logins
// that happen at once they keep the same ones.
func (c *commit) keepWithinLimit() error {
	all, err := c.otherSessions(c.next)
	all = append(all, c.next)
	slices.SortFunc(all, func(a, b record) int { return earlier(&a, &b) })
	excess := len(all) - c.m.maxPerSubject
	if err != nil || excess <= 0 {
		return err
	}
	beyond := all[:excess]
	if c.m.limit == RefuseLogin {
		beyond = all[c.m.maxPerSubject:]
	}
	for i := range beyond {
		if beyond[i].id == c.next.id && c.m.limit == RefuseLogin {
			return ErrTooManySessions
		}
		if _, err := c.m.revokeRecord(c.ctx, &beyond[i], ReasonEvicted); err != nil {
			return err
		}
	}
	return nil
}

// otherSessions returns the sessions of the login's subject that live, without those that are the login's own.
func (c *commit) otherSessions(own ...record) (others []record, err error) {
	// Copies, so that the function below does not keep c, which would put it on the heap.
	m, now, seen, check := c.m, c.now, map[wire.Handle]bool{}, inquiry{m: c.m}
	for i := range own {
		seen[own[i].env.Handle] = true
	}
	err = m.walkSubject(c.ctx, "Login", c.subject, func(rec *record) error {
		if !seen[rec.env.Handle] && !m.hasExpired(rec, now) {
			seen[rec.env.Handle] = true
			others = append(others, *rec)
			check.add(&rec.env)
		}
		return nil
	})
	if err == nil {
		others, err = withoutRevoked(c.ctx, &check, others)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = unavailable("login", err)
	}
	return others, err
}

// earlier orders sessions by login.
func earlier(a, b *record) int {
	return cmp.Or(cmp.Compare(a.env.Authenticated, b.env.Authenticated), bytes.Compare(a.env.Handle[:], b.env.Handle[:]))
}
