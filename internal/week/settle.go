package week

// settleSealed works out what an answered request has done, where the cookie is all there is.
func (w *week) settleSealed(r *request, token string) {
	w.Helper()
	old := r.seen.life
	late := old != nil && !w.now.Before(old.deadline)
	refused := late && !r.wish.logsIn() && (r.wish.writesOn() || r.wish == extend)
	if r.ok == refused {
		w.fail("request %d: status %d", r.number, r.status)
	}
	begins := r.wish.logsIn() || old == nil && r.wish.changes()
	must := !refused && (begins || old != nil && r.wish.writesOn())
	if must && token == "" {
		w.fail("request %d: no cookie was set", r.number)
	}
	if token == "" {
		if old != nil && r.wish != logout && !late {
			old.use(w.now)
		}
		return
	}
	next := w.newLife("")
	if old != nil && !late {
		next.subject, next.deadline, next.count, next.theme = old.subject, old.deadline, old.count, old.theme
	}
	if r.wish.logsIn() {
		if next.subject != "" && next.subject != r.wish.who() {
			next.count, next.theme = 0, 0
		}
		next.subject, next.deadline = r.wish.who(), w.now.Add(absolute)
	}
	next.apply(r)
	w.issue(token, next)
}

// apply does what the request has asked for.
func (l *life) apply(r *request) {
	if r.wish.counts() {
		l.count++
	}
	if r.wish.themes() {
		l.theme = r.number
		l.themes++
	}
}

// settleStored works out what an answered request has done to the records of a store.
func (w *week) settleStored(r *request, token string, deleted bool) {
	w.Helper()
	switch {
	case r.wish.logsIn():
		w.settleLogin(r, token)
	case r.wish == logout:
		w.settleLogout(r, deleted)
	case r.seen.life == nil:
		w.settleStranger(r, token)
	case r.seen.life.over(w.now):
		w.settleLate(r, token)
	default:
		w.settleVisitor(r, token)
	}
}

// settleStranger: a request without a session starts one with its first value.
func (w *week) settleStranger(r *request, token string) {
	w.Helper()
	switch {
	case !r.ok && (!r.wish.changes() || !r.seen.dead):
		w.fail("request %d: status %d for a visitor without a session", r.number, r.status)
	case r.ok && r.wish.changes() != (token != ""):
		w.fail("request %d: a visitor without a session gets a cookie: %t", r.number, token != "")
	case token != "":
		next := w.newLife("")
		next.apply(r)
		w.issue(token, next)
	}
}

// settleLate: a request whose session has ended or was logged in meanwhile changes nothing and leaves the cookie alone.
func (w *week) settleLate(r *request, token string) {
	w.Helper()
	if r.ok == r.wish.writesOn() && r.wish != extend || token != "" && w.tickets[token] == nil {
		w.fail("request %d: status %d, cookie %t, though its session is over", r.number, r.status, token != "")
	}
}

// settleVisitor: a request whose session goes on.
func (w *week) settleVisitor(r *request, token string) {
	w.Helper()
	l := r.seen.life
	if !r.ok {
		if r.wish != choose || l.themes == r.seen.themes {
			w.fail("request %d: status %d in a live session", r.number, r.status)
		}
		l.touched = latest(l.touched, w.now)
	} else {
		l.apply(r)
		l.use(w.now)
	}
	switch known := w.tickets[token]; {
	case token == "" && r.wish.renews() && len(l.tickets) == r.seen.tickets:
		w.fail("request %d: nothing was renewed", r.number)
	case token == "":
	case known != nil && known.life != l:
		w.fail("request %d is given a token of life %d", r.number, known.life.number)
	case known != nil:
	case r.wish.renews():
		for _, old := range l.tickets {
			old.dead = true
		}
		w.issue(token, l)
	case w.renewAfter == 0:
		w.fail("request %d: a new token that nobody asked for", r.number)
	default:
		w.issue(token, l)
	}
}

func (w *week) settleLogin(r *request, token string) {
	w.Helper()
	if !r.ok || token == "" || w.tickets[token] != nil {
		w.fail("request %d: login: status %d, cookie %t", r.number, r.status, token != "")
	}
	next := w.newLife(r.wish.who())
	base, hands := w.baseOfLogin(r)
	if base != nil && (base.subject == "" || base.subject == next.subject) {
		next.count, next.theme = base.count, base.theme
	}
	if base != nil && hands {
		base.heir, base.left, base.other = next, w.now, base.subject != "" && base.subject != next.subject
	}
	next.apply(r)
	w.issue(token, next)
}

// baseOfLogin returns the life whose values a login goes on with, and whether that one ends with it. A login in flight
// across another one starts a session of its own; one with the token from before a login of the same subject goes on
// with what that has made.
func (w *week) baseOfLogin(r *request) (_ *life, hands bool) {
	old, k := r.seen.life, w.tickets[r.token]
	switch {
	case old != nil && !old.over(w.now):
		return old, true
	case old != nil && old.heir != nil && (old.subject == "" || old.subject == r.wish.who()):
		heir, _ := old.become(w.now)
		if heir != nil && heir.subject == r.wish.who() {
			return heir, false
		}
	case old == nil && k != nil && k.life.heir != nil && r.loaded.Before(k.life.left.Add(marker)):
		heir, _ := k.life.become(w.now)
		if heir != nil && heir.subject == r.wish.who() {
			return heir, true
		}
	}
	return nil, false
}

func (w *week) settleLogout(r *request, deleted bool) {
	w.Helper()
	if !r.ok {
		w.fail("request %d: logout: status %d", r.number, r.status)
	}
	if r.seen.life == nil {
		return
	}
	last, other := r.seen.life.become(w.now)
	if last == nil || other {
		return
	}
	if last.ended = true; !deleted {
		w.fail("request %d: the logout leaves the cookie", r.number)
	}
}
