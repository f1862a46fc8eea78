package session

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// LimitPolicy is for a login beyond Options.MaxPerSubject.
type LimitPolicy int

const (
	// EvictOldest ends those of the subject's sessions that logged in longest ago, by the clocks of the servers.
	EvictOldest LimitPolicy = iota
	// RefuseLogin fails the login with ErrTooManySessions, which the client sees as status 403. Of logins that happen at once
	// on several servers one that has been answered may have to give way to one that was earlier.
	RefuseLogin
)

// loginWithinLimit logs in and sees to it that the subject has no more sessions than allowed. Logins of one subject take turns
// in this process. Those on other servers are found afterwards, because each one looks once its own session is there:
// whoever comes last sees all.
func (j *job) loginWithinLimit() error {
	id := RecordID(sha256.Sum256([]byte("subject\x00" + j.m.name + "\x00" + j.subject)))
	if _, err := turns.take(j.ctx, id, 0); err != nil {
		return unavailable("login", err)
	}
	defer turns.pass(id)
	if j.m.limit == RefuseLogin {
		others, err := j.rivals(j.leaving()...)
		if err == nil && len(others) >= j.m.maxPerSubject {
			err = ErrTooManySessions
		}
		if err != nil {
			return err
		}
	}
	if err := j.carryOut(); err != nil {
		return err
	}
	j.release()
	err := j.trim()
	if err != nil { // a login that is answered with an error has not logged in
		j.cookie = ""
		j.discard(&j.next)
	}
	return err
}

// leaving returns the sessions that the login replaces or ends.
func (j *job) leaving() []held {
	own := append([]held{j.old}, j.others...)
	if j.ending != nil {
		own = append(own, j.ending.sessions...)
	}
	if j.dead != nil && j.dead.env.Kind == wire.Alias {
		if heir, _, err := j.follow(*j.dead, ReasonSuperseded); err == nil {
			own = append(own, heir)
		}
	}
	return own
}

// trim ends what is beyond the limit after a login. All servers order the sessions alike, so of logins that happen at once
// they keep the same ones.
func (j *job) trim() error {
	all, err := j.rivals(j.next)
	all = append(all, j.next)
	slices.SortFunc(all, func(a, b held) int { return earlier(&a, &b) })
	excess := len(all) - j.m.maxPerSubject
	if err != nil || excess <= 0 {
		return err
	}
	beyond := all[:excess]
	if j.m.limit == RefuseLogin {
		beyond = all[j.m.maxPerSubject:]
	}
	for i := range beyond {
		if beyond[i].id == j.next.id && j.m.limit == RefuseLogin {
			return ErrTooManySessions
		}
		if _, err := j.m.revokeRecord(j.ctx, &beyond[i], ReasonEvicted); err != nil {
			return err
		}
	}
	return nil
}

// rivals returns the sessions of the login's subject that live, without those that are the login's own.
func (j *job) rivals(own ...held) (others []held, err error) {
	m, now, seen := j.m, j.now, map[wire.Handle]bool{} // so that the function does not keep j
	for i := range own {
		seen[own[i].env.Handle] = true
	}
	err = m.walk(j.ctx, "Login", j.subject, func(h *held) error {
		if !seen[h.env.Handle] && !m.lapsed(h, now) {
			seen[h.env.Handle] = true
			others = append(others, *h)
		}
		return nil
	})
	if errors.Is(err, errors.ErrUnsupported) {
		err = unavailable("login", err)
	}
	return others, err
}

// earlier orders sessions by login.
func earlier(a, b *held) int {
	return cmp.Or(cmp.Compare(a.env.Authenticated, b.env.Authenticated), strings.Compare(a.env.Handle.String(), b.env.Handle.String()))
}
