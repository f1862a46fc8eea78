package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Edit lets f change each session of a subject that is alive, and returns how many have changed: to take a role away
// from somebody who is logged in, for example. To the sessions' own requests it is one more request at the same time:
// neither loses the other's changes. f may do what a handler does, but for Login and Renew, which need the visitor's
// browser. It is called once for each session or, after another request has changed what it had read, again; the
// Session is over when it returns. An edit is no use of a session and does not keep it alive, unless f calls Touch or
// SetLifetime.
//
// An error of one session does not keep the others from their turn: the first one is returned in the end. It is
// errors.ErrUnsupported for sealed sessions and for stores that cannot search by subject. A session that ends
// meanwhile is no error.
func (m *Manager) Edit(ctx context.Context, subject string, f func(*Session)) (edited int, err error) {
	found, err := m.editable(ctx, subject)
	for i := range found {
		if ctx.Err() != nil {
			return edited, searchFailed("Edit", ctx.Err())
		}
		changed, failed := m.editOne(ctx, found[i], f)
		if changed {
			edited++
		}
		if err == nil && failed != nil {
			err = fmt.Errorf("session: Edit: %w", failed)
		}
	}
	return edited, err
}

// editable returns the sessions of a subject. One that is being renewed is there twice; its older record is the one to
// change, because the renewal takes over what others write there.
func (m *Manager) editable(ctx context.Context, subject string) (found []record, err error) {
	at := map[wire.Handle]int{}
	err = m.walkSubject(ctx, "Edit", subject, func(rec *record) error {
		if m.hasExpired(rec, m.now()) {
			return nil
		}
		i, twice := at[rec.env.Handle]
		switch {
		case !twice:
			at[rec.env.Handle] = len(found)
			found = append(found, *rec)
		case rec.env.Renewed < found[i].env.Renewed:
			found[i] = *rec
		}
		return nil
	})
	check := inquiry{m: m}
	for i := range found {
		check.add(&found[i].env)
	}
	found, failed := withoutRevoked(ctx, &check, found)
	if failed != nil && err == nil {
		err = searchFailed("Edit", failed)
	}
	return found, err
}

// maxEdits is how often f gets to work on a session that others change at the same time.
const maxEdits = 10

// editOne lets f change one session.
func (m *Manager) editOne(ctx context.Context, rec record, f func(*Session)) (changed bool, err error) {
	s := &Session{m: m, ctx: ctx, phase: headersSent, headersSet: true, st: &state{}}
	s.st.adopt(m, &rec, opening{})
	s.st.rarely().absent, s.st.rare.cameByReplaced = true, true
	defer func() {
		s.mu.Lock()
		s.phase = requestOver
		s.mu.Unlock()
	}()
	for range maxEdits {
		if f(s); !s.wantsChange() {
			return s.st.base.version != rec.version, nil // by a Save of f's
		}
		if err = s.commitNow(early); !errors.Is(err, ErrConflict) {
			break
		}
	}
	if errors.Is(err, ErrEnded) {
		return false, nil
	}
	return err == nil, err
}

// wantsChange reports whether something is left to commit. What only a browser could carry out is refused.
func (s *Session) wantsChange() bool {
	st := s.enter()
	if st == nil {
		return false
	}
	defer s.leave()
	if a := st.changes(); (a.login || a.renew) && a.refusal == nil {
		st.pending.refusal = errNoBrowser
	}
	return st.pending.anything() && !s.leavesAsIs(st)
}

var errNoBrowser = errors.New("session: Login and Renew need the visitor's browser, which Edit does not have")

// leavesAsIs reports whether the changes come to nothing.
func (s *Session) leavesAsIs(st *state) bool {
	a := st.changes()
	return a.refusal == nil && a.ending == nil && !a.touch && a.lifetime == nil &&
		!st.valuesAt(s.m, s.m.now()).changedBy(a.ops) && !st.base.cached
}
