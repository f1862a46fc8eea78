package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// state is what one request holds of its session once it has used it. Session.mu guards it.
type state struct {
	base       snapshot
	found      bool // held is a session that lives, as far as this request knows
	retired    bool // it was sealed with a key that is no longer the first
	unsaved    bool // Options.SaveOn refused this response's changes
	committing bool
	age        uint32      // how many seconds after it was last noted down as used held was loaded
	upkeepAt   wire.Millis // from when on the session needs something though nobody asks for it

	pending *pending // nil: the request has only read
	reads   []keyRead

	cookie string // the Set-Cookie line that the response has to carry, or ""
	rare   *rare  // nil: there is nothing of it, which the methods below say

	firstRead [1]keyRead
	loading   bounded
}

// rare is what few requests need. Apart, it keeps what every request allocates small.
type rare struct {
	blocked    error         // why the session could not be loaded: nothing may be written over it
	commitOver chan struct{} // made by whoever waits for the commit to settle
	saveErr    error         // why the last Save failed, for Err
	events     []Event
	faults     []fault // what has failed and has been made an event already
	failed     owner   // whom the last commit that failed was about
	lateLine   string  // the line of the first change since the last commit that needs a cookie after the headers

	marker    *record  // the ended marker or alias that the visitor's token led to
	deletable bool     // no response with a newer cookie can be on its way to the visitor: dead's cookie may be deleted
	others    []record // further sessions that the request's cookies opened
	several   bool     // the request had several cookies of this name
	offer     string   // the Set-Cookie line of the token that the visitor should have by now

	cameByReplaced bool // the visitor presented a token that a periodic renewal has replaced by that one
}

// rarely returns st.rare to write to.
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

// several reports whether the request had several cookies of this name.
func (st *state) several() bool { return st.rare != nil && st.rare.several }

// cameByReplaced reports whether the session was found through a token that a periodic renewal has replaced.
func (st *state) cameByReplaced() bool { return st.rare != nil && st.rare.cameByReplaced }

// offer returns the Set-Cookie line of the token that the visitor should have by now, or "".
func (st *state) offer() string {
	if st.rare == nil {
		return ""
	}
	return st.rare.offer
}

// withdrawOffer takes back the offer of a token that may have been replaced since the session was loaded. Nobody can know that
// of a sealed one.
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

// addEvents keeps events until the lock is free.
func (st *state) addEvents(events []Event) {
	if events != nil {
		r := st.rarely()
		r.events = append(r.events, events...)
	}
}

// takeEvents returns the events that piled up and forgets them. A session that was never used has none.
func (st *state) takeEvents() (events []Event) {
	if st != nil && st.rare != nil {
		events, st.rare.events = st.rare.events, nil
	}
	return events
}

// handle returns the public id of the session, or "".
func (st *state) handle() string { return st.base.envelope().Handle.String() }

// storedSubject returns whom the stored session belongs to, or nobody.
func (st *state) storedSubject() []byte { return st.base.envelope().Subject }

// addEvent keeps an event until the lock is free, if anybody listens.
func (st *state) addEvent(m *Manager, e Event) {
	st.addEvents(m.appendEvent(nil, e))
}

// changes is what the request wants done to its session at the next commit.
type changes struct {
	ops     []operation
	refusal error // a write that could not be taken; it fails the commit
	subject string
	ending  *ending // nil unless Destroy was called and there is something to end; writes after it start a new session

	login, renew, touch bool
	switched            bool // the login is for another subject than the held one's
	hidden              bool // the held values are dropped: by Clear, or by a login as somebody else
}

// ending is what Destroy has to end.
type ending struct {
	sessions []record
	own      bool // the first is the session that the request held; the others its cookies opened besides
	done     int  // how many have ended
}

// snapshot is a session as it was loaded or last written, in the small form that a request keeps: most requests look at one value
// and at nothing else.
type snapshot struct {
	id      RecordID
	version uint64
	seen    wire.Millis
	expires wire.Millis
	data    []byte
	bodyAt  uint32 // where in data the values begin
	cached  bool   // it may be older than what is durable
}

func (k *snapshot) body() []byte { return k.data[k.bodyAt:] }

// pending is what a request that changes its session needs, in one allocation. Each commit uses one up.
type pending struct {
	changes
	ctx   bounded // of the commit
	first [1]operation
}

// beginChanges gives the request a wish of its own to write to.
func (st *state) beginChanges() {
	if st.pending == nil {
		st.pending = &pending{}
		st.pending.ops = st.pending.first[:0]
	}
}

// changes is a copy of what the request wants: nothing, as long as it has only read.
func (st *state) changes() changes {
	if st.pending == nil {
		return changes{}
	}
	return st.pending.changes
}

func (st *state) operations() []operation {
	if st.pending == nil {
		return nil
	}
	return st.pending.ops
}

func (st *state) hidden() bool { return st.pending != nil && st.pending.hidden }

// record is a session to work on.
type record struct {
	snapshot
	env wire.Envelope // of data
}

// reparse parses a kept session again, into h. Without one, and only then, there is nothing to parse.
func (k *snapshot) reparse(h *record) {
	h.snapshot = *k
	if h.env.ParseHeader(k.data) != nil {
		h.env = wire.Envelope{}
	}
}

func (k *snapshot) envelope() wire.Envelope {
	var h record
	k.reparse(&h)
	return h.env
}

// encode makes h's data: its envelope over v as ops change it. Whatever is not live keeps the body that it has.
func (h *record) encode(v values, ops []operation) {
	var space [512]byte // most sessions fit, and take no more than they need
	draft := h.env.AppendHeader(space[:0])
	bodyAt := len(draft)
	if h.env.Kind == wire.Live {
		draft = v.appendBody(draft, ops)
	} else {
		draft = append(draft, h.env.Body...)
	}
	h.data, h.bodyAt = h.env.Finish(draft, bodyAt), uint32(bodyAt)
}

func (st *state) values() values { return values{st.base.body(), st.hidden()} }

// value returns the value of key in this request's view. note remembers it as seen.
func (st *state) value(key string, note bool) []byte {
	value := st.values().after(st.operations(), key)
	if note {
		st.noteRead(key, value)
	}
	return value
}

func (st *state) noteRead(key string, value []byte) {
	if i := lastRead(st.reads, key); i >= 0 {
		st.reads[i].value = value
		return
	}
	if st.reads == nil {
		st.reads = st.firstRead[:0]
	}
	st.reads = append(st.reads, keyRead{key, value})
}

// write remembers an operation. One blind write stands for all that came before it on its key, and an update of a
// blindly written value is as settled as that. An operation that changes nothing is idle: it matters only if the
// held values are dropped. now is the key's value so far.
func (st *state) write(o operation, now []byte) {
	i, seen := lastOn(st.pending.ops, o.key), lastRead(st.reads, o.key)
	if i >= 0 && st.pending.ops[i].noChange { // it left the value as it was
		st.pending.ops, i = without(st.pending.ops, o.key), -1
	}
	unchanged := same(now, o.value)
	settled := unchanged && !st.base.cached // what is durable may hold something else than what this request sees
	switch {
	case unchanged && i >= 0, settled && o.value == nil:
		return
	case i >= 0 && st.pending.ops[i].update == nil:
		st.pending.ops[i].value, st.pending.ops[i].popped = o.value, st.pending.ops[i].popped && o.value == nil
	default:
		if o.noChange = settled; seen >= 0 && o.update == nil && !settled {
			o.guarded, o.saw = true, st.reads[seen].value
		}
		if i >= 0 && o.update == nil { // an update has shown its result, which goes back to the held value
			o.guarded, o.saw = true, st.values().get(o.key)
			st.pending.ops = without(st.pending.ops, o.key)
		}
		st.pending.ops = append(st.pending.ops, o)
	}
	if seen >= 0 {
		st.reads[seen].value = o.value
	}
}

// hide drops the held values, and with them what writes could be held against.
func (st *state) hide() {
	st.pending.hidden, st.reads = true, nil
	for i := range st.pending.ops {
		st.pending.ops[i].guarded, st.pending.ops[i].noChange = false, false
	}
}

func without(ops []operation, key string) []operation {
	kept := ops[:0]
	for _, o := range ops {
		if o.key != key {
			kept = append(kept, o)
		}
	}
	return kept
}

// destroy forgets everything but what has to be ended: the session, and whatever else the visitor's cookies opened. What
// follows is a new session's.
func (st *state) destroy() {
	e := st.changes().ending
	if e == nil {
		e = &ending{own: st.found}
	}
	if st.found {
		var h record
		st.base.reparse(&h)
		e.sessions = append(e.sessions, h)
	}
	if others := st.others(); others != nil {
		e.sessions, st.rare.others = append(e.sessions, others...), nil
	}
	if st.pending = (&pending{}); len(e.sessions) > 0 {
		st.pending.ending = e
	}
	st.base, st.found, st.retired, st.reads = snapshot{}, false, false, nil
}

// anything reports whether something is wanted that has not been done yet.
func (w *pending) anything() bool {
	if w == nil {
		return false
	}
	a := &w.changes
	return len(a.ops) > 0 || a.hidden || a.refusal != nil || a.login || a.renew || a.touch || a.ending != nil
}

// nothingDue reports whether a commit at now would find nothing to do. Most requests only read, and are spared the rest of it.
func (st *state) nothingDue(now wire.Millis) bool {
	return now < st.upkeepAt && !st.committing && !st.pending.anything() && st.cookie == "" && !st.owesHeaders()
}

// owesHeaders reports whether the response has to say something of the cookie that no commit has decided.
func (st *state) owesHeaders() bool {
	return st.rare != nil && (st.rare.offer != "" || st.rare.several)
}

// startsSession reports whether the operations leave a value, which is what a new session needs to come into being.
func (st *state) startsSession() bool {
	ops := st.operations()
	for i := range ops {
		if ops[i].value != nil && lastOn(ops, ops[i].key) == i {
			return true
		}
	}
	return false
}
