package shop

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	guessesOfOne  = 5                // wrong passwords in a row, for one account from one network, until it has to wait
	guessesOfAll  = 50               // wrong passwords from one network, until accounts have to wait that are new there
	firstWait     = 10 * time.Second // doubles with each wrong password after it
	longestWait   = time.Minute
	forgetGuesses = 15 * time.Minute // after the last wrong password
	maxTallies    = 20_000           // how many are remembered: about 3 MB
)

// guesses slows down who guesses passwords. Guesses are counted for an account together with the network that they come
// from, so that nobody elsewhere can make an account's owner wait. Who waits is told so at once, and what is tried
// meanwhile is not looked at and does not count. Guesses at one account from many networks are not slowed, since that
// would let them keep its owner out. Nothing here tells names that exist from others.
type guesses struct {
	now        func() time.Time
	mu         sync.Mutex
	oneEnded   *sync.Cond // a password has been checked
	young, old map[tallyID]*tally
}

// tallyID is a hash, because names are as long as a client likes.
type tallyID [sha256.Size]byte

// tally is how an account at a network, or a whole network, has done of late.
type tally struct {
	wrong    int       // passwords in a row
	checking int       // are being checked now
	last     time.Time // when the last one was wrong
	known    bool      // this account has logged in from this network
}

func newGuesses(now func() time.Time) *guesses {
	g := &guesses{now: now, young: map[tallyID]*tally{}}
	g.oneEnded = sync.NewCond(&g.mu)
	return g
}

// try checks a password, unless there is something to wait for. Then it returns at once, and tried is false. After a
// wrong password wait is what comes before the next one.
func (g *guesses) try(name, client string, check func() bool) (right, tried bool, wait time.Duration) {
	who, where, wait := g.admit(name, networkOf(client))
	if wait > 0 {
		return false, false, wait
	}
	defer func() { wait = g.note(who, where, right) }() // also when check panics
	return check(), true, 0
}

// admit waits while the passwords that are being checked could use up what is left: for as long as a check takes.
func (g *guesses) admit(name, network string) (who, where *tally, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		now := g.now()
		whoID, whereID := tallyOf(network+" "+name), tallyOf(network)
		who, where = g.find(now, whoID), g.find(now, whereID)
		if wait = waitOf(who, where, now); wait > 0 {
			return nil, nil, wait
		}
		if who.hasRoom(guessesOfOne) && (who.known || where.hasRoom(guessesOfAll)) {
			g.keep(whoID, who)
			g.keep(whereID, where)
			return who, where, 0
		}
		g.oneEnded.Wait()
	}
}

// note counts what has been checked and returns what to wait for now.
func (g *guesses) note(who, where *tally, right bool) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.oneEnded.Broadcast()
	now := g.now()
	who.checked(now, right)
	where.checked(now, right)
	if right {
		who.wrong, who.known = 0, true
		return 0
	}
	return waitOf(who, where, now)
}

func tallyOf(what string) tallyID { return sha256.Sum256([]byte(what)) }

// find returns a tally, which is new and not kept yet where there was none.
func (g *guesses) find(now time.Time, id tallyID) *tally {
	t := g.young[id]
	if t == nil {
		t = g.old[id]
	}
	if t == nil {
		return &tally{}
	}
	if now.Sub(t.last) >= forgetGuesses {
		t.wrong = 0
	}
	return t
}

// keep remembers a tally for now. The ones that have not been used for longest go when there are too many.
func (g *guesses) keep(id tallyID, t *tally) {
	if _, ok := g.young[id]; !ok && len(g.young) >= maxTallies/2 {
		g.young, g.old = map[tallyID]*tally{}, g.young
	}
	g.young[id] = t
	t.checking++
}

// checked ends what keep began.
func (t *tally) checked(now time.Time, right bool) {
	t.checking--
	if !right {
		t.wrong, t.last = t.wrong+1, now
	}
}

// waitOf is how long an account at a network has to wait. What others do there does not hold up whoever is known.
func waitOf(who, where *tally, now time.Time) time.Duration {
	wait := who.wait(now, guessesOfOne)
	if !who.known {
		wait = max(wait, where.wait(now, guessesOfAll))
	}
	return max(wait, 0)
}

// wait is how long to wait for the next password; it is over when it is not positive.
func (t *tally) wait(now time.Time, free int) time.Duration {
	if t.wrong < free {
		return 0
	}
	wait := longestWait
	if doubled := t.wrong - free; doubled < 3 {
		wait = min(firstWait<<doubled, longestWait)
	}
	return t.last.Add(wait).Sub(now)
}

// hasRoom says whether one more may be checked beside those that are: after a wait just one.
func (t *tally) hasRoom(free int) bool { return t.checking < max(1, free-t.wrong) }

// networkOf is what a client's address belongs to: one IPv4 address, or the 64 bits of IPv6 that one customer has.
func networkOf(client string) string {
	at, err := netip.ParseAddrPort(client)
	if err != nil {
		return client
	}
	if ip := at.Addr().Unmap(); ip.Is4() {
		return ip.String()
	}
	prefix, err := at.Addr().WithZone("").Prefix(64)
	if err != nil {
		return client
	}
	return prefix.String()
}
