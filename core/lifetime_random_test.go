package session_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/soak"
)

// modelRun is a visitor with a browser, at a site and in the model.
type modelRun struct {
	*world
	t       *testing.T
	r       *rand.Rand
	options modelOptions
	model   *modelClocks
	cookie  string    // in the browser
	ends    time.Time // when the browser drops it; zero: when it closes
	owed    bool      // the browser may have the cookie under attributes that the next request puts right
	log     []string
}

var modelLifetimes = []session.Lifetime{
	{}, {}, {Idle: time.Hour}, {Idle: 5 * time.Minute, Absolute: time.Hour}, remembered,
	{Persistent: session.EndWithBrowser}, {Persistent: session.Keep}, {Basis: session.LastChange},
	{Basis: session.LastUse, Absolute: 10 * time.Minute, Persistent: session.Keep},
	{Idle: 20 * day, Absolute: 40 * day, Basis: session.LastChange, Persistent: session.Keep},
}

// TestLifetimesAgreeWithASmallModel holds random sequences of requests, overlapping ones too, against the model.
func TestLifetimesAgreeWithASmallModel(t *testing.T) {
	seeds := soak.Size(uint64(200), 20_000)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		for _, sealed := range []bool{false, true} {
			run := newModelRun(t, seed, sealed)
			for range 60 {
				if run.step(); t.Failed() {
					t.Fatalf("seed %d, sealed %t, options %+v; the requests were:\n%s", seed, sealed,
						struct {
							Basis                     session.Basis
							Persistent                bool
							RenewAfter, TouchInterval time.Duration
						}{run.options.Basis, run.options.Cookie.Persistent, run.options.RenewAfter, run.options.TouchInterval},
						run.log)
				}
			}
		}
	}
}

func newModelRun(t *testing.T, seed uint64, sealed bool) *modelRun {
	r := rand.New(rand.NewPCG(seed, 11))
	o := session.Options{
		MaxLifetime: modelLongest, Basis: session.Basis(r.IntN(3)), Cookie: session.Cookie{Persistent: r.IntN(2) == 0},
		RenewAfter:    time.Duration(r.IntN(2)) * 7 * time.Minute,
		TouchInterval: time.Duration(r.IntN(2)) * time.Minute,
		LifetimeFor: func(subject string) session.Lifetime {
			if subject == "admin" {
				return session.Lifetime{Idle: 10 * time.Minute, Absolute: 2 * time.Hour}
			}
			return session.Lifetime{}
		},
	}
	run := &modelRun{t: t, r: r, options: modelOptions{o}}
	if sealed {
		o.Sealer = session.AEAD
		run.world = newSealed(t, session.TemporaryKeys(), o)
	} else {
		run.world = newWorld(t, o)
	}
	run.now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	return run
}

func (run *modelRun) note(format string, args ...any) {
	at := run.now.Format(time.DateTime + ".000 ")
	run.log = append(run.log, at+fmt.Sprintf(format, args...)+"\n")
}

// step lets time pass, or the browser close, and sends a request or two.
func (run *modelRun) step() {
	run.pass()
	if run.r.IntN(12) == 0 {
		run.note("the browser closes")
		if run.ends.IsZero() {
			run.cookie, run.model = "", nil
		}
	}
	if !run.ends.IsZero() && !run.now.Before(run.ends) {
		run.cookie, run.ends = "", time.Time{}
		if run.model != nil && run.now.Before(run.options.end(run.model).Add(-time.Second)) && !run.owed {
			run.t.Errorf("the browser has dropped the cookie %v before the session ends",
				run.options.end(run.model).Sub(run.now))
		}
		run.model = nil
	}
	if run.model != nil && run.r.IntN(4) == 0 {
		run.overlap()
		return
	}
	run.request()
}

// pass lets time pass, often to the very moments at which something changes.
func (run *modelRun) pass() {
	to := run.now.Add([]time.Duration{0, time.Second, time.Minute, 4 * time.Minute, 20 * time.Minute, 11 * time.Hour,
		9 * day}[run.r.IntN(7)])
	if m := run.model; m != nil && run.r.IntN(4) == 0 {
		idle := run.options.idle(m)
		to = []time.Time{run.options.end(m), m.lastAtLeast.Add(idle),
			m.lastAtLatest.Add(idle + run.options.slack(m))}[run.r.IntN(3)].Add(-time.Duration(run.r.IntN(2)) * time.Millisecond)
	}
	if to.After(run.now) {
		run.now = to
	}
}

func (run *modelRun) wish() (w wish) {
	one := func(n int) bool { return run.r.IntN(n) == 0 }
	w = wish{set: one(3), touch: one(6), renew: one(8), login: one(8), lifetime: one(3), lifetimeFirst: one(2)}
	w.subject = []string{"user:1", "user:1", "user:2", "admin"}[run.r.IntN(4)]
	w.own = modelLifetimes[run.r.IntN(len(modelLifetimes))]
	return w
}

// begin sends a request and has the model agree on whether it finds a session.
func (run *modelRun) begin() *visit {
	v := begin(run.t, run.Manager, run.cookie)
	must, may := run.options.alive(run.model, run.now)
	if found := v.Exists(); must && !found || found && !may {
		run.t.Errorf("%v: a session is found: %t; it must be: %t, it may be: %t; %+v", run.now, found, must, may, run.model)
	} else if !found {
		run.model = nil
	}
	return v
}

// request sends one request, which may take a while.
func (run *modelRun) request() {
	w := run.wish()
	run.note("request %+v", w)
	v := run.begin()
	w.do(v.Session, run.r)
	run.now = run.now.Add(time.Duration(run.r.IntN(3)) * 10 * time.Second)
	info := v.Info()
	left, fails := run.options.after(run.model, w, run.now)
	run.model = left
	run.finish(v, fails)
	run.owed = false
	run.compareInfo(info, fails)
	run.compareCookie()
}

// overlap sends two requests at once; the second is answered before the first.
func (run *modelRun) overlap() {
	first, second := run.wish(), run.wish()
	if first.login = false; run.model != nil && first.own == run.model.own {
		first.lifetime = false // it would be no change, but goes along with others
	}
	run.note("request %+v, overtaken by %+v", first, second)
	slow := run.begin()
	first.do(slow.Session, run.r)
	fast := begin(run.t, run.Manager, run.cookie)
	second.do(fast.Session, run.r)
	loaded := run.model
	if loaded == nil { // two visitors without a session: not what this is about
		run.finish(fast, false)
		run.cookie, run.ends = "", time.Time{}
		return
	}
	run.now = run.now.Add(time.Duration(run.r.IntN(3)) * 10 * time.Second)
	left, fails := run.options.after(loaded, second, run.now)
	if fast = run.finish(fast, fails); fails && left == nil && second != (wish{}) {
		left = loaded // over in any case
	}
	run.now = run.now.Add(time.Duration(run.r.IntN(3)) * 10 * time.Second)
	if run.store == nil {
		run.lastResponseWins(loaded, left, first, fast, slow)
		return
	}
	run.model, fails = run.options.replayed(loaded, left, second, first, run.now)
	run.finish(slow, fails)
	run.owed = true
}

// lastResponseWins is what overlapping requests with sealed sessions come to.
func (run *modelRun) lastResponseWins(loaded, left *modelClocks, first wish, fast, slow *visit) {
	mine, fails := run.options.after(loaded, first, run.now)
	run.finish(slow, fails)
	run.model = loaded
	if value, _ := fast.cookie(); value != "" {
		run.model = left
	}
	if value, _ := slow.cookie(); value != "" {
		run.model = mine
	}
	run.owed = true
}

// finish ends a request, and the browser takes its cookie.
func (run *modelRun) finish(v *visit, fails bool) *visit {
	if v.finish(); v.ok == fails || fails && v.instead.Status != http.StatusConflict {
		run.t.Errorf("%v: the commit succeeds: %t, want %t (%q)", run.now, v.ok, !fails, v.instead.Body)
	}
	for _, c := range (&http.Response{Header: v.x.response}).Cookies() {
		if c.Name == cookieName {
			run.note("the cookie's Max-Age is %d", c.MaxAge)
			run.cookie, run.ends = c.Value, time.Time{}
			if c.MaxAge > 0 {
				run.ends = run.now.Add(time.Duration(c.MaxAge) * time.Second)
			}
		}
	}
	return v
}

// compareInfo holds what the request was told against the model.
func (run *modelRun) compareInfo(i session.Info, failed bool) {
	m := run.model
	_, may := run.options.alive(m, run.now) // not, if it ended by its new lifetime, or while a read took its time
	if !may || failed {
		if !failed && known(i) {
			run.t.Errorf("%v: Info says %+v, and there will be no session", run.now, i)
		}
		return
	}
	end, idle := run.options.end(m), run.options.idle(m)
	earliest, latest := m.lastAtLeast.Add(idle), m.lastAtLatest.Add(idle+run.options.slack(m))
	if end.Before(earliest) {
		earliest = end
	}
	if end.Before(latest) {
		latest = end
	}
	if !i.Deadline.Equal(end) || i.Persistent != run.options.persistent(m) || i.Subject != m.subject ||
		!i.Authenticated.Equal(m.authenticated) || i.ExpiresAt.Before(earliest) || i.ExpiresAt.After(latest) {
		run.t.Errorf("%v: Info says %+v; want the deadline %v, persistent %t, expiry between %v and %v; %+v",
			run.now, i, end, run.options.persistent(m), earliest, latest, m)
	}
}

// compareCookie holds the browser's cookie against the model: both end together, to the second.
func (run *modelRun) compareCookie() {
	m := run.model
	if m == nil {
		return
	}
	end := run.options.end(m)
	switch persistent := run.options.persistent(m); {
	case run.cookie == "":
		run.t.Errorf("%v: no cookie", run.now)
	case persistent != !run.ends.IsZero():
		run.t.Errorf("%v: the cookie outlives the browser: %t, the session: %t", run.now, !run.ends.IsZero(), persistent)
	case persistent && (run.ends.After(end.Add(time.Second)) || run.ends.Before(end.Add(-time.Second))):
		run.t.Errorf("%v: the cookie ends at %v, the session at %v", run.now, run.ends, end)
	}
}
