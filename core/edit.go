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
// browser. It is called once for each session or, after another request has changed or renewed what it had read, again;
// the Session is over when it returns. An edit is no use of a session and does not keep it alive, unless f calls Touch
// or SetLifetime.
//
// It looks again until it finds no further session, because a login that is under way may hand on what it has read
// before: what begins meanwhile may be edited too.
//
// An error of one session does not keep the others from their turn: the first one is returned in the end. It is
// ErrConflict for a session that others changed or renewed each time f was called, and errors.ErrUnsupported for sealed
// sessions and for stores that cannot search by subject. A session that ends meanwhile is no error.
func (m *Manager) Edit(ctx context.Context, subject string, f func(*Session)) (edited int, err error) {
	e := editing{m: m, ctx: ctx, f: f, settled: map[wire.Handle]bool{}, changed: map[wire.Handle]bool{}}
	for range maxEdits {
		found, err := m.editable(ctx, subject)
		if e.note(err); !e.editNew(found) {
			break
		}
	}
	return len(e.changed), e.first
}

// editing is what one call of Edit works with.
type editing struct {
	m       *Manager
	ctx     context.Context
	f       func(*Session)
	settled map[wire.Handle]bool // what f has had its turn with
	changed map[wire.Handle]bool
	first   error
}

func (e *editing) note(err error) {
	if e.first == nil {
		e.first = err
	}
}

// editNew edits what has not been met before and reports whether there was any. What seems to have ended counts as new
// when it is found again: it has been renewed, and what led to the new record is gone.
func (e *editing) editNew(found []record) (anyNew bool) {
	for i := range found {
		h := found[i].env.Handle
		if e.settled[h] {
			continue
		}
		if err := e.ctx.Err(); err != nil {
			e.note(searchFailed("Edit", err))
			return false
		}
		anyNew = true
		changed, err := e.m.editOne(e.ctx, found[i], e.f)
		if changed {
			e.changed[h] = true
		}
		if errors.Is(err, ErrEnded) {
			continue
		}
		if e.settled[h] = true; err != nil {
			e.note(fmt.Errorf("session: Edit: %w", err))
		}
	}
	return anyNew
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

// maxEdits is how often f gets to work on a session that others change at the same time, and how often Edit looks for
// sessions.
const maxEdits = 10

// editOne lets f change one session, whatever renewals and its subject's logins make of it meanwhile. It returns
// ErrEnded if the session is over.
func (m *Manager) editOne(ctx context.Context, rec record, f func(*Session)) (changed bool, err error) {
	subject := string(rec.env.Subject)
	for range maxEdits {
		saved, err := m.editRecord(ctx, &rec, f)
		changed = changed || saved
		if !errors.Is(err, ErrEnded) && !errors.Is(err, ErrConflict) {
			return changed, err
		}
		next, failed := m.heirOf(ctx, rec.id)
		switch {
		case failed != nil:
			return changed, failed
		case string(next.env.Subject) != subject, next.id == rec.id && errors.Is(err, ErrEnded):
			return changed, ErrEnded
		}
		rec = next
	}
	return changed, ErrConflict
}

// editRecord lets f work on a session as it is in rec and saves what f has left to save. saved reports whether f or
// this has saved anything.
func (m *Manager) editRecord(ctx context.Context, rec *record, f func(*Session)) (saved bool, err error) {
	s := &Session{m: m, ctx: ctx, phase: headersSent, headersSet: true, st: &state{}}
	s.st.adopt(m, rec, opening{})
	s.st.rarely().absent, s.st.rare.cameByReplaced = true, true
	defer func() {
		s.mu.Lock()
		s.phase = requestOver
		saved = s.st.rare.saved
		s.mu.Unlock()
	}()
	f(s)
	if wants, unsaved := s.wantsChange(); !wants {
		return false, unsaved
	}
	return false, s.commitNow(early)
}

// wantsChange reports whether something is left to commit; if not, with the error of f's last Save. What only a browser
// could carry out is refused.
func (s *Session) wantsChange() (wants bool, unsaved error) {
	now := s.m.now() // before the lock is taken, because it is the application's
	st := s.enter()
	if st == nil {
		return false, nil
	}
	defer s.leave()
	if a := st.changes(); (a.login || a.renew) && a.refusal == nil {
		st.pending.refusal = errNoBrowser
	}
	if st.pending.anything() && !s.leavesAsIs(st, now) {
		return true, nil
	}
	return false, st.saveErr()
}

var errNoBrowser = errors.New("session: Login and Renew need the visitor's browser, which Edit does not have")

// leavesAsIs reports whether the changes come to nothing.
func (s *Session) leavesAsIs(st *state, now wire.Millis) bool {
	a := st.changes()
	return a.refusal == nil && a.ending == nil && !a.touch && a.lifetime == nil &&
		!st.valuesAt(s.m, now).changedBy(a.ops) && !st.base.cached
}
