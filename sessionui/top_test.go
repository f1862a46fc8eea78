package sessionui

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// Who comes more often than all divided by the counters is found, and nobody is said to come more often than he does.
func TestTop(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	top, exact := newTop(100), map[string]int{}
	for range 20_000 {
		name := fmt.Sprint("rare ", r.IntN(5000))
		if r.IntN(4) == 0 {
			name = fmt.Sprint("frequent ", r.IntN(10))
		}
		top.add(name)
		exact[name]++
	}
	if len(top.of) != 100 || len(top.heap) != 100 {
		t.Fatalf("%d names and %d counters are kept, want 100", len(top.of), len(top.heap))
	}
	for _, c := range top.heap {
		if c != top.of[c.name] || c.sure() > exact[c.name] || c.count < exact[c.name] {
			t.Errorf("%s came %d times and is said to have come %d to %d times", c.name, exact[c.name], c.sure(), c.count)
		}
	}
	found := top.first(10)
	for _, c := range found {
		if !strings.HasPrefix(c.name, "frequent") {
			t.Errorf("%s is among the first", c.name)
		}
	}
	if len(found) != 10 {
		t.Errorf("%d found", len(found))
	}
}

// With as many counters as names all is exact.
func TestTopIsExact(t *testing.T) {
	top := newTop(3)
	for _, name := range []string{"a", "b", "b", "c", "c", "c"} {
		top.add(name)
	}
	for range 4 { // which is too long to be kept
		top.add(strings.Repeat("x", longestName+1))
	}
	if got := fmt.Sprint(top.first(2)); got != "[{c 3 0 2} {b 2 0 1}]" && got != "[{c 3 0 1} {b 2 0 2}]" {
		t.Errorf("the first two are %s", got)
	}
}

// A count takes the same memory, however many sessions and names there are.
func TestATallyIsBounded(t *testing.T) {
	now := time.Now()
	y := newTally(now)
	for i := range 3 * subjectCounters {
		y.add(session.Info{Subject: fmt.Sprint("user:", i), Agent: fmt.Sprint("agent", i), Created: now.Add(time.Hour)})
	}
	if len(y.subjects.of) != subjectCounters || len(y.clients.of) != clientCounters {
		t.Errorf("%d subjects and %d clients are kept", len(y.subjects.of), len(y.clients.of))
	}
	s := y.summary()
	if s.Total != 3*subjectCounters || len(s.Subjects) != 0 || len(s.Clients) != 1 || s.Clients[0].Count != s.Total {
		t.Errorf("%+v; want others only", s)
	}
	if len(s.Ages) != 1 || s.Ages[0].Count != s.Total {
		t.Errorf("sessions from the future: %+v", s.Ages)
	}
}
