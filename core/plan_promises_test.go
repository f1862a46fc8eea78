package session

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// randomFacts are facts as a request can bring them about.
func randomFacts(r *rand.Rand) facts {
	coin := func() bool { return r.IntN(2) == 0 }
	seldom := func() bool { return r.IntN(8) == 0 }
	some := func() wire.Millis { return wire.Millis(r.Int64N(int64(100 * minute))) }
	f := facts{
		sealed: coin(), headersSent: seldom(), timedOut: seldom(), unsaved: seldom(), serveOn: coin(),
		now:   beginning + some(),
		found: coin(), changed: seldom(), starts: seldom(), changes: changes{login: seldom(), renew: seldom(),
			touch: seldom()},
	}
	switch {
	case f.found:
		f.upkeep = upkeep{
			seen: f.now - some(), touchEvery: some(), renewed: f.now - some(), renewEvery: some() * wire.Millis(r.IntN(2)),
			retiredKey: f.sealed && seldom(), firstPresented: !f.sealed && seldom(), owesCookie: !f.sealed && seldom(),
		}
		f.idleEnd, f.absoluteEnd = f.now-some()/2+some(), f.now-some()/2+some()
		f.usedEnd = min(max(f.now+some(), f.idleEnd), f.absoluteEnd)
		f.changesCookie = f.changed && !f.sealed && seldom()
		f.expired, f.switched, f.offer = f.now >= f.absoluteEnd, f.login && coin(), []string{"", "id=x"}[r.IntN(2)]
	case coin():
		f.marker, f.cookieDeletable, f.otherClient = &record{}, coin(), seldom()
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
	return f.found && !f.sealed && !f.expired && f.blocked == nil && f.now >= f.touchAt() && f.usedEnd > f.idleEnd &&
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
			"an error saves nothing, it touches or ends": p.err != nil && p.action != doNothing &&
				(p.action != doEnd || f.ending == nil) && p.action != doTouch,
			"nothing asked and nothing due means nothing": !askedFor(f) && !upkeepDue(f) && p.action != doNothing,
			"and no error": !askedFor(f) && f.blocked == nil && f.refusal == nil &&
				p.err != nil,
			"no cookie after the headers, sealed": f.headersSent && f.sealed && p.action != doNothing,
			"nor one with other attributes":       f.headersSent && f.changesCookie && p.action == doUpdate && !p.unasked,
			"no cookie after the headers, stored": f.headersSent &&
				(p.action == doCreate || p.action == doRenew || p.action == doEndThenCreate || p.action == doDeleteCookie ||
					p.action == doUpdate && f.changesCookie),
			"SaveOn has its way":                          f.unsaved && p.action != doNothing && !p.unasked,
			"nothing is written over what failed to load": f.blocked != nil && p.action != doNothing,
			"a refused write is never passed over":        f.refusal != nil && !f.unsaved && p.err == nil,
			"only a found session is touched or changed":  extends && !f.found,
			"what has expired is not extended":            f.expired && p.action == doTouch,
			"a touch gains time": p.action == doTouch && p.reason == ReasonTouched &&
				f.usedEnd <= f.idleEnd,
			"Destroy ends the session or fails": f.ending != nil && f.blocked == nil && !f.unsaved &&
				p.err == nil && p.action < doEnd,
			"a login gets a token or fails": f.login && f.blocked == nil && !f.unsaved && p.err == nil &&
				p.action != doCreate && p.action != doRenew && p.action != doEndThenCreate,
			"a change of a found session is saved, or fails": f.found && f.changed && !f.unsaved && p.err == nil &&
				p.action != doUpdate && p.action != doRenew && p.action != doCreate,
			"a write with a dead token sets no cookie yet": f.marker != nil && !f.cookieDeletable && !f.login &&
				p.action != doNothing,
			"nor with one that is refused to this client": f.otherClient && f.blocked == nil && !f.login &&
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
		m := &Manager{store: nil, idle: wire.Millis(r.Int64N(int64(60*minute))) + 1, absolute: absolute,
			maxLifetime: absolute, basis: LastUse}
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
		if r.IntN(8) == 0 {
			rec.env.SetLifetime(wire.Lifetime{Idle: m.idle / 2, Basis: byte(r.IntN(3))})
			rec.env.OweCookie(r.IntN(2) == 0)
		}
		st := &state{}
		st.adopt(m, &rec, opening{retiredKey: r.IntN(8) == 0})
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
			due := f.retiredKey || f.firstPresented || f.owesCookie || now >= f.touchAt() || now >= f.renewAt()
			if st.nothingDue(now) == due {
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
	m := &Manager{idle: 30 * minute, absolute: absolute, maxLifetime: absolute, basis: LastUse}
	loaded := func() *state {
		st := &state{}
		st.adopt(m, &record{snapshot: snapshot{seen: lastUsed}}, opening{})
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
