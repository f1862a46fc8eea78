package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Info is what is known of a session besides its values.
type Info struct {
	Handle        string // its public id: safe to show and to log
	Subject       string // "" for an anonymous visitor's
	Created       time.Time
	Authenticated time.Time // of the last Login; zero: never
	LastSeen      time.Time // to the touch interval: reading a session does not write to the store each time
	ExpiresAt     time.Time // if it is not used again
	Deadline      time.Time // used or not
	// Agent and Network say where it was used first or, if later, logged in: the browser and its system, like "Firefox
	// on Windows", and the address without its last part, like "203.0.113.0/24". The browser's word may be false. They
	// are "" unless Options.ClientHints asks for them.
	Agent   string
	Network string
}

func (m *Manager) info(h *held) Info {
	i := Info{
		Handle: h.env.handle.String(), Subject: string(h.env.subject),
		Created: h.env.created.time(), LastSeen: h.seen.time(),
		ExpiresAt: min(m.idleEnd(h), m.absoluteEnd(&h.env)).time(), Deadline: m.absoluteEnd(&h.env).time(),
		Agent: h.env.extension(extensionAgent), Network: h.env.extension(extensionNetwork),
	}
	if h.env.authenticated > 0 {
		i.Authenticated = h.env.authenticated.time()
	}
	return i
}

// List returns the sessions of a subject that are alive, newest first. Whoever shows them to the visitor can mark the
// present one: its handle is Session.Handle's. Managers that share a store list each other's too.
//
// It returns errors.ErrUnsupported for sealed sessions, which no server knows, and for stores that cannot search
// by subject.
func (m *Manager) List(ctx context.Context, subject string) ([]Info, error) {
	found, err := m.sessionsOf(ctx, "List", subject)
	if err != nil {
		return nil, err
	}
	now, list := m.now(), make([]Info, 0, len(found))
	for i := range found {
		if !m.lapsed(&found[i], now) {
			list = append(list, m.info(&found[i]))
		}
	}
	slices.SortFunc(list, func(a, b Info) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.Handle, b.Handle), b.LastSeen.Compare(a.LastSeen))
	})
	// A session that is being renewed is there twice.
	return slices.CompactFunc(list, func(a, b Info) bool { return a.Handle == b.Handle }), nil
}

// sessionsOf returns the records of a subject that have not ended. Expired ones are among them, because a write in flight, or
// a server whose clock is behind, may still extend one. When it cannot tell for all, it returns those it can and an error:
// leaving one out in silence would hide a session that works.
func (m *Manager) sessionsOf(ctx context.Context, operation, subject string) (found []held, unknown error) {
	if subject == "" {
		return nil, fmt.Errorf("session: %s needs a subject", operation)
	}
	records, err := m.find(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("session: %s: %w", operation, err)
	}
	now := m.now()
	for _, r := range records {
		var h held
		reason, err := m.judge(&h, now, h.hold(&r))
		switch {
		case err != nil:
			unknown = unavailable(operation, err)
		case h.env.kind == live && reason != ReasonCorrupt && string(h.env.subject) == subject:
			found = append(found, h)
		}
	}
	return found, unknown
}

func (m *Manager) find(ctx context.Context, subject string) (records []Record, err error) {
	if m.store == nil {
		return nil, fmt.Errorf("sealed sessions are in their browsers only: %w", errors.ErrUnsupported)
	}
	index, ok := m.store.(Indexer)
	if !ok {
		return nil, fmt.Errorf("%T cannot search by subject: %w", m.store, errors.ErrUnsupported)
	}
	ids, err := m.findIDs(ctx, index, subject)
	for page := range slices.Chunk(ids, maxPage) {
		var loaded []Record
		if loaded, err = m.loadPage(ctx, index, page); err != nil {
			break
		}
		records = append(records, loaded...)
	}
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return records, err
}

// maxPage is how many records the core asks a store for at once.
const maxPage = 500

func (m *Manager) findIDs(ctx context.Context, index Indexer, subject string) ([]RecordID, error) {
	ctx, cancel := context.WithTimeout(ctx, m.storeTimeout)
	defer cancel()
	return index.Find(ctx, subject)
}

func (m *Manager) loadPage(ctx context.Context, index Indexer, ids []RecordID) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, m.storeTimeout)
	defer cancel()
	return index.LoadAll(ctx, ids)
}
