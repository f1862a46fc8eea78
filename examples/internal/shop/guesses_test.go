package shop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// clock is a time that tests move.
type clock struct{ since atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_800_000_000, c.since.Load()) }
func (c *clock) advance(d time.Duration) { c.since.Add(int64(d)) }

func newClockedGuesses() (*guesses, *clock) {
	c := &clock{}
	return newGuesses(c.now), c
}

const (
	guess    = "username=user1&password=wrong"
	rightOne = "username=user1&password=password1"
)

// Five guesses are a person who tries to remember. The sixth has to wait, also if it is right, and people are told.
func TestTheSixthGuessHasToWait(t *testing.T) {
	clocked(t, options{}, func(t *testing.T, url string, c *clock) {
		theSixthHasToWait(t, browser(t, url), program(t, url), c)
	})
}

func theSixthHasToWait(t *testing.T, person, script *visitor, clock *clock) {
	const told = "Please wait 10 seconds before you try again."
	for range guessesOfOne - 1 {
		if a := script.post("/login", guess).has(t, http.StatusUnauthorized, "is wrong."); a.header.Get("Retry-After") != "" {
			t.Error("who may try again at once is told to wait")
		}
	}
	a := person.post("/login", guess+"&next=/cart").has(t, http.StatusUnauthorized,
		"User name or password is wrong. "+told)
	a.retryAfter(t, "10")
	for range 3 { // what is tried too early makes nothing worse
		a = person.post("/login", rightOne+"&next=/cart").has(t, http.StatusTooManyRequests,
			"Too many wrong passwords in a row. "+told, `role="alert"`, `value="user1"`, `name="next" value="/cart"`)
		a.retryAfter(t, "10")
		script.post("/login", rightOne).has(t, http.StatusTooManyRequests,
			`{"error":"Too many wrong passwords in a row. `+told).retryAfter(t, "10")
	}
	person.post("/login", rightOne, "Accept-Language", "ja").has(t, http.StatusTooManyRequests, "10秒")
	if person.cookie != "" || script.cookie != "" {
		t.Error("a guess gets a cookie")
	}
	clock.advance(9001 * time.Millisecond)
	person.post("/login", rightOne).has(t, http.StatusTooManyRequests, "Please wait 1 second before").retryAfter(t, "1")
	clock.advance(999 * time.Millisecond)
	person.post("/login", guess).has(t, http.StatusUnauthorized, "Please wait 20 seconds")
	clock.advance(20 * time.Second)
	person.post("/login", rightOne+"&next=/profile").leadsTo(t, "/profile")
	for range guessesOfOne - 1 {
		script.post("/login", guess).has(t, http.StatusUnauthorized)
	}
	script.post("/login", rightOne).has(t, http.StatusOK)
}

func (a answer) retryAfter(t *testing.T, want string) {
	t.Helper()
	if got := a.header.Get("Retry-After"); got != want {
		t.Errorf("Retry-After %q, want %q", got, want)
	}
}

// Whoever guesses must not be able to keep the owner out, and a header must not make somebody another client.
func TestGuessesElsewhereDoNotKeepTheOwnerOut(t *testing.T) {
	on(t, options{store: "memory"}, func(t *testing.T, url string) {
		owner, attacker := program(t, url), program(t, url)
		attacker.from(t, "127.0.0.2")
		for i := range guessesOfOne {
			attacker.post("/login", guess, "X-Forwarded-For", fmt.Sprint("192.0.2.", i)).has(t, http.StatusUnauthorized)
		}
		attacker.post("/login", guess, "X-Forwarded-For", "192.0.2.9", "X-Real-Ip", "192.0.2.9").
			has(t, http.StatusTooManyRequests)
		owner.post("/login", rightOne).has(t, http.StatusOK)
		attacker.post("/login", rightOne).has(t, http.StatusTooManyRequests)
	})
}

// from lets a visitor's connections come from another address of this machine.
func (v *visitor) from(t *testing.T, ip string) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	if l, err := net.Listen("tcp", ip+":0"); err != nil {
		t.Skip("this machine has no ", ip)
	} else {
		_ = l.Close()
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, addr)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{Timeout: patience, Transport: transport, CheckRedirect: client.CheckRedirect}
}

func wrong() bool { return false }
func right() bool { return true }

func TestWaits(t *testing.T) {
	g, clock := newClockedGuesses()
	fail := func(client string, want time.Duration) {
		t.Helper()
		if _, tried, wait := g.try("user1", client, wrong); !tried || wait != want {
			t.Errorf("tried %t, wait %v, want %v", tried, wait, want)
		}
		clock.advance(want)
	}
	for range guessesOfOne - 1 {
		fail("192.0.2.1:1", 0)
	}
	for _, seconds := range []int{10, 20, 40, 60, 60, 60} {
		fail("192.0.2.1:2", time.Duration(seconds)*time.Second)
	}
	clock.advance(forgetGuesses)
	fail("192.0.2.1:3", 0)
	for range guessesOfOne - 1 {
		fail("[2001:db8::1]:1", 0)
	}
	fail("[2001:db8::ffff]:1", 10*time.Second)
	fail("[2001:db8:0:1::1]:1", 0)
	if _, tried, _ := g.try("user2", "[2001:db8::1]:1", right); !tried {
		t.Error("the wait of one account is another's too")
	}
}

// Guessing one password for many names is slowed too, but not for those who are at home at that address.
func TestGuessesForManyNames(t *testing.T) {
	g, clock := newClockedGuesses()
	const office = "192.0.2.1:1"
	g.try("user1", office, right)
	for i := range guessesOfAll {
		if _, tried, _ := g.try(fmt.Sprint("name", i), office, wrong); !tried {
			t.Fatalf("guess %d has to wait", i+1)
		}
	}
	if _, tried, wait := g.try("another", office, right); tried || wait != firstWait {
		t.Errorf("tried %t, wait %v, want %v", tried, wait, firstWait)
	}
	if ok, _, _ := g.try("user1", office, right); !ok {
		t.Error("who has logged in here before has to wait for others")
	}
	clock.advance(firstWait)
	if ok, _, _ := g.try("another", office, right); !ok {
		t.Error("the wait does not end")
	}
}

// Guesses at the same time are no way around the limit, and logins at the same time do not run into it.
func TestGuessesAtOnce(t *testing.T) {
	for name, is := range map[string]bool{"wrong": false, "right": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const attempts = 100
				g := newGuesses(time.Now)
				var all sync.WaitGroup
				var checked, atOnce atomic.Int32
				for range attempts {
					all.Go(func() {
						g.try("user1", "192.0.2.1:1", func() bool {
							checked.Add(1)
							if now := atOnce.Add(1); now > guessesOfOne {
								t.Errorf("%d checks at a time", now)
							}
							time.Sleep(time.Second) // of the bubble's clock
							atOnce.Add(-1)
							return is
						})
					})
				}
				all.Wait()
				if want := map[bool]int32{false: guessesOfOne, true: attempts}[is]; checked.Load() != want {
					t.Errorf("%d checked, want %d", checked.Load(), want)
				}
			})
		})
	}
}

// What an attacker sends must not fill the memory, nor push out what is remembered of others at no cost.
func TestGuessesTakeLittleRoom(t *testing.T) {
	g, _ := newClockedGuesses()
	long := strings.Repeat("x", 1000)
	for i := range 3 * maxTallies {
		g.try(fmt.Sprint(long, i), fmt.Sprintf("10.%d.%d.%d:1", i>>16, i>>8&255, i&255), wrong)
	}
	if n := len(g.young) + len(g.old); n > maxTallies {
		t.Errorf("%d tallies, want at most %d", n, maxTallies)
	}
	before := len(g.young)
	for i := range guessesOfAll + 100 {
		g.try(fmt.Sprint(i), "192.0.2.1:1", wrong)
	}
	if n := len(g.young) - before; n > guessesOfAll+1 {
		t.Errorf("%d new tallies for guesses that were refused, want %d", n, guessesOfAll+1)
	}
}

// A check that panics is over too.
func TestGuessThatPanics(t *testing.T) {
	g, _ := newClockedGuesses()
	for range guessesOfOne {
		func() {
			defer func() { _ = recover() }()
			g.try("user1", "192.0.2.1:1", func() bool { panic("check") })
		}()
	}
	if _, tried, wait := g.try("user1", "192.0.2.1:1", right); tried || wait != firstWait {
		t.Errorf("tried %t, wait %v", tried, wait)
	}
}
