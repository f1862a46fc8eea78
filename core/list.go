package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Info is what is known of a session besides its values.
type Info struct {
	Handle        string // its public id: safe to show and to log
	Subject       string // "" for an anonymous visitor's
	Created       time.Time
	Authenticated time.Time // of the last Login, here or where an Importer took it from; zero: never, or unknown
	LastSeen      time.Time // to the touch interval: not every read is noted down; with LastChange, of the last change
	ExpiresAt     time.Time // if it is not used again
	Deadline      time.Time // used or not
	Persistent    bool      // its cookie outlives the browser
	Labels        []string  // that its logins have given it
	// Agent and Network say where it was used first or, if later, logged in: the browser and its system, like "Firefox
	// on Windows", and the address without its last part, like "203.0.113.0/24". The browser's word may be false. They
	// are "" unless Options.ClientHints asks for them, or Options.Binding compares them.
	Agent   string
	Network string
}

func (m *Manager) info(rec *record) Info {
	i := Info{
		Handle: rec.env.Handle.String(), Subject: string(rec.env.Subject),
		Created: rec.env.Created.Time(), LastSeen: rec.seen.Time(),
		ExpiresAt: min(m.idleEnd(rec), m.absoluteEnd(&rec.env)).Time(), Deadline: m.absoluteEnd(&rec.env).Time(),
		Persistent: m.persistent(&rec.env),
		Agent:      rec.env.Extension(wire.Agent), Network: rec.env.Extension(wire.Network),
	}
	for _, l := range rec.env.Labels() {
		i.Labels = append(i.Labels, l.Name)
	}
	if at := authenticated(&rec.env); at > 0 {
		i.Authenticated = at.Time()
	}
	return i
}

// List returns the sessions of a subject that are alive, newest first. Whoever shows them to the visitor can mark the
// present one: its handle is Session.Handle's. Managers that share a store list each other's too.
//
// The call goes on until it has looked at all of them or ctx ends. Beside an error it returns those that it could
// look at. The error is errors.ErrUnsupported for sealed sessions, which no server knows, and for stores that cannot
// search by subject.
func (m *Manager) List(ctx context.Context, subject string) ([]Info, error) {
	list, check := []Info{}, inquiry{m: m}
	err := m.walkSubject(ctx, "List", subject, func(rec *record) error {
		if !m.hasExpired(rec, m.now()) {
			list = append(list, m.info(rec))
			check.add(&rec.env)
		}
		return nil
	})
	list, failed := withoutRevoked(ctx, &check, list)
	if failed != nil {
		err = cmp.Or(err, searchFailed("List", failed))
	}
	slices.SortFunc(list, func(a, b Info) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Handle, b.Handle), b.LastSeen.Compare(a.LastSeen))
	})
	// A session that is being renewed is there twice.
	return slices.CompactFunc(list, func(a, b Info) bool { return a.Handle == b.Handle }), err
}

const (
	// maxPage is how many records the core asks a store for at once.
	maxPage = 200
	// maxFailures is how many records in a row may fail before a walk gives up on the store.
	maxFailures = 3
)

// walkSubject calls f with each session that was a subject's when it began and has not ended, whatever renewals and
// logins have made of it meanwhile. Expired ones are among them, because a write in flight, or a server whose clock
// is behind, may still extend one; one that is being renewed may come twice. A record that fails does not keep the
// others from their turn: the first error is returned in the end.
func (m *Manager) walkSubject(ctx context.Context, operation, subject string, f func(*record) error) error {
	if subject == "" {
		return needsSubject(operation)
	}
	if m.index == nil {
		return m.unable(operation, "search by subject")
	}
	ids, err := m.findIDs(ctx, subject)
	if err != nil {
		return searchFailed(operation, err)
	}
	w := walk{m: m, operation: operation, subject: subject, f: f}
	for page := range slices.Chunk(ids, maxPage) {
		if !w.page(ctx, page) {
			break
		}
	}
	return w.first
}

// unable is why an operation needs something that the manager's sessions do not offer.
func (m *Manager) unable(operation, what string) error {
	if m.store == nil {
		return fmt.Errorf("session: %s: sealed sessions are in their browsers only: %w", operation, errors.ErrUnsupported)
	}
	return fmt.Errorf("session: %s: %s cannot %s: %w", operation, nameOf(m.store), what, errors.ErrUnsupported)
}

func needsSubject(operation string) error {
	return fmt.Errorf("session: %s needs a subject", operation)
}

// walk is what one call of walkSubject or walkAll works with.
type walk struct {
	m         *Manager
	operation string
	subject   string      // ""; of walkAll: everybody's
	aliasFrom wire.Millis // older aliases are left out, because what they lead to is met anyway
	f         func(*record) error
	first     error
	inARow    int // failures
}

// page visits the records of these ids. It returns false when the walk is over before its end.
func (w *walk) page(ctx context.Context, ids []RecordID) (goOn bool) {
	records, err := w.m.loadPage(ctx, ids)
	return w.visitAll(ctx, records, err)
}

// longestWalk is how long a walk may take and still meet all that is renewed meanwhile: another server, whose clock may
// be behind, makes the aliases that lead from where a session was to where it is.
const longestWalk = markerLifetime - wire.Millis(maxLeeway/time.Millisecond)

// untilAllMet walks again as long as walks take too long and meet sessions that none has met before and that are older
// than the first one, so that what keeps beginning keeps nobody waiting. A long walk that meets none of them is
// believed, though a session may have been renewed in each. A walk tells isNew what it has met.
func (m *Manager) untilAllMet(walk func(isNew func(*record)) error) error {
	first := m.now() + wire.FromDuration(maxLeeway)
	for {
		began, metNew := m.now(), false
		err := walk(func(rec *record) { metNew = metNew || rec.env.Created <= first })
		if err != nil || !metNew || m.now()-began <= longestWalk {
			return err
		}
	}
}

// visitAll visits records that were loaded, err being what went wrong with that.
func (w *walk) visitAll(ctx context.Context, records []Record, err error) (goOn bool) {
	w.count(err)
	for i := range records {
		if ctx.Err() != nil || w.inARow >= maxFailures {
			break
		}
		w.count(w.visit(ctx, &records[i]))
	}
	if err := ctx.Err(); err != nil {
		w.first = cmp.Or(w.first, searchFailed(w.operation, err))
		return false
	}
	return w.inARow < maxFailures
}

// count remembers the first failure, and how many there were in a row.
func (w *walk) count(err error) {
	if err == nil {
		w.inARow = 0
		return
	}
	w.inARow++
	if w.first == nil {
		w.first = searchFailed(w.operation, err)
	}
}

// visit finds out what has become of a record that the walk has met.
func (w *walk) visit(ctx context.Context, r *Record) error {
	var rec record
	reason, err := w.m.judge(&rec, w.m.now(), rec.fromStore(r))
	switch {
	case err != nil:
		return err
	case reason == ReasonSuperseded && rec.env.Renewed < w.aliasFrom:
		return nil
	case reason == ReasonSuperseded:
		if rec, err = w.m.heir(ctx, rec); errors.Is(err, ErrEnded) {
			return nil
		}
		if err != nil {
			return err
		}
	case rec.env.Kind != wire.Live || reason == ReasonCorrupt:
		return nil
	}
	if w.subject != "" && string(rec.env.Subject) != w.subject {
		return nil
	}
	return w.f(&rec)
}

// heir returns the session that an alias leads to, or ErrEnded.
func (m *Manager) heir(ctx context.Context, alias record) (record, error) {
	c := m.onlooker(ctx)
	defer c.close()
	rec, _, err := c.follow(alias, ReasonSuperseded)
	return rec, err
}

// heirOf returns the session that a record has become, or ErrEnded.
func (m *Manager) heirOf(ctx context.Context, id RecordID) (record, error) {
	c := m.onlooker(ctx)
	defer c.close()
	rec, reason, err := c.lookUp(id)
	if err == nil {
		rec, _, err = c.follow(rec, reason)
	}
	return rec, err
}

// onlooker is a commit that writes nothing. Close it.
func (m *Manager) onlooker(ctx context.Context) *commit {
	b := &bounded{parent: ctx, deadline: m.callDeadline(ctx), cancelable: true}
	return &commit{m: m, facts: facts{now: m.now()}, ctx: b}
}

// searchFailed wraps an error of a search once.
func searchFailed(operation string, err error) error {
	switch {
	case errors.Is(err, ErrUnavailable), errors.Is(err, errors.ErrUnsupported), errors.Is(err, context.Canceled):
		return fmt.Errorf("session: %s: %w", operation, err)
	}
	return unavailable(operation, err)
}

func (m *Manager) findIDs(ctx context.Context, subject string) ([]RecordID, error) {
	ctx, cancel := context.WithTimeout(ctx, m.storeTimeout)
	defer cancel()
	return m.index.Find(ctx, subject)
}

func (m *Manager) loadPage(ctx context.Context, ids []RecordID) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, m.storeTimeout)
	defer cancel()
	return m.index.LoadAll(ctx, ids)
}
