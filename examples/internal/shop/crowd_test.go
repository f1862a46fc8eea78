package shop

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// writers is how many visitors of a crowd act at a time.
const writers = 8

// crowd is many visitors who fill their carts with numbered items, each one after another. What is in a cart can then
// be compared with the answers.
type crowd struct {
	t     *testing.T
	url   string
	limit int // how many items all of them add together

	mu       sync.Mutex
	shoppers []*shopper
	sent     int
	members  int         // whose login was answered
	answers  map[int]int // by status; 0: there was none
	stopped  bool
	all      sync.WaitGroup
}

// shopper is one of the crowd. Its fields are its writer's until the crowd has stopped.
type shopper struct {
	*visitor
	signsIn bool // logs in before anything else
	sent    int
	saved   []string // the items that were answered 200
}

// gather starts a crowd. It is stopped when the test ends.
func gather(t *testing.T, url string, limit int) *crowd {
	c := &crowd{t: t, url: url, limit: limit, answers: map[int]int{}}
	for range writers {
		c.all.Go(c.write)
	}
	t.Cleanup(func() { c.stop() })
	return c
}

// stop lets the requests in flight finish and returns how many items were sent.
func (c *crowd) stop() int {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.all.Wait()
	return c.sent
}

// write lets one shopper after another fill a cart, until the crowd stops or a request gets no answer.
func (c *crowd) write() {
	for first := true; ; first = false {
		s := c.join(first)
		if first && !c.add(s, "/login", "username=user1&password=password1") {
			return
		}
		if first {
			c.joined()
		}
		for s.sent < maxItems {
			if !c.add(s, "/cart/add", fmt.Sprintf("item=%d", s.sent)) {
				return
			}
		}
	}
}

// joined counts a login that was answered.
func (c *crowd) joined() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members++
}

// member returns one of the crowd, which has stopped, whose login was answered; nil if the machine was too slow for
// any.
func (c *crowd) member() *shopper {
	for _, s := range c.shoppers {
		if s.signsIn && s.cookie != "" {
			return s
		}
	}
	return nil
}

func (c *crowd) join(member bool) *shopper {
	s := &shopper{visitor: program(c.t, c.url), signsIn: member}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shoppers = append(c.shoppers, s)
	return s
}

// add sends a request and notes what became of it. It returns false at the end.
func (c *crowd) add(s *shopper, path, body string) (more bool) {
	if !c.mayGoOn() {
		return false
	}
	a, err := s.try(http.MethodPost, path, body, "Content-Type", "application/x-www-form-urlencoded")
	if path == "/cart/add" {
		if err == nil && a.status == http.StatusOK {
			s.saved = append(s.saved, strconv.Itoa(s.sent))
		}
		s.sent++
	}
	if err != nil {
		a.status = 0
	}
	if lines := a.header.Values("Set-Cookie"); a.status >= http.StatusInternalServerError && len(lines) > 0 {
		c.t.Errorf("an answer %d changes the cookie", a.status)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[a.status]++
	return a.status != 0
}

func (c *crowd) mayGoOn() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped || c.sent == c.limit {
		return false
	}
	c.sent++
	return true
}

// count returns how many requests were answered with each status.
func (c *crowd) count() map[int]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.answers)
}

// await returns once so many more requests have been answered with a status than in before. However slow the machine,
// there has to be one more now and then.
func (c *crowd) await(status, more int, before map[int]int) {
	c.t.Helper()
	for next := before[status] + 1; next <= before[status]+more; next = c.count()[status] + 1 {
		until(c.t, fmt.Sprintf("one more answer of %d", status), func() bool { return c.count()[status] >= next })
	}
}

// until returns once something is the case.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, poll := time.After(patience), time.NewTicker(2*time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

// awaitService returns once each of the crowd, which has stopped, is served again.
func (c *crowd) awaitService() {
	c.t.Helper()
	for _, s := range c.shoppers {
		until(c.t, "an answer 200", func() bool { return s.get("/").status == http.StatusOK })
	}
}

// check compares each cart, as a shop at url has it, with what was answered. lost is how many items that were answered
// 200 are gone.
func (c *crowd) check(url string) (lost int) {
	c.t.Helper()
	for _, s := range c.shoppers {
		if s.cookie == "" {
			continue // not one answer
		}
		s.url = url
		st := s.get("/cart").state(c.t)
		for _, item := range s.saved {
			if !slices.Contains(st.Cart, item) {
				lost++
			}
		}
		for i, item := range st.Cart {
			if n, err := strconv.Atoi(item); err != nil || n >= s.sent || slices.Contains(st.Cart[:i], item) {
				c.t.Errorf("the item %q of %d that were sent is in the cart, and should not be, or not twice", item, s.sent)
			}
		}
		if len(st.Cart) == 0 && len(s.saved) > 10 { // a newer one counts as lost items
			c.t.Errorf("a session with %d items is gone", len(s.saved))
		}
		if s.signsIn && (st.User == nil || *st.User != "user1") {
			c.t.Error("a visitor who has logged in is not")
		}
	}
	return lost
}
