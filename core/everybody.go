package session

import (
	"cmp"
	"context"
	"iter"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// All goes through all sessions in the store that are alive, anonymous ones included, in no particular order. None
// comes twice, and none is missing that lives from the call's begin to its end, whatever is renewed meanwhile; what
// begins or ends during the call may be among them. Managers that share a store list each other's too. It asks the
// store for some hundreds at once and takes some 50 bytes of memory for each session.
//
// An error comes after the sessions that could be looked at. It is errors.ErrUnsupported for sealed sessions, which no
// server knows, and for stores that cannot go through their records.
func (m *Manager) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		seen, v := map[wire.Handle]struct{}{}, view{m: m, yield: yield}
		err := m.untilAllMet(func(isNew func(*record)) error {
			return m.walkAll(ctx, "All", func(rec *record) error {
				if _, twice := seen[rec.env.Handle]; twice || m.hasExpired(rec, m.now()) {
					return nil
				}
				seen[rec.env.Handle] = struct{}{}
				isNew(rec)
				err := v.show(ctx, rec)
				if v.stopped {
					stop()
				}
				return err
			})
		})
		if failed := v.flush(ctx); failed != nil && err == nil {
			err = searchFailed("All", failed)
		}
		if err != nil && !v.stopped {
			yield(Info{}, err)
		}
	}
}

// view shows sessions to the caller of All: at once, or where they may have been revoked by the page.
type view struct {
	m       *Manager
	yield   func(Info, error) bool
	stopped bool // by the caller
	held    []Info
	check   inquiry
}

func (v *view) show(ctx context.Context, rec *record) error {
	v.held = append(v.held, v.m.info(rec))
	if v.m.revocations != nil {
		v.check.m = v.m
		v.check.add(&rec.env)
		if len(v.held) < maxPage {
			return nil
		}
	}
	return v.flush(ctx)
}

// flush shows what is held back. Beside an error it shows what is not known to be revoked.
func (v *view) flush(ctx context.Context) error {
	kept, err := withoutRevoked(ctx, &v.check, v.held)
	for i := range kept {
		if v.stopped = v.stopped || !v.yield(kept[i], nil); v.stopped {
			break
		}
	}
	v.held, v.check = v.held[:0], inquiry{}
	return err
}

// Count returns how many sessions in the store are alive. It looks at each of them, as All does. Beside an error it
// returns how many it could look at.
func (m *Manager) Count(ctx context.Context) (n int, err error) {
	for _, failed := range m.All(ctx) {
		if failed != nil {
			return n, failed
		}
		n++
	}
	return n, nil
}

// RevokeEverybody ends all sessions in the store, anonymous ones included and those of managers that share the store,
// and returns how many: after an intrusion for example (OWASP ASVS 5, 7.4.5). One that begins meanwhile, by a login for
// example, is not among them: first make the site refuse logins. It goes on until it is done or ctx ends; what cannot
// be ended does not keep the others from ending. Errors are as for All.
//
// With Options.Revocations one record ends all sessions that belong to somebody, and only those. The number is unknown
// then, which is -1.
func (m *Manager) RevokeEverybody(ctx context.Context) (ended int, err error) {
	elsewhere := m.endAllElsewhere(ctx, "RevokeEverybody")
	if m.revocations != nil {
		ended, err = m.unknownNumber(m.revokeEverybodyEpoch(ctx))
	} else {
		ended, err = m.endEach(ctx, func(f func(*record) error) error { return m.walkAll(ctx, "RevokeEverybody", f) })
	}
	return ended, cmp.Or(err, elsewhere)
}

// walkAll is walkSubject for everybody's sessions. One that is renewed meanwhile may come more than once.
func (m *Manager) walkAll(ctx context.Context, operation string, f func(*record) error) error {
	if m.walker == nil {
		return m.unable(operation, "go through its records")
	}
	// What was renewed before the walk is met as its successor.
	w := walk{m: m, operation: operation, f: f, aliasFrom: m.now() - wire.FromDuration(maxLeeway)}
	for cursor, failures := "", 0; failures < maxFailures; {
		page, next, err := m.walkPage(ctx, cursor)
		if !w.visitAll(ctx, page, err) {
			break
		}
		if err != nil {
			failures++
			continue
		}
		if cursor, failures = next, 0; cursor == "" {
			break
		}
	}
	return w.first
}

func (m *Manager) walkPage(ctx context.Context, cursor string) ([]Record, string, error) {
	ctx, cancel := context.WithTimeout(ctx, m.storeTimeout)
	defer cancel()
	return m.walker.Walk(ctx, cursor, maxPage)
}
