package week

import (
	"net/http"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// wish is what a request does with its session.
type wish int

const (
	read wish = iota
	extend
	update   // counts
	set      // the theme, without a look
	choose   // the theme, after a look
	renew    // explicitly
	recount  // renews and counts
	login    // as the usual subject
	loginNew // counts too
	loginAs  // somebody else
	logout
)

func (o wish) String() string {
	return [...]string{
		"read", "touch", "update", "set", "read and set", "renew", "renew and update",
		"login", "login and update", "login as another", "logout",
	}[o]
}

func (o wish) counts() bool   { return o == update || o == recount || o == loginNew }
func (o wish) themes() bool   { return o == set || o == choose }
func (o wish) renews() bool   { return o == renew || o == recount }
func (o wish) logsIn() bool   { return o == login || o == loginNew || o == loginAs }
func (o wish) changes() bool  { return o.counts() || o.themes() }
func (o wish) who() string    { return map[bool]string{false: "user:1", true: "user:2"}[o == loginAs] }
func (o wish) reading() bool  { return o == read || o == extend }
func (o wish) writesOn() bool { return o.changes() || o.renews() }

// request is one of the visitor's, from the moment the browser has sent it.
type request struct {
	number  int
	wish    wish
	token   string // that the browser had when it sent it
	lost    bool   // the answer does not arrive
	loaded  time.Time
	due     time.Time // of the answer of a slow one
	seen    snapshot
	session session.Request
	x       exchange

	ok     bool
	status int
}

// snapshot is what was known of the session when the request loaded it.
type snapshot struct {
	life    *life // nil: none
	dead    bool  // the token is known to have ended or to be replaced
	themes  int
	tickets int
}

func (w *week) load(r *request) {
	w.Helper()
	r.x, r.loaded = exchange{response: http.Header{}}, w.now
	if r.token != "" {
		r.x.lines = []string{w.jar.name + "=" + r.token}
	}
	if _, ok := w.sessions.Begin(w.Context(), &r.session, &r.x); !ok {
		w.fail("Begin was refused")
	}
	s := r.session.Session()
	if err := s.Err(); err != nil {
		w.fail("request %d could not load its session: %v", r.number, err)
	}
	w.compare(r, w.tickets[r.token], s)
	r.do(s)
}

// compare checks what the request sees against the model.
func (w *week) compare(r *request, k *ticket, s *session.Session) {
	w.Helper()
	want, exists := k.judge(w.now), s.Exists()
	number := 0
	if k != nil {
		number = k.number
		r.seen.dead = k.dead || k.life.ended || k.life.heir != nil || k.replayed(w.now)
	}
	w.note("request %d (%s) loads token %d: session %t %q", r.number, r.wish, number, exists, s.Subject())
	switch {
	case want == open && !exists:
		w.fail("anonymous before time: life %d, last used %v ago, %v before its deadline", k.life.number,
			w.now.Sub(k.life.used), k.life.deadline.Sub(w.now))
	case want == shut && exists:
		w.fail("still %q with a token that is over", s.Subject())
	case !exists:
		return
	}
	l := k.life
	r.seen.life, r.seen.themes, r.seen.tickets = l, l.themes, len(l.tickets)
	if s.Subject() != l.subject || count.Get(s) != l.count {
		w.fail("subject %q count %d, want %q %d", s.Subject(), count.Get(s), l.subject, l.count)
	}
	if r.wish.reading() || r.wish == choose {
		if got := theme.Get(s); got != l.theme {
			w.fail("theme %d, want %d", got, l.theme)
		}
	}
	if k.presented.IsZero() {
		k.presented = w.now
	}
	if !w.sealed {
		l.touched = latest(l.touched, w.now)
	}
}

func (r *request) do(s *session.Session) {
	switch {
	case r.wish == extend:
		s.Touch()
	case r.wish == logout:
		s.Destroy()
	case r.wish.logsIn():
		s.Login(r.wish.who())
	case r.wish.renews():
		s.Renew()
	}
	if r.wish.counts() {
		count.Update(s, func(n int) int { return n + 1 })
	}
	if r.wish.themes() {
		theme.Set(s, r.number)
	}
}

// answer commits the request and lets the browser have the answer, unless it gets lost.
func (w *week) answer(r *request) {
	w.Helper()
	instead, ok := r.session.Commit(http.StatusOK)
	r.session.End()
	r.ok, r.status = ok, http.StatusOK
	if !ok {
		r.status = instead.Status
	}
	c := r.x.cookie()
	w.note("request %d (%s) is answered with %d, cookie %t, lost %t, after %v",
		r.number, r.wish, r.status, c != nil, r.lost, w.now.Sub(r.loaded))
	if !ok && r.status != http.StatusConflict {
		w.fail("request %d: status %d", r.number, r.status)
	}
	token := ""
	if c != nil && c.MaxAge >= 0 {
		token = c.Value
	}
	if w.sealed {
		w.settleSealed(r, token)
	} else {
		w.settleStored(r, token, c != nil && token == "")
	}
	if c != nil && !r.lost {
		w.deliver(r, c, token)
	}
}

// deliver puts a cookie into the jar. Neither may a good one be deleted, nor a dead one take its place.
func (w *week) deliver(r *request, c *http.Cookie, token string) {
	w.Helper()
	k := w.tickets[token]
	switch {
	case token == "" && r.wish != logout && w.tickets[w.jar.at(w.now)].judge(w.now) == open:
		w.fail("request %d deletes a good cookie", r.number)
	case token != "" && k.judge(w.now) == shut:
		w.fail("request %d sets a cookie that opens nothing: token %d of life %d", r.number, k.number, k.life.number)
	case token != "" && !w.sealed && k.replayed(w.now):
		w.fail("request %d sets a cookie that was replaced long ago: token %d of life %d", r.number, k.number, k.life.number)
	case token != "" && w.persistent != (c.MaxAge > 0):
		w.fail("request %d: Max-Age is %d", r.number, c.MaxAge)
	}
	if w.jar.put(c, w.now); c.MaxAge > 0 {
		if early := k.life.deadline.Sub(w.jar.expires); early >= time.Second {
			w.fail("request %d: the browser drops the cookie %v before the session's deadline", r.number, early)
		}
	}
}
