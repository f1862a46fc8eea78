package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// The clock of these tests, in minutes: a session of 30 idle and 720 absolute minutes, created at 1000 and used
// at 1005, looked at a little later. A use adds the touch interval of 3 minutes to the idle ones.
const (
	minute    = wire.Millis(60_000)
	beginning = 1000 * minute
	lastUsed  = 1005 * minute
	lately    = lastUsed + 1*minute
	touchTime = lastUsed + 3*minute
	span      = 33 * minute
	absolute  = 720 * minute
)

func fresh(change func(*facts)) facts {
	f := facts{now: lately, span: span, absolute: absolute}
	change(&f)
	return f
}

func loaded(change func(*facts)) facts {
	return fresh(func(f *facts) {
		f.found, f.upkeep = true, upkeep{seen: lastUsed, touchEvery: 3 * minute, renewed: beginning}
		f.idleEnd, f.absoluteEnd = lastUsed+span, beginning+absolute
		change(f)
	})
}

func sealedIn(change func(*facts)) facts {
	return loaded(func(f *facts) { f.sealed = true; change(f) })
}

var (
	errLoad    = errors.New("store down")
	errRefused = errors.New("value cannot be encoded")
)

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		why    string
		facts  facts
		action action
		reason Reason
		err    error
	}{
		{"a read changes nothing", loaded(func(f *facts) {}), doNothing, "", nil},
		{"a read without a session starts none", fresh(func(f *facts) {}), doNothing, "", nil},
		{"a sealed read sends no cookie", sealedIn(func(f *facts) {}), doNothing, "", nil},

		{"a value starts a session", fresh(func(f *facts) { f.starts = true }), doCreate, ReasonCreated, nil},
		{"a login starts a session, values or not", fresh(func(f *facts) { f.login = true }), doCreate, ReasonCreated, nil},
		{
			"there is nothing to renew or extend without a session",
			fresh(func(f *facts) { f.renew, f.touch = true, true }), doNothing, "", nil,
		},
		{"a changed value is saved", loaded(func(f *facts) { f.changed, f.starts = true, true }), doUpdate, "", nil},
		{"dropping the last value keeps the session", loaded(func(f *facts) { f.changed = true }), doUpdate, "", nil},
		{"setting what is there already is no change", loaded(func(f *facts) { f.starts = true }), doNothing, "", nil},

		{"a login renews the token", loaded(func(f *facts) { f.login = true }), doRenew, ReasonRenewed, nil},
		{"an explicit renewal does", loaded(func(f *facts) { f.renew = true }), doRenew, ReasonRenewed, nil},
		{
			"a renewal carries the changes",
			loaded(func(f *facts) { f.renew, f.changed = true, true }), doRenew, ReasonRenewed, nil,
		},
		{"an old token is renewed", loaded(func(f *facts) { f.renewEvery = 6 * minute }), doRenew, ReasonRenewed, nil},
		{"a younger one is not", loaded(func(f *facts) { f.renewEvery = 6*minute + 1 }), doNothing, "", nil},
		{"never, when RenewAfter is zero", loaded(func(f *facts) { f.renewed = 0 }), doNothing, "", nil},

		{"a touch is due once per interval", loaded(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil},
		{"and not before", loaded(func(f *facts) { f.now = touchTime - 1 }), doNothing, "", nil},
		{"an explicit touch does not wait", loaded(func(f *facts) { f.touch = true }), doTouch, ReasonTouched, nil},
		{
			"a touch never shortens",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, lately+span+minute }), doNothing, "", nil,
		},
		{
			"a touch that gains nothing is none",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, lately+span }), doNothing, "", nil,
		},
		{
			"a touch at the deadline gains nothing",
			loaded(func(f *facts) { f.touch, f.idleEnd = true, f.absoluteEnd }), doNothing, "", nil,
		},
		{
			"a change extends too, so no touch besides",
			loaded(func(f *facts) { f.now, f.changed = touchTime, true }), doUpdate, "", nil,
		},
		{
			"a sealed session is touched by sealing it anew",
			sealedIn(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil,
		},
		{
			"an old key's cookie is sealed anew",
			sealedIn(func(f *facts) { f.retiredKey = true }), doTouch, ReasonReissued, nil,
		},

		{"a destroyed session is ended", fresh(func(f *facts) { f.ending = &ending{} }), doEnd, ReasonEnded, nil},
		{
			"writes after it start another",
			fresh(func(f *facts) { f.ending, f.starts = &ending{}, true }), doEndThenCreate, ReasonCreated, nil,
		},
		{
			"so does a login after it",
			fresh(func(f *facts) { f.ending, f.login = &ending{}, true }), doEndThenCreate, ReasonCreated, nil,
		},

		{
			"what could not be loaded is not saved over",
			fresh(func(f *facts) { f.blocked, f.login = errLoad, true }), doNothing, "", errLoad,
		},
		{"a reader gets the failure too", fresh(func(f *facts) { f.blocked = errLoad }), doNothing, "", errLoad},
		{
			"unless the application serves on",
			fresh(func(f *facts) { f.blocked, f.serveOn = errLoad, true }), doNothing, "", nil,
		},
		{
			"but not past a write that was lost",
			fresh(func(f *facts) { f.blocked, f.serveOn, f.refusal = errLoad, true, errLoad }), doNothing, "", errLoad,
		},
		{
			"which SaveOn would not have saved",
			fresh(func(f *facts) { f.blocked, f.serveOn, f.refusal, f.unsaved = errLoad, true, errLoad, true }), doNothing, "",
			nil,
		},
		{
			"a refused write fails the commit whole",
			loaded(func(f *facts) { f.refusal, f.changed = errRefused, true }), doNothing, "", errRefused,
		},
		{
			"SaveOn drops changes",
			loaded(func(f *facts) { f.unsaved, f.changed, f.login = true, true, true }), doNothing, "", nil,
		},
		{
			"and refused writes with them",
			loaded(func(f *facts) { f.unsaved, f.refusal = true, errRefused }), doNothing, "", nil,
		},
		{
			"but the visit counts",
			loaded(func(f *facts) { f.unsaved, f.now, f.changed = true, touchTime, true }), doTouch, ReasonTouched, nil,
		},
		{
			"also when a write was refused",
			loaded(func(f *facts) { f.refusal, f.now = errRefused, touchTime }), doTouch, ReasonTouched, errRefused,
		},
		{
			"which a sealed session's error response cannot tell",
			sealedIn(func(f *facts) { f.refusal, f.now = errRefused, touchTime }), doNothing, "", errRefused,
		},

		{
			"after the headers a stored change is saved",
			loaded(func(f *facts) { f.headersSent, f.changed = true, true }), doUpdate, "", nil,
		},
		{
			"a stored session is touched",
			loaded(func(f *facts) { f.headersSent, f.touch = true, true }), doTouch, ReasonTouched, nil,
		},
		{
			"a stored session is ended",
			fresh(func(f *facts) { f.headersSent, f.ending = true, &ending{} }), doEnd, ReasonEnded, nil,
		},
		{
			"a new session needs a cookie",
			fresh(func(f *facts) { f.headersSent, f.starts = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a login needs a cookie",
			loaded(func(f *facts) { f.headersSent, f.login = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a renewal needs a cookie",
			loaded(func(f *facts) { f.headersSent, f.renew = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed change needs a cookie",
			sealedIn(func(f *facts) { f.headersSent, f.changed = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed touch needs a cookie",
			sealedIn(func(f *facts) { f.headersSent, f.touch = true, true }), doNothing, "", ErrCommitted,
		},
		{
			"a sealed logout needs a cookie",
			fresh(func(f *facts) { f.sealed, f.headersSent, f.ending = true, true, &ending{} }), doNothing, "", ErrCommitted,
		},
		{
			"but a stored logout is not lost with the writes behind it",
			fresh(func(f *facts) { f.headersSent, f.ending, f.starts = true, &ending{}, true }), doEnd, ReasonEnded,
			ErrCommitted,
		},
		{
			"a sealed one is",
			fresh(func(f *facts) { f.sealed, f.headersSent, f.ending, f.starts = true, true, &ending{}, true }), doNothing, "",
			ErrCommitted,
		},
		{"a periodic renewal waits", loaded(func(f *facts) { f.headersSent, f.renewEvery = true, 1 }), doNothing, "", nil},
		{
			"and does not keep a change from being saved",
			loaded(func(f *facts) { f.headersSent, f.renewEvery, f.changed = true, 1, true }), doUpdate, "", nil,
		},
		{
			"a sealed touch that nobody asked for waits",
			sealedIn(func(f *facts) { f.headersSent, f.now = true, touchTime }), doNothing, "", nil,
		},
		{"so does the new key", sealedIn(func(f *facts) { f.headersSent, f.retiredKey = true, true }), doNothing, "", nil},

		{
			"past the request's deadline no cookie is promised",
			fresh(func(f *facts) { f.timedOut, f.starts = true, true }), doNothing, "", context.DeadlineExceeded,
		},
		{
			"which is a failure of this side",
			loaded(func(f *facts) { f.timedOut, f.login = true, true }), doNothing, "", ErrUnavailable,
		},
		{"what needs no header is saved", loaded(func(f *facts) { f.timedOut, f.changed = true, true }), doUpdate, "", nil},
		{
			"a logout is kept, and the login behind it is not promised",
			fresh(func(f *facts) { f.timedOut, f.ending, f.login = true, &ending{}, true }), doEnd, ReasonEnded, ErrUnavailable,
		},
		{"logout wins", fresh(func(f *facts) { f.timedOut, f.ending = true, &ending{} }), doEnd, ReasonEnded, nil},

		{
			"what reached its deadline during the request is not touched",
			loaded(func(f *facts) { f.expired, f.touch = true, true }), doNothing, "", ErrEnded,
		},
		{"nor renewed unasked", loaded(func(f *facts) { f.expired, f.renewEvery = true, 1 }), doNothing, "", nil},
		{"nor sealed anew", sealedIn(func(f *facts) { f.expired, f.retiredKey = true, true }), doNothing, "", nil},
		{"nor changed", loaded(func(f *facts) { f.expired, f.changed = true, true }), doNothing, "", ErrEnded},
		{"nor renewed", sealedIn(func(f *facts) { f.expired, f.renew = true, true }), doNothing, "", ErrEnded},
		{
			"a login then starts a session, and says so",
			loaded(func(f *facts) { f.expired, f.login = true, true }), doCreate, ReasonCreated, nil,
		},
		{"a sealed one too", sealedIn(func(f *facts) { f.expired, f.login = true, true }), doCreate, ReasonCreated, nil},
		{
			"a request that began before the idle end is use, however late it is",
			loaded(func(f *facts) { f.now = lastUsed + 40*minute }), doTouch, ReasonTouched, nil,
		},
		{
			"and its change is saved",
			loaded(func(f *facts) { f.now, f.changed = lastUsed+40*minute, true }), doUpdate, "", nil,
		},

		{
			"the first use of a renewed token is noted down",
			loaded(func(f *facts) { f.firstPresented = true }), doUpdate, "", nil,
		},
		{
			"along with a change, if there is one",
			loaded(func(f *facts) { f.firstPresented, f.changed = true, true }), doUpdate, "", nil,
		},

		{"a dead token's cookie is left alone at first", fresh(func(f *facts) { f.marker = &record{} }), doNothing, "", nil},
		{
			"and no write sets a cookie in its place",
			fresh(func(f *facts) { f.marker, f.starts = &record{}, true }), doNothing, "", ErrEnded,
		},
		{"but a login", fresh(func(f *facts) { f.marker, f.login = &record{}, true }), doCreate, ReasonCreated, nil},
		{
			"later it is deleted",
			fresh(func(f *facts) { f.marker, f.cookieDeletable = &record{}, true }), doDeleteCookie, "", nil,
		},
		{
			"if a header can be sent",
			fresh(func(f *facts) { f.marker, f.cookieDeletable, f.headersSent = &record{}, true, true }), doNothing, "", nil,
		},
		{
			"or replaced",
			fresh(func(f *facts) { f.marker, f.cookieDeletable, f.starts = &record{}, true, true }), doCreate, ReasonCreated,
			nil,
		},
	} {
		got := decide(&c.facts)
		if got.action != c.action || !errors.Is(got.err, c.err) || (got.err == nil) != (c.err == nil) {
			t.Errorf("%s: action %d, err %v; want action %d, err %v", c.why, got.action, got.err, c.action, c.err)
		}
		if got.reason != c.reason {
			t.Errorf("%s: reason %q, want %q", c.why, got.reason, c.reason)
		}
	}
}

func TestDecideHowLongASessionLives(t *testing.T) {
	for _, c := range []struct {
		why   string
		facts facts
		want  wire.Millis
	}{
		{"idle from now, and what a touch may be late", loaded(func(f *facts) { f.changed = true }), lately + span},
		{"the same for a new one", fresh(func(f *facts) { f.starts = true }), lately + span},
		{
			"a new one never longer than the absolute timeout",
			fresh(func(f *facts) { f.starts, f.absolute = true, 7 }), lately + 7,
		},
		{
			"a login starts the absolute clock anew",
			loaded(func(f *facts) { f.login, f.absoluteEnd = true, lately+7 }), lately + span,
		},
		{
			"somebody else's login inherits no clock",
			loaded(func(f *facts) { f.login, f.switched, f.idleEnd = true, true, lately+90*minute }), lately + span,
		},
		{"never past the deadline", loaded(func(f *facts) { f.changed, f.absoluteEnd = true, lately+7 }), lately + 7},
		{
			"never shorter than it was",
			loaded(func(f *facts) { f.changed, f.idleEnd = true, lately+90*minute }), lately + 90*minute,
		},
		{
			"but the deadline has the last word",
			loaded(func(f *facts) { f.changed, f.idleEnd, f.absoluteEnd = true, lately+9, lately+8 }), lately + 8,
		},
	} {
		if got := decide(&c.facts); got.expires != c.want {
			t.Errorf("%s: expires %d after now, want %d", c.why, got.expires-c.facts.now, c.want-c.facts.now)
		}
	}
}

// randomFacts are facts as a request can bring them about.
func randomFacts(r *rand.Rand) facts {
	coin := func() bool { return r.IntN(2) == 0 }
	seldom := func() bool { return r.IntN(8) == 0 }
	some := func() wire.Millis { return wire.Millis(r.Int64N(int64(100 * minute))) }
	f := facts{
		sealed: coin(), headersSent: seldom(), timedOut: seldom(), unsaved: seldom(), serveOn: coin(),
		now: beginning + some(), span: some() + 1, absolute: some() + 1,
		found: coin(), changed: seldom(), starts: seldom(), changes: changes{login: seldom(), renew: seldom(),
			touch: seldom()},
	}
	switch {
	case f.found:
		f.upkeep = upkeep{
			seen: f.now - some(), touchEvery: some(), renewed: f.now - some(), renewEvery: some() * wire.Millis(r.IntN(2)),
			retiredKey: f.sealed && seldom(), firstPresented: !f.sealed && seldom(),
		}
		f.idleEnd, f.absoluteEnd = f.now-some()/2+some(), f.now-some()/2+some()
		f.expired, f.switched, f.offer = f.now >= f.absoluteEnd, f.login && coin(), []string{"", "id=x"}[r.IntN(2)]
	case coin():
		f.marker, f.cookieDeletable = &record{}, coin()
	default:
		f.ending = []*ending{nil, {}}[r.IntN(2)]
	}
	if seldom() {
		f.blocked, f.found, f.ending, f.upkeep, f.marker, f.cookieDeletable = errLoad, false, nil, upkeep{}, nil, false
	}
	if seldom() {
		f.refusal = errRefused
	}
	return f
}

func askedFor(f facts) bool {
	return f.changed || f.login || f.renew || f.touch || f.ending != nil || f.starts && !f.found
}

func upkeepDue(f facts) bool {
	return f.found && f.now >= f.upkeep.dueAt() || f.cookieDeletable || f.offer != ""
}

// noted reports whether P25 asks for something: a stored session is due for a touch that gains time.
func noted(f facts) bool {
	return f.found && !f.sealed && !f.expired && !f.firstPresented && f.blocked == nil && f.now >= f.touchAt() &&
		min(f.now+f.span, f.absoluteEnd) > f.idleEnd &&
		!f.login && !f.renew // these need a header, and what keeps them from it is not the visit's fault, but they extend
}

func TestDecideKeepsItsPromisesWhateverTheFacts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[action]int{}
	for range 50_000 {
		f := randomFacts(r)
		p := decide(&f)
		seen[p.action]++
		extends := p.action == doTouch || p.action == doUpdate || p.action == doRenew
		for promise, broken := range map[string]bool{
			"a session never lives past its deadline": extends && !f.login && p.expires > f.absoluteEnd,
			"nor a new one past the absolute timeout": (p.action == doCreate || f.login && p.action == doRenew) &&
				p.expires > f.now+f.absolute,
			"a found session is never shortened": extends && !f.login && p.expires < min(f.idleEnd, f.absoluteEnd),
			"an error saves nothing, it touches or ends": p.err != nil && p.action != doNothing &&
				(p.action != doEnd || f.ending == nil) && p.action != doTouch,
			"nothing asked and nothing due means nothing": !askedFor(f) && !upkeepDue(f) && p.action != doNothing,
			"and no error": !askedFor(f) && f.blocked == nil && f.refusal == nil &&
				p.err != nil,
			"no cookie after the headers, sealed": f.headersSent && f.sealed && p.action != doNothing,
			"no cookie after the headers, stored": f.headersSent &&
				(p.action == doCreate || p.action == doRenew || p.action == doEndThenCreate || p.action == doDeleteCookie),
			"SaveOn has its way":                          f.unsaved && p.action != doNothing && !p.unasked,
			"nothing is written over what failed to load": f.blocked != nil && p.action != doNothing,
			"a refused write is never passed over":        f.refusal != nil && !f.unsaved && p.err == nil,
			"only a found session is touched or changed":  extends && !f.found,
			"what has expired is not extended":            f.expired && p.action == doTouch,
			"a touch gains time": p.action == doTouch && p.reason == ReasonTouched &&
				p.expires <= f.idleEnd,
			"Destroy ends the session or fails": f.ending != nil && f.blocked == nil && !f.unsaved &&
				p.err == nil && p.action < doEnd,
			"a login gets a token or fails": f.login && f.blocked == nil && !f.unsaved && p.err == nil &&
				p.action != doCreate && p.action != doRenew && p.action != doEndThenCreate,
			"a change of a found session is saved, or fails": f.found && f.changed && !f.unsaved && p.err == nil &&
				p.action != doUpdate && p.action != doRenew && p.action != doCreate,
			"a write with a dead token sets no cookie yet": f.marker != nil && !f.cookieDeletable && !f.login &&
				p.action != doNothing,
			"a use that is due to be noted down is": noted(f) && p.action == doNothing,
		} {
			if broken {
				t.Fatalf("%s\nfacts %+v\nplan  %+v", promise, f, p)
			}
		}
	}
	for a := doNothing; a <= doEndThenCreate; a++ {
		if seen[a] == 0 {
			t.Errorf("no random facts led to action %d, so this test does not cover it", a)
		}
	}
}

// Nobody asked for the periodic touch, renewal or new key, so not getting it must not cost the response.
func TestUpkeepNeverFailsARequest(t *testing.T) {
	change := loaded(func(f *facts) { f.timedOut, f.renewEvery, f.changed = true, 1, true })
	if p := decide(&change); p.err != nil || p.action != doUpdate {
		t.Errorf("a change past the request's deadline, with a renewal due: action %d, err %v; want it saved without "+
			"the renewal",
			p.action, p.err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		f := randomFacts(r)
		f.blocked, f.refusal = nil, nil
		if p := decide(&f); !askedFor(f) && p.err != nil {
			t.Fatalf("a request that only reads fails with %v\nfacts %+v", p.err, f)
		}
	}
}

// A request that only read is not put before decide unless something is due by the clock of the commit, which may be
// long after that of the load. Both have to agree at every instant, or an active visitor is logged out.
func TestTheFastPathAndDecideAgreeAtEveryInstant(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	quietAndLate := 0
	for range 50_000 {
		m := &Manager{store: nil, idle: wire.Millis(r.Int64N(int64(60*minute))) + 1, absolute: absolute}
		if r.IntN(2) == 0 {
			m.touchEvery = wire.Millis(r.Int64N(int64(m.idle))) + 1
		}
		m.renewEvery = wire.Millis(r.Int64N(2)) * wire.Millis(r.Int64N(int64(60*minute))+1)
		rec := record{snapshot: snapshot{seen: lastUsed - wire.Millis(r.Int64N(int64(minute)))},
			env: wire.Envelope{Kind: wire.Live, Created: beginning, Deadline: beginning + absolute,
				Renewed: lastUsed - wire.Millis(r.Int64N(int64(60*minute)))}}
		rec.expires = rec.seen + m.idleSpan(&rec.env)
		if r.IntN(8) == 0 {
			rec.env.Flags |= wire.Unpresented
		}
		st := &state{}
		st.use(m, &rec, opening{retired: r.IntN(8) == 0})
		for _, later := range []wire.Millis{0, 1, m.idle / 10, m.idle/10 + 1, m.idle,
			wire.Millis(r.Int64N(int64(2 * absolute)))} {
			now := lastUsed + later
			s := &Session{m: m, ctx: context.Background(), st: st}
			f := s.gatherFacts(st, &rec, now)
			p := decide(&f)
			if st.nothingDue(now) && p.action != doNothing {
				t.Fatalf("%v after the load the fast path does nothing and decide wants action %d\nfacts %+v", later, p.action, f)
			}
			if st.nothingDue(now) && later > 0 {
				quietAndLate++
			}
			if due := f.retiredKey || f.firstPresented || now >= f.touchAt() || now >= f.renewAt(); st.nothingDue(now) == due {
				t.Fatalf("%v after the load upkeep is due: %t, and the fast path is taken: %t\nfacts %+v",
					later, due, st.nothingDue(now), f)
			}
		}
	}
	if quietAndLate == 0 {
		t.Error("no request was quiet later than its load, so this test proves nothing")
	}
}

func TestQuiet(t *testing.T) {
	m := &Manager{idle: 30 * minute, absolute: absolute}
	loaded := func() *state {
		st := &state{}
		st.use(m, &record{snapshot: snapshot{seen: lastUsed}}, opening{})
		st.beginChanges()
		return st
	}
	if !loaded().nothingDue(lately) {
		t.Error("a request that only read is not quiet")
	}
	for name, ask := range map[string]func(*state){
		"write": func(st *state) { st.write(operation{key: "k", value: []byte("v")}, nil) },
		"login": func(st *state) { st.pending.login = true },
		"renew": func(st *state) { st.pending.renew = true }, "touch": func(st *state) { st.pending.touch = true },
		"clear":   (*state).hide,
		"destroy": (*state).destroy, "refusal": func(st *state) { st.pending.refusal = wire.ErrCorrupt },
		"a commit under way": func(st *state) { st.committing = true },
		"a cookie to set":    func(st *state) { st.cookie = "id=1" },
	} {
		st := loaded()
		if ask(st); st.nothingDue(lately) {
			t.Errorf("%s: quiet", name)
		}
	}
}
