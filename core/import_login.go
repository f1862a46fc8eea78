package session

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// importing is what the login that takes another system's session over differs in from others.
type importing struct {
	from   *importer
	token  string // that the session gets; "" for sealed ones
	handle wire.Handle
	x      Exchange // of the request
	*brought

	filling bool // Importer.Fill is at work
}

// logInFrom makes a session of ours of b, as a login and a Save do. It returns nil if there is nothing to make one of,
// or it has been refused, which has been noted.
func (s *Session) logInFrom(st *state, im *importer, b *brought, how *importing) (*Session, error) {
	login := &Session{m: s.m, ctx: &st.loading, client: s.client, begunAt: s.begunAt, st: &state{upkeepAt: wire.Never}}
	login.st.rarely().importing = how
	if st.rare != nil && st.rare.anonymous != nil {
		login.st.adopt(s.m, st.rare.anonymous, opening{})
	}
	defer login.finish()
	if why := login.fillFrom(st, im, b); why != nil {
		reason, err := refusal(why)
		st.noteRefused(s.m, im, reason, why)
		return nil, err
	}
	if a := login.st.changes(); !a.login && !login.st.startsSession() {
		return nil, nil
	}
	err := login.commitNow(early)
	switch {
	case errors.Is(err, ErrTooManySessions):
		st.noteRefused(s.m, im, ReasonLimited, nil)
		return nil, nil
	case errors.Is(err, ErrTooLarge):
		st.noteRefused(s.m, im, ReasonOversized, nil)
		return nil, nil
	case err != nil:
		return nil, err
	}
	return login, nil
}

// finish lets a Session that was kept by mistake report that it is over.
func (s *Session) finish() {
	s.mu.Lock()
	s.phase = requestOver
	s.mu.Unlock()
}

// fillFrom logs the subject in and sets what comes along.
func (s *Session) fillFrom(st *state, im *importer, b *brought) error {
	if b.subject != "" {
		s.Login(b.subject)
	}
	for _, there := range slices.Sorted(maps.Keys(im.Values)) {
		value, ok := b.Foreign.Values[there]
		if !ok {
			continue
		}
		if err := im.Values[there].fill(s, value); err != nil {
			e := Event{Reason: ReasonUndecodable, Key: im.Values[there].keyName(), Importer: im.Name, Subject: b.subject}
			e.Err = fmt.Errorf("session: import from %s: %q: %w", im.Name, there, err)
			st.addEvent(s.m, e)
		}
	}
	if im.Fill != nil {
		how := s.st.rare.importing
		how.filling = true
		err := im.Fill(s.ctx, s, b.Foreign)
		if how.filling = false; err != nil {
			return err
		}
	}
	switch a := s.st.changes(); {
	case a.refusal != nil:
		return a.refusal
	case a.subject != b.subject, a.renew, a.ending != nil:
		return fmt.Errorf("%w (%s)", errOnlyFills, im.Name)
	}
	return nil
}

var errOnlyFills = errors.New("session: the function Fill of an Importer may set values and a lifetime, and no more")

// fills reports whether this is the session that an importer's Fill is filling.
func (s *Session) fills() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.st != nil && s.st.rare != nil && s.st.rare.importing != nil && s.st.rare.importing.filling
}

// takeFrom takes over what a login has to tell: its events, and the lines for other systems' cookies.
func (st *state) takeFrom(login *Session, im *importer) {
	held := login.st.rare
	for i := range held.events {
		held.events[i].Importer = im.Name
	}
	st.addEvents(held.events)
	st.rarely().foreign = append(st.rarely().foreign, held.foreign...)
}

// mint returns the token of the session that the commit makes.
func (c *commit) mint() string {
	if c.importing != nil && c.importing.token != "" {
		return c.importing.token
	}
	return mintToken()
}

// stampImport notes in e what comes from the other system. Its visitor has logged in here now, as far as clocks and the
// order of logins are concerned, and there as far as anybody wants to know when he gave his password.
func (c *commit) stampImport(e *wire.Envelope) {
	how := c.importing
	if how == nil {
		return
	}
	e.Handle = how.handle
	if c.login {
		e.SetAuthenticatedElsewhere(sinceEpoch(how.Authenticated))
	}
	if how.token != "" {
		e.Flags |= wire.Unpresented
	}
	if !how.Deadline.IsZero() {
		e.Deadline = min(e.Deadline, max(c.now, wire.FromTime(how.Deadline)))
	}
}
