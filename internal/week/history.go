package week

import (
	"slices"
	"time"
)

// day is a night and what follows: a busy day has no pause that a session would not survive.
func (w *week) day() {
	w.Helper()
	evening, busy := w.now.Add(w.between(12*time.Hour, 16*time.Hour)), w.chance(40)
	for w.now.Before(evening) {
		w.page(busy)
		w.pass(w.pause(busy))
	}
	if w.chance(50) {
		w.closeBrowser()
	}
	w.pass(w.between(6*time.Hour, 9*time.Hour))
}

// pause returns for how long the visitor reads a page.
func (w *week) pause(busy bool) time.Duration {
	if w.chance(15) {
		if at := w.edge(busy); at > 0 {
			return at
		}
	}
	switch n := w.random.IntN(100); {
	case n < 25:
		return w.between(0, time.Minute)
	case busy, n < 75:
		return w.between(time.Minute, 27*time.Minute)
	case n < 95:
		return w.between(27*time.Minute, 36*time.Minute)
	}
	return w.between(time.Hour, 4*time.Hour)
}

// edge returns how far away one of the moments is that count.
func (w *week) edge(busy bool) time.Duration {
	k := w.tickets[w.jar.at(w.now)]
	if k == nil {
		return 0
	}
	l := k.life
	at := []time.Time{
		l.used.Add(idle - time.Millisecond), l.deadline.Add(-time.Millisecond), l.deadline,
		l.touched.Add(idle + touch - time.Millisecond), l.touched.Add(idle + touch),
	}
	last := len(at)
	if busy {
		last = 3
	}
	away := at[w.random.IntN(last)].Sub(w.now)
	if away > time.Hour {
		return 0
	}
	return away
}

// pass lets time go by. Slow requests are answered when they are due, and the sweeper comes now and then.
func (w *week) pass(d time.Duration) {
	w.Helper()
	until := w.now.Add(d)
	for len(w.inFlight) > 0 && !w.inFlight[0].due.After(until) {
		r := w.inFlight[0]
		w.inFlight = w.inFlight[1:]
		w.now = latest(w.now, r.due)
		w.answer(r)
	}
	if w.now = until; w.chance(30) {
		w.sweep()
	}
}

func (w *week) sweep() {
	w.Helper()
	if !w.sealed {
		_, _ = w.sessions.Sweep(w.Context()) // not every store has anything to sweep
		w.note("the sweeper was here")
	}
}

// closeBrowser ends the browser; what is in flight is answered to nobody.
func (w *week) closeBrowser() {
	w.note("the browser is closed")
	w.jar.close()
	for _, r := range w.inFlight {
		r.lost = true
	}
}

// flush lets everything in flight be answered.
func (w *week) flush() {
	w.Helper()
	w.pass(marker)
}

// page is one to eight requests that the browser sends at once. They load and are answered in any order, within less
// than RenewGrace but for the slow ones.
func (w *week) page(busy bool) {
	w.Helper()
	token := w.jar.at(w.now)
	waiting := make([]*request, 1+w.random.IntN(8))
	lossy := w.chance(20)
	for i := range waiting {
		waiting[i] = &request{
			number: w.requests(), wish: w.wish(i, busy), token: token, lost: w.chance(5) || lossy && w.chance(60),
		}
	}
	var running []*request
	for len(waiting)+len(running) > 0 {
		w.pass(w.between(0, 3*time.Second))
		if i := w.random.IntN(len(waiting) + len(running)); i < len(waiting) {
			r := waiting[i]
			waiting = slices.Delete(waiting, i, i+1)
			if w.load(r); w.chance(10) {
				w.delay(r)
				continue
			}
			running = append(running, r)
		} else {
			r := running[i-len(waiting)]
			running = slices.Delete(running, i-len(waiting), i-len(waiting)+1)
			w.answer(r)
		}
	}
}

// delay makes a request a slow one.
func (w *week) delay(r *request) {
	r.due = w.now.Add(w.between(10*time.Second, marker-time.Second))
	w.inFlight = append(w.inFlight, r)
	slices.SortStableFunc(w.inFlight, func(a, b *request) int { return a.due.Compare(b.due) })
}

func (w *week) requests() int {
	w.sent++
	return w.sent
}

// wish draws what a request does. A page is asked for first; what it consists of mostly reads.
func (w *week) wish(place int, busy bool) wish {
	n := w.random.IntN(1000)
	if w.tickets[w.jar.token] == nil && place == 0 && n < 500 { // nobody stays anonymous for long
		return []wish{login, loginNew, update}[w.random.IntN(3)]
	}
	odds := []struct {
		wish wish
		odds int
	}{
		{read, 620}, {update, 200}, {set, 40}, {choose, 40}, {extend, 20}, {renew, 10}, {recount, 10},
		{login, 5}, {loginNew, 5}, {loginAs, 5}, {logout, 5},
	}
	if place == 0 && !busy {
		odds[0].odds, odds[7].odds, odds[9].odds, odds[10].odds = 500, 45, 25, 60
	}
	for _, o := range odds {
		if n -= o.odds; n < 0 {
			return o.wish
		}
	}
	return read
}
