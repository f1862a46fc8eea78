package session

import "slices"

// changes is what the request wants done to its session at the next commit.
type changes struct {
	ops     []operation
	refusal error   // a write that could not be taken; it fails the commit
	subject string  // of the login
	ending  *ending // nil unless Destroy was called and there is something to end; writes after it start a new session

	lifetime *wantedLifetime // nil: the one that it has

	login, renew, touch bool
	form                bool // FormToken has made a form key, for a session or token that the next commit makes
	switched            bool // the login is for another subject than the loaded session's
	hidden              bool // the loaded values are dropped: by Clear, or by a login as somebody else
}

// ending is what Destroy has to end.
type ending struct {
	sessions []record
	own      bool   // the first is the request's session; the others are further ones that its cookies opened
	done     int    // how many have ended
	before   Reason // why the visitor had no session, or ""
}

// belongsToSomebody reports whether all of it do.
func (e *ending) belongsToSomebody() bool {
	return e != nil && !slices.ContainsFunc(e.sessions, func(rec record) bool { return len(rec.env.Subject) == 0 })
}

// pending is what a request that changes its session needs, in one allocation. Each commit ends one.
type pending struct {
	changes
	ctx   bounded // of the commit
	first [1]operation
}

// beginChanges allocates st.pending for the request's first change.
func (st *state) beginChanges() {
	if st.pending == nil {
		st.pending = &pending{}
		st.pending.ops = st.pending.first[:0]
	}
}

// changes is a copy of what the request wants: the zero value as long as it has only read.
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

// anything reports whether something is wanted that has not been done yet.
func (p *pending) anything() bool {
	if p == nil {
		return false
	}
	a := &p.changes
	return len(a.ops) > 0 || a.hidden || a.refusal != nil || a.login || a.renew || a.touch || a.form || a.ending != nil ||
		a.lifetime != nil
}

// startsSession reports whether the changes leave what a new session needs to come into being: a value or a form key.
func (st *state) startsSession() bool {
	ops := st.operations()
	if !st.found && st.changes().form {
		return true
	}
	for i := range ops {
		if ops[i].value != nil && lastOn(ops, ops[i].key) == i {
			return true
		}
	}
	return false
}

// needsCookie reports whether the changes so far cannot be saved without a cookie.
func (st *state) needsCookie(m *Manager, bearer bool) bool {
	a := st.changes()
	return m.store == nil || a.login || a.renew && st.found || !st.found && st.startsSession() ||
		!bearer && st.changesCookie(m)
}

// takesOnly reports whether the request does nothing but take flash messages. If the session has ended, there is
// nothing to take them from, and the page that shows them need not fail.
func (a *changes) takesOnly() bool {
	for i := range a.ops {
		if _, ok := a.ops[i].update.(takenMessages); !ok {
			return false
		}
	}
	return len(a.ops) > 0 && !a.renew && !a.touch && !a.login && !a.hidden && a.lifetime == nil && a.ending == nil
}

// operation is one remembered write. Operations double as the overlay that the request's own reads see, and
// are run again on fresh data when another request got in between.
type operation struct {
	key      string
	value    []byte // the result in this request's view; nil: the key is absent
	update   updater
	saw      []byte // if guarded: what the request had read
	guarded  bool   // the request had read the key before it wrote it
	noChange bool   // it left the value as it was; it is left out when the others run again
	popped   bool   // taking away what another request has taken already is fine
}

// updater is a user's function together with the type it works on.
type updater interface {
	run(key string, old []byte) ([]byte, error)
}

// lastOn returns the index of the newest operation on key, or -1.
func lastOn[K string | []byte](ops []operation, key K) int {
	for i := len(ops) - 1; i >= 0; i-- {
		if ops[i].key == string(key) {
			return i
		}
	}
	return -1
}

// withoutNoChanges leaves out the operations that changed nothing.
func withoutNoChanges(ops []operation) []operation {
	if !slices.ContainsFunc(ops, func(o operation) bool { return o.noChange }) {
		return ops
	}
	return slices.DeleteFunc(slices.Clone(ops), func(o operation) bool { return o.noChange })
}

// write remembers an operation. A Set or Delete replaces earlier operations on the key. An Update after a Set is stored
// as a Set of its result. An operation that leaves the value as it is is kept only in case Clear or a login drops the
// loaded values. now is the key's value so far.
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
		if i >= 0 && o.update == nil { // the request has seen the update's result, which came from the loaded value
			o.guarded, o.saw = true, st.values().get(o.key)
			st.pending.ops = without(st.pending.ops, o.key)
		}
		st.pending.ops = append(st.pending.ops, o)
	}
	if seen >= 0 {
		st.reads[seen].value = o.value
	}
}

// without removes the operations on key, in place.
func without(ops []operation, key string) []operation {
	rest := ops[:0]
	for _, o := range ops {
		if o.key != key {
			rest = append(rest, o)
		}
	}
	return rest
}

// hide drops the loaded values. No write can conflict with a change of them any more.
func (st *state) hide() {
	st.pending.hidden, st.reads = true, nil
	for i := range st.pending.ops {
		st.pending.ops[i].guarded, st.pending.ops[i].noChange = false, false
	}
}

// destroy forgets everything but what has to be ended: the session, and whatever else the visitor's cookies opened.
// What follows is a new session's.
func (st *state) destroy() {
	e := st.changes().ending
	if e == nil {
		e = &ending{own: st.found, before: st.reason()}
	}
	if st.found {
		var rec record
		st.base.reparse(&rec)
		e.sessions = append(e.sessions, rec)
	}
	if others := st.others(); others != nil {
		e.sessions, st.rare.others = append(e.sessions, others...), nil
	}
	if st.rare != nil {
		st.rare.lifetime = nil
	}
	st.setLabels(nil)
	if st.pending = (&pending{}); len(e.sessions) > 0 {
		st.pending.ending, st.rarely().reason = e, ReasonEnded
	}
	st.forget(st.upkeepAt)
	st.reads = nil
}
