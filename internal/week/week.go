// Package week plays a week of one visitor: a browser with a jar, a clock that jumps, pages of parallel requests, slow
// requests, answers that get lost, nights and restarts of the browser. A small model beside it says after each step
// what the visitor has to see. It is for the tests of stores and sealers.
package week

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/soak"
)

const (
	idle     = 30 * time.Minute
	touch    = idle / 10 // the default
	absolute = 12 * time.Hour
	grace    = time.Minute     // the default of RenewGrace
	marker   = 5 * time.Minute // how long requests in flight are led from a dead token to what has become of it

	count session.Key[int] = "count"
	theme session.Key[int] = "theme"
)

// kinds is how many weeks make one of each kind of manager: how often tokens are renewed, whether the cookie outlives
// the browser, and whether a replayed token ends the session.
const kinds = 8

// Seeds are for a week of each kind, or for many.
func Seeds() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for seed := range soak.Size[uint64](kinds, 100*kinds) {
			if !yield(seed) {
				return
			}
		}
	}
}

// Manager makes the manager under test with the given options.
type Manager func(session.Options) (*session.Manager, error)

// Stored plays the week of a seed on a manager that keeps its sessions in a store.
func Stored(t *testing.T, seed uint64, build Manager) { play(t, seed, false, build) }

// Sealed plays the week of a seed on a manager whose sessions travel in the cookie.
func Sealed(t *testing.T, seed uint64, build Manager) { play(t, seed, true, build) }

// week is one at work.
type week struct {
	*testing.T
	random     *rand.Rand
	sessions   *session.Manager
	sealed     bool
	renewAfter time.Duration
	persistent bool
	setting    string

	now      time.Time
	jar      jar
	tickets  map[string]*ticket // by token
	lives    int
	sent     int // requests
	inFlight []*request
	diary    []string
}

func play(t *testing.T, seed uint64, sealed bool, build Manager) {
	t.Helper()
	w := &week{T: t, random: rand.New(rand.NewPCG(seed, 7)), sealed: sealed, tickets: map[string]*ticket{}}
	w.now = time.Now().Truncate(time.Millisecond)
	w.renewAfter = [4]time.Duration{0, 10 * time.Minute, time.Hour, 3 * time.Minute}[seed%4]
	w.persistent = seed/4%2 == 1
	o := session.Options{
		IdleTimeout: idle, AbsoluteTimeout: absolute, RenewAfter: w.renewAfter, StoreTimeout: time.Minute,
		Cookie: session.Cookie{Persistent: w.persistent}, Now: func() time.Time { return w.now },
		OnEvent: func(_ context.Context, e session.Event) {
			w.note("  event %s, life's handle %s, error %v", e.Reason, e.Handle, e.Err)
		},
	}
	if seed%2 == 1 {
		o.OnReplay = session.EndReplayed
	}
	w.setting = fmt.Sprintf("seed %d, RenewAfter %v, Persistent %t, sealed %t", seed, w.renewAfter, w.persistent, sealed)
	var err error
	if w.sessions, err = build(o); err != nil {
		t.Fatal(err)
	}
	for range 7 {
		w.day()
	}
	w.flush()
}

// note writes into the diary, whose end is shown when the week fails.
func (w *week) note(format string, args ...any) {
	w.diary = append(w.diary, w.now.Format("Mon 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func (w *week) fail(format string, args ...any) {
	w.Helper()
	w.note(format, args...)
	w.Fatalf("%s: %s\n%s", w.setting, fmt.Sprintf(format, args...), strings.Join(w.diary[max(0, len(w.diary)-60):], "\n"))
}

func (w *week) chance(percent int) bool { return w.random.IntN(100) < percent }

// between returns a time of at least low and less than high, in whole milliseconds.
func (w *week) between(low, high time.Duration) time.Duration {
	return (low + time.Duration(w.random.Int64N(int64(high-low)))).Truncate(time.Millisecond)
}
