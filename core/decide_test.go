package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
)

// The clock of these tests, in minutes: a session of 30 idle and 720 absolute minutes, created at 1000 and used
// at 1005, looked at a little later.
const (
	minute    = millis(60_000)
	beginning = 1000 * minute
	lastUsed  = 1005 * minute
	lately    = lastUsed + 1*minute
	touchTime = lastUsed + 3*minute
)

func fresh(change func(*facts)) facts {
	f := facts{now: lately, idle: 30 * minute, touchEvery: 3 * minute, deadline: lately + 720*minute}
	change(&f)
	return f
}

func loaded(change func(*facts)) facts {
	return fresh(func(f *facts) {
		f.found, f.seen, f.renewed = true, lastUsed, beginning
		f.expires, f.deadline = lastUsed+30*minute, beginning+720*minute
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
		{"there is nothing to renew or extend without a session", fresh(func(f *facts) { f.renew, f.touch = true, true }), doNothing, "", nil},
		{"a changed value is saved", loaded(func(f *facts) { f.changed, f.starts = true, true }), doUpdate, "", nil},
		{"dropping the last value keeps the session", loaded(func(f *facts) { f.changed = true }), doUpdate, "", nil},
		{"setting what is there already is no change", loaded(func(f *facts) { f.starts = true }), doNothing, "", nil},

		{"a login renews the token", loaded(func(f *facts) { f.login = true }), doRotate, ReasonRenewed, nil},
		{"an explicit renewal does", loaded(func(f *facts) { f.renew = true }), doRotate, ReasonRenewed, nil},
		{"a renewal carries the changes", loaded(func(f *facts) { f.renew, f.changed = true, true }), doRotate, ReasonRenewed, nil},
		{"an old token is renewed", loaded(func(f *facts) { f.renewEvery = 6 * minute }), doRotate, ReasonRenewed, nil},
		{"a younger one is not", loaded(func(f *facts) { f.renewEvery = 6*minute + 1 }), doNothing, "", nil},
		{"never, when RenewAfter is zero", loaded(func(f *facts) { f.renewed = 0 }), doNothing, "", nil},

		{"a touch is due once per interval", loaded(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil},
		{"and not before", loaded(func(f *facts) { f.now = touchTime - 1 }), doNothing, "", nil},
		{"an explicit touch does not wait", loaded(func(f *facts) { f.touch = true }), doTouch, ReasonTouched, nil},
		{"a touch never shortens", loaded(func(f *facts) { f.touch, f.expires = true, lately+31*minute }), doNothing, "", nil},
		{"a touch that gains nothing is none", loaded(func(f *facts) { f.touch, f.expires = true, lately+30*minute }), doNothing, "", nil},
		{"a touch at the deadline gains nothing", loaded(func(f *facts) { f.touch, f.expires = true, f.deadline }), doNothing, "", nil},
		{"a change extends too, so no touch besides", loaded(func(f *facts) { f.now, f.changed = touchTime, true }), doUpdate, "", nil},
		{"a sealed session is touched by sealing it anew", sealedIn(func(f *facts) { f.now = touchTime }), doTouch, ReasonTouched, nil},
		{"an old key's cookie is sealed anew", sealedIn(func(f *facts) { f.retiredKey = true }), doTouch, ReasonReissued, nil},

		{"a destroyed session is ended", fresh(func(f *facts) { f.ending = true }), doEnd, ReasonEnded, nil},
		{"writes after it start another", fresh(func(f *facts) { f.ending, f.starts = true, true }), doEndThenCreate, ReasonCreated, nil},
		{"so does a login after it", fresh(func(f *facts) { f.ending, f.login = true, true }), doEndThenCreate, ReasonCreated, nil},

		{"what could not be loaded is not saved over", fresh(func(f *facts) { f.failure, f.login = errLoad, true }), doNothing, "", errLoad},
		{"a reader gets the failure too", fresh(func(f *facts) { f.failure = errLoad }), doNothing, "", errLoad},
		{"unless the application serves on", fresh(func(f *facts) { f.failure, f.serveOn = errLoad, true }), doNothing, "", nil},
		{"but not past a write that was lost", fresh(func(f *facts) { f.failure, f.serveOn, f.refusal = errLoad, true, errLoad }), doNothing, "", errLoad},
		{"which SaveOn would not have saved", fresh(func(f *facts) { f.failure, f.serveOn, f.refusal, f.refused = errLoad, true, errLoad, true }), doNothing, "", nil},
		{"a refused write fails the commit whole", loaded(func(f *facts) { f.refusal, f.changed = errRefused, true }), doNothing, "", errRefused},
		{"SaveOn drops changes", loaded(func(f *facts) { f.refused, f.changed, f.login = true, true, true }), doNothing, "", nil},
		{"and refused writes with them", loaded(func(f *facts) { f.refused, f.refusal = true, errRefused }), doNothing, "", nil},
		{"and the upkeep", loaded(func(f *facts) { f.refused, f.now = true, touchTime }), doNothing, "", nil},

		{"after the headers a stored change is saved", loaded(func(f *facts) { f.headersSent, f.changed = true, true }), doUpdate, "", nil},
		{"a stored session is touched", loaded(func(f *facts) { f.headersSent, f.touch = true, true }), doTouch, ReasonTouched, nil},
		{"a stored session is ended", fresh(func(f *facts) { f.headersSent, f.ending = true, true }), doEnd, ReasonEnded, nil},
		{"a new session needs a cookie", fresh(func(f *facts) { f.headersSent, f.starts = true, true }), doNothing, "", ErrCommitted},
		{"a login needs a cookie", loaded(func(f *facts) { f.headersSent, f.login = true, true }), doNothing, "", ErrCommitted},
		{"a renewal needs a cookie", loaded(func(f *facts) { f.headersSent, f.renew = true, true }), doNothing, "", ErrCommitted},
		{"a sealed change needs a cookie", sealedIn(func(f *facts) { f.headersSent, f.changed = true, true }), doNothing, "", ErrCommitted},
		{"a sealed touch needs a cookie", sealedIn(func(f *facts) { f.headersSent, f.touch = true, true }), doNothing, "", ErrCommitted},
		{"a sealed logout needs a cookie", fresh(func(f *facts) { f.sealed, f.headersSent, f.ending = true, true, true }), doNothing, "", ErrCommitted},
		{"but a stored logout is not lost with the writes behind it", fresh(func(f *facts) { f.headersSent, f.ending, f.starts = true, true, true }), doEnd, ReasonEnded, ErrCommitted},
		{"a sealed one is", fresh(func(f *facts) { f.sealed, f.headersSent, f.ending, f.starts = true, true, true, true }), doNothing, "", ErrCommitted},
		{"a periodic renewal waits", loaded(func(f *facts) { f.headersSent, f.renewEvery = true, 1 }), doNothing, "", nil},
		{"and does not keep a change from being saved", loaded(func(f *facts) { f.headersSent, f.renewEvery, f.changed = true, 1, true }), doUpdate, "", nil},
		{"a sealed touch that nobody asked for waits", sealedIn(func(f *facts) { f.headersSent, f.now = true, touchTime }), doNothing, "", nil},
		{"so does the new key", sealedIn(func(f *facts) { f.headersSent, f.retiredKey = true, true }), doNothing, "", nil},

		{"past the request's deadline no cookie is promised", fresh(func(f *facts) { f.timedOut, f.starts = true, true }), doNothing, "", context.DeadlineExceeded},
		{"which is a failure of this side", loaded(func(f *facts) { f.timedOut, f.login = true, true }), doNothing, "", ErrUnavailable},
		{"what needs no header is saved", loaded(func(f *facts) { f.timedOut, f.changed = true, true }), doUpdate, "", nil},
		{"a logout is kept, and the login behind it is not promised", fresh(func(f *facts) { f.timedOut, f.ending, f.login = true, true, true }), doEnd, ReasonEnded, ErrUnavailable},
		{"logout wins", fresh(func(f *facts) { f.timedOut, f.ending = true, true }), doEnd, ReasonEnded, nil},

		{"what expired during the request is not touched", loaded(func(f *facts) { f.expired, f.touch = true, true }), doNothing, "", ErrEnded},
		{"nor renewed unasked", loaded(func(f *facts) { f.expired, f.renewEvery = true, 1 }), doNothing, "", nil},
		{"nor sealed anew", sealedIn(func(f *facts) { f.expired, f.retiredKey = true, true }), doNothing, "", nil},
		{"a change asks the store once more: another request may have extended it", loaded(func(f *facts) { f.expired, f.changed = true, true }), doUpdate, "", nil},
		{"a login too", loaded(func(f *facts) { f.expired, f.login = true, true }), doRotate, ReasonRenewed, nil},
		{"a sealed one has ended for sure", sealedIn(func(f *facts) { f.expired, f.changed = true, true }), doNothing, "", ErrEnded},
		{"also for a renewal", sealedIn(func(f *facts) { f.expired, f.renew = true, true }), doNothing, "", ErrEnded},
		{"a login then starts a session, and says so", sealedIn(func(f *facts) { f.expired, f.login = true, true }), doCreate, ReasonCreated, nil},
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
		want  millis
	}{
		{"idle from now", loaded(func(f *facts) { f.changed = true }), lately + 30*minute},
		{"idle from now for a new one", fresh(func(f *facts) { f.starts = true }), lately + 30*minute},
		{"never past the deadline", loaded(func(f *facts) { f.changed, f.deadline = true, lately+7 }), lately + 7},
		{"never shorter than it was", loaded(func(f *facts) { f.changed, f.expires = true, lately+90*minute }), lately + 90*minute},
		{"but the deadline has the last word", loaded(func(f *facts) { f.changed, f.expires, f.deadline = true, lately+9, lately+8 }), lately + 8},
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
	span := func() millis { return millis(r.Int64N(int64(100 * minute))) }
	f := facts{
		sealed: coin(), headersSent: seldom(), timedOut: seldom(), refused: seldom(), serveOn: coin(),
		now: beginning + span(), idle: span() + 1, touchEvery: span(), renewEvery: span() * millis(r.IntN(2)),
		found: coin(), changed: seldom(), starts: seldom(), login: seldom(), renew: seldom(), touch: seldom(),
	}
	f.deadline = f.now + span() + 1
	if f.found {
		f.seen, f.renewed, f.expires, f.deadline = f.now-span(), f.now-span(), f.now-span()/2+span(), f.now-span()/2+span()
		f.expired = f.now >= f.expires || f.now >= f.deadline
		f.retiredKey = f.sealed && seldom()
		if f.login {
			f.deadline = f.now + span() + 1
		}
	} else {
		f.ending = seldom()
	}
	if seldom() {
		f.failure, f.found, f.ending = errLoad, false, false
	}
	if seldom() {
		f.refusal = errRefused
	}
	return f
}

func askedFor(f facts) bool {
	return f.changed || f.login || f.renew || f.touch || f.ending || f.starts && !f.found
}

func upkeepDue(f facts) bool {
	extends := f.now-f.seen >= f.touchEvery && min(f.now+f.idle, f.deadline) > f.expires
	return f.found && (extends || f.retiredKey || f.renewEvery > 0 && f.now-f.renewed >= f.renewEvery)
}

func TestDecideKeepsItsPromisesWhateverTheFacts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[action]int{}
	for range 50_000 {
		f := randomFacts(r)
		p := decide(&f)
		seen[p.action]++
		keeps := p.action != doNothing && p.action != doEnd
		extends := p.action == doTouch || p.action == doUpdate || p.action == doRotate
		for promise, broken := range map[string]bool{
			"a session never lives past its deadline":     keeps && p.expires > f.deadline,
			"a found session is never shortened":          extends && p.expires < min(f.expires, f.deadline),
			"an error saves nothing, it ends at most":     p.err != nil && p.action != doNothing && (p.action != doEnd || !f.ending),
			"nothing asked and nothing due means nothing": !askedFor(f) && !upkeepDue(f) && p.action != doNothing,
			"and no error":                                   !askedFor(f) && f.failure == nil && f.refusal == nil && !upkeepDue(f) && p.err != nil,
			"no cookie after the headers, sealed":            f.headersSent && f.sealed && p.action != doNothing,
			"no cookie after the headers, stored":            f.headersSent && (p.action == doCreate || p.action == doRotate || p.action == doEndThenCreate),
			"SaveOn has its way":                             f.refused && p.action != doNothing,
			"nothing is written over what failed to load":    f.failure != nil && p.action != doNothing,
			"a refused write is never passed over":           f.refusal != nil && !f.refused && p.err == nil,
			"only a found session is touched or changed":     extends && !f.found,
			"what has expired is not extended":               f.expired && p.action == doTouch,
			"a touch gains time":                             p.action == doTouch && p.reason == ReasonTouched && p.expires <= f.expires,
			"Destroy ends the session or fails":              f.ending && f.failure == nil && !f.refused && p.err == nil && p.action < doEnd,
			"a login gets a token or fails":                  f.login && f.failure == nil && !f.refused && p.err == nil && p.action != doCreate && p.action != doRotate && p.action != doEndThenCreate,
			"a change of a found session is saved, or fails": f.found && f.changed && !f.refused && p.err == nil && p.action != doUpdate && p.action != doRotate && p.action != doCreate,
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
		t.Errorf("a change past the request's deadline, with a renewal due: action %d, err %v; want it saved without the renewal", p.action, p.err)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 50_000 {
		f := randomFacts(r)
		f.failure, f.refusal = nil, nil
		if p := decide(&f); !askedFor(f) && p.err != nil {
			t.Fatalf("a request that only reads fails with %v\nfacts %+v", p.err, f)
		}
	}
}

// A quiet request is not put before decide at all, because it would say nothing.
func TestDecideHasNothingToSayOfAQuietRequest(t *testing.T) {
	for mask := range 1 << 7 {
		on := func(bit int) bool { return mask>>bit&1 == 1 }
		f := facts{
			sealed: on(0), headersSent: on(1), timedOut: on(2), gone: on(3), superseded: on(4), found: on(5), expired: on(5) && on(6),
			now: lately, idle: 30 * minute, touchEvery: 3 * minute, renewEvery: 60 * minute,
			seen: lately - 2*minute, expires: lately + 28*minute, renewed: lately - 59*minute, deadline: lately + 720*minute,
		}
		if p := decide(&f); p.action != doNothing || p.err != nil {
			t.Errorf("%+v: action %d, %v", f, p.action, p.err)
		}
	}
}

func TestQuiet(t *testing.T) {
	m := &Manager{touchEvery: 3 * minute, renewEvery: 60 * minute}
	loaded := func(seen, renewed millis, retired bool) *state {
		h := held{kept: kept{seen: seen}, env: envelope{renewed: renewed}}
		st := &state{held: h.kept, changes: &wish{}, found: true, retired: retired}
		st.calm = !st.retired && !h.upkeepDue(m, lately)
		return st
	}
	for name, c := range map[string]struct {
		st   *state
		want bool
	}{
		"read":           {loaded(lately-2*minute, lately, false), true},
		"touch due":      {loaded(lately-3*minute, lately, false), false},
		"renewal due":    {loaded(lately, lately-60*minute, false), false},
		"old key":        {loaded(lately, lately, true), false},
		"failed to load": {&state{}, false},
	} {
		if got := c.st.quiet(); got != c.want {
			t.Errorf("%s: quiet %t, want %t", name, got, c.want)
		}
	}
	for name, ask := range map[string]func(*state){
		"write": func(st *state) { st.write(operation{key: "k", value: []byte("v")}, nil) }, "login": func(st *state) { st.changes.login = true },
		"renew": func(st *state) { st.changes.renew = true }, "touch": func(st *state) { st.changes.touch = true }, "clear": (*state).hide,
		"destroy": (*state).destroy, "refusal": func(st *state) { st.changes.refusal = errCorrupt }, "a commit under way": func(st *state) { st.committing = true },
		"a cookie to set": func(st *state) { st.cookie.action = issueTicket },
	} {
		st := loaded(lately, lately, false)
		if ask(st); st.quiet() {
			t.Errorf("%s: quiet", name)
		}
	}
}
