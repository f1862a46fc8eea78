package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// state is what one request holds of its session once it has used it. Session.mu guards it.
type state struct {
	base       snapshot // the session as it was loaded or last written; the zero snapshot if there is none
	found      bool     // base is a session that lives, as far as this request knows
	retiredKey bool     // base was sealed with a key that is no longer the first
	unsaved    bool     // Options.SaveOn refused this response's changes
	committing bool
	age        uint32      // seconds between base.seen and the load
	upkeepAt   wire.Millis // from when on the session needs something though nobody asks for it

	pending *pending // nil: the request has only read
	reads   []keyRead

	cookie string // the Set-Cookie line that the response has to carry, or ""
	rare   *rare  // nil as long as none of it is needed; the methods below read it

	firstRead [1]keyRead
	loading   bounded
}

// rare is what few requests need. It is apart to keep what every request allocates small.
type rare struct {
	reason     Reason        // why the visitor has no session, or ""
	formKey    string        // of the session or token that the next commit makes; see changes.form
	blocked    error         // why nothing may be saved: the load or the final commit failed
	commitOver chan struct{} // closed when the commit under way is over; made by whoever waits for that
	saveErr    error         // why the last Save failed, for Err
	events     []Event
	faults     []fault // the failures that have been reported
	failed     owner   // whom the last commit that failed was about
	lateLine   string  // the line of the first change since the last commit that needs a cookie after the headers

	marker    *record  // the ended marker or alias that the visitor's token led to
	deletable bool     // no response with a newer cookie can be on its way: the visitor's cookie may be deleted
	others    []record // further sessions that the request's cookies opened
	several   bool     // the request had several cookies of this name, and Cookie.Former is set
	offer     string   // the Set-Cookie line of the token that the visitor should have by now

	offeredToken string // the token in offer, if there is one

	labels []string // of the login that the next commit makes

	lifetime *wantedLifetime // what the request's earlier commits have settled by SetLifetime

	cameByReplaced bool // the visitor presented a token that a periodic renewal has replaced

	absent bool // the visitor is not there: Manager.Edit is at work
	saved  bool // a commit has succeeded: Manager.Edit asks for it

	otherClient bool // Options.Binding has refused this client a session that lives on

	importing *importing // this is the login that takes another system's session over: its events are held back
	importer  *importer  // whose session the request's has been made of, and whose cookie is to be deleted with it
	foreign   []foreignLine
	anonymous *record // the visitor's session, if an importer is to log it in

	guarded bool // a guard has answered: the cookie of a dead session stays, and nobody may store the answer
}

// forget makes the request one without a session.
func (st *state) forget(upkeepAt wire.Millis) {
	st.base, st.found, st.retiredKey, st.upkeepAt = snapshot{}, false, false, upkeepAt
}

// rarely returns st.rare to write to. To read, use the methods below.
func (st *state) rarely() *rare {
	if st.rare == nil {
		st.rare = &rare{}
	}
	return st.rare
}

// blocked returns why nothing may be saved any more, or nil.
func (st *state) blocked() error {
	if st.rare == nil {
		return nil
	}
	return st.rare.blocked
}

// saveErr returns why the last Save failed, or nil.
func (st *state) saveErr() error {
	if st.rare == nil {
		return nil
	}
	return st.rare.saveErr
}

// marker returns the marker that the visitor's token led to, or nil.
func (st *state) marker() *record {
	if st.rare == nil {
		return nil
	}
	return st.rare.marker
}

// cookieDeletable reports whether the cookie of a dead token may be deleted.
func (st *state) cookieDeletable() bool { return st.rare != nil && st.rare.deletable }

// several reports whether the request had several cookies of this name, and Cookie.Former is set.
func (st *state) several() bool { return st.rare != nil && st.rare.several }

// absent reports whether the session's visitor is not there, so that nothing of this is a use of it.
func (st *state) absent() bool { return st.rare != nil && st.rare.absent }

// otherClient reports whether the request presents a session that lives on, and that Options.Binding refuses to it.
func (st *state) otherClient() bool { return st.rare != nil && st.rare.otherClient }

// guarded reports whether a guard has answered the request.
func (st *state) guarded() bool { return st.rare != nil && st.rare.guarded }

// cameByReplaced reports whether the session was found through a token that a periodic renewal has replaced.
func (st *state) cameByReplaced() bool { return st.rare != nil && st.rare.cameByReplaced }

// offer returns the Set-Cookie line of the token that the visitor should have by now, or "".
func (st *state) offer() string {
	if st.rare == nil {
		return ""
	}
	return st.rare.offer
}

// offeredToken returns the token that the visitor should have by now, or "".
func (st *state) offeredToken() string {
	if st.offer() == "" {
		return ""
	}
	return st.rare.offeredToken
}

// withdrawOffer takes back the offer of a token that may have been replaced since the session was loaded. Nobody can
// know that of a sealed one.
func (st *state) withdrawOffer(m *Manager) {
	if st.rare != nil && m.store != nil {
		st.rare.offer = ""
	}
}

// others returns further sessions that the request's cookies opened.
func (st *state) others() []record {
	if st.rare == nil {
		return nil
	}
	return st.rare.others
}

// lateLine returns the line of the first change since the last commit that needs a cookie after the headers, or "".
func (st *state) lateLine() string {
	if st.rare == nil {
		return ""
	}
	return st.rare.lateLine
}

// addEvent keeps an event until the lock is free, if anybody listens.
func (st *state) addEvent(m *Manager, e Event) {
	st.addEvents(m.appendEvent(nil, e))
}

// addEvents keeps events until the lock is free.
func (st *state) addEvents(events []Event) {
	if events != nil {
		r := st.rarely()
		r.events = append(r.events, events...)
	}
}

// takeEvents returns the events that piled up and forgets them. A session that was never used has none.
func (st *state) takeEvents() (events []Event) {
	if st != nil && st.rare != nil && st.rare.importing == nil {
		events, st.rare.events = st.rare.events, nil
	}
	return events
}
