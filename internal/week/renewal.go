package week

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// StoredRenewal sends pages of parallel requests when the renewal of a token is due, and loses answers at random:
// nobody is anonymous, no update is lost, and there is one cookie in the end.
func StoredRenewal(t *testing.T, build Manager) { renewals(t, false, build) }

// SealedRenewal does so with sessions that travel in the cookie, where overlapping updates may be lost.
func SealedRenewal(t *testing.T, build Manager) { renewals(t, true, build) }

// renewed is a visitor whose token is renewed over and over.
type renewed struct {
	*testing.T
	sessions *session.Manager
	sealed   bool
	now      time.Time
	updates  int

	mu     sync.Mutex
	jar    jar
	issued map[string]bool // by the answers to one page, those that got lost too
}

func renewals(t *testing.T, sealed bool, build Manager) {
	t.Helper()
	v := &renewed{T: t, sealed: sealed, now: time.Now().Truncate(time.Millisecond)}
	var err error
	v.sessions, err = build(session.Options{
		RenewAfter: 10 * time.Minute, AbsoluteTimeout: 24 * time.Hour, OnReplay: session.EndReplayed,
		StoreTimeout: time.Minute, Now: func() time.Time { return v.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	v.request("", false, func(s *session.Session) { s.Login("user:1") })
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 30 {
		v.now = v.now.Add(11 * time.Minute)
		v.page(round, random)
		v.request(v.jar.token, false, v.look) // one answer that arrives
		v.request(v.jar.token, false, v.look)
	}
}

// page sends eight requests at once, all with the token that the browser has now.
func (v *renewed) page(round int, random *rand.Rand) {
	v.Helper()
	v.issued = map[string]bool{}
	token := v.jar.token
	var all sync.WaitGroup
	for i := range 8 {
		lost := random.IntN(2) == 0 || round%5 == 0
		all.Go(func() {
			v.request(token, lost, func(s *session.Session) {
				if s.Subject() != "user:1" {
					v.Errorf("round %d: anonymous in the middle of a renewal", round)
				}
				if i%2 == 0 {
					count.Update(s, func(n int) int { return n + 1 })
				}
			})
		})
	}
	all.Wait()
	if v.updates += 4; !v.sealed && len(v.issued) != 1 {
		v.Errorf("round %d: %d new tokens, want one", round, len(v.issued))
	}
}

// look checks what is there after a page.
func (v *renewed) look(s *session.Session) {
	if s.Subject() != "user:1" || !v.sealed && count.Get(s) != v.updates {
		v.Errorf("subject %q count %d after a renewal, want user:1 and %d", s.Subject(), count.Get(s), v.updates)
	}
}

func (v *renewed) request(token string, lost bool, use func(*session.Session)) {
	v.Helper()
	x := exchange{response: http.Header{}}
	if token != "" {
		x.lines = []string{v.cookieName() + "=" + token}
	}
	var r session.Request
	if _, ok := v.sessions.Begin(v.Context(), &r, &x); !ok {
		v.Error("Begin was refused")
		return
	}
	use(r.Session())
	instead, ok := r.Commit(http.StatusOK)
	r.End()
	if !ok {
		v.Errorf("status %d %s", instead.Status, instead.Body)
	}
	v.deliver(&x, lost)
}

func (v *renewed) cookieName() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.jar.name
}

func (v *renewed) deliver(x *exchange, lost bool) {
	v.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	c := x.cookie()
	switch {
	case c == nil:
		return
	case c.MaxAge < 0:
		v.Error("the cookie is deleted")
	case v.issued != nil:
		v.issued[c.Value] = true
	}
	if !lost {
		v.jar.put(c, v.now)
	}
}
