package sessionui

import (
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// mostCounted is after how many sessions a count ends: going through them takes some 50 bytes for each.
	mostCounted = 1_000_000
	// subjectCounters and clientCounters bound what a count remembers of names.
	subjectCounters = 20_000
	clientCounters  = 1_000
	// subjectsShown and clientsShown are how many of them the page has room for.
	subjectsShown = 10
	clientsShown  = 8
)

// ages are the classes of how long ago sessions began, each below its end.
var ages = []struct {
	name string
	end  time.Duration
}{
	{"under 5 minutes ago", 5 * time.Minute},
	{"5 to 30 minutes ago", 30 * time.Minute},
	{"30 to 60 minutes ago", time.Hour},
	{"1 to 3 hours ago", 3 * time.Hour},
	{"3 to 12 hours ago", 12 * time.Hour},
	{"12 to 24 hours ago", 24 * time.Hour},
	{"1 to 7 days ago", 7 * 24 * time.Hour},
	{"7 to 30 days ago", 30 * 24 * time.Hour},
	{"over 30 days ago", 1<<63 - 1},
}

// tally is what a count has found so far. Its size does not depend on how many sessions there are.
type tally struct {
	now      time.Time // what ages are measured from
	total    int
	loggedIn int
	age      []int // for each of the ages
	unnamed  int   // whose client is not known
	clients  *top
	subjects *top
}

func newTally(now time.Time) *tally {
	return &tally{
		now: now, age: make([]int, len(ages)), clients: newTop(clientCounters), subjects: newTop(subjectCounters),
	}
}

func (t *tally) add(i session.Info) {
	t.total++
	t.age[ageOf(t.now.Sub(i.Created))]++
	if i.Agent == "" {
		t.unnamed++
	} else {
		t.clients.add(i.Agent)
	}
	if i.Subject != "" {
		t.loggedIn++
		t.subjects.add(i.Subject)
	}
}

// ageOf is the index of an age's class.
func ageOf(age time.Duration) int {
	for i := range ages {
		if age < ages[i].end {
			return i
		}
	}
	return len(ages) - 1
}

// summary is a tally as the page shows it.
type summary struct {
	Total, LoggedIn         int
	Ages, Clients, Subjects []bar
	Cut                     bool // there are more than are counted
}

// Anonymous is how many sessions are nobody's.
func (s summary) Anonymous() int { return s.Total - s.LoggedIn }

// bar is one line of a plot.
type bar struct {
	Name    string // may be anything
	Count   int
	AtLeast bool    // there may be more
	Width   float64 // in percent of the longest one
	Share   float64 // in percent of all that were counted
	Link    bool    // the name is a subject
}

func (t *tally) summary() summary {
	return summary{
		Total: t.total, LoggedIn: t.loggedIn, Cut: t.total >= mostCounted,
		Ages: t.measure(t.ageBars()), Clients: t.measure(t.clientBars()), Subjects: t.measure(t.subjectBars()),
	}
}

// ageBars leave out what is empty beyond the oldest session.
func (t *tally) ageBars() (bars []bar) {
	oldest := 0
	for i, n := range t.age {
		bars = append(bars, bar{Name: ages[i].name, Count: n})
		if n > 0 {
			oldest = i
		}
	}
	return bars[:oldest+1]
}

func (t *tally) clientBars() (bars []bar) {
	others := t.total - t.unnamed
	for _, c := range t.clients.first(clientsShown) {
		bars = append(bars, bar{Name: shown(c.name), Count: c.sure()})
		others -= c.sure()
	}
	if others > 0 {
		bars = append(bars, bar{Name: "others", Count: others})
	}
	if t.unnamed > 0 {
		bars = append(bars, bar{Name: "not noted", Count: t.unnamed})
	}
	return bars
}

func (t *tally) subjectBars() (bars []bar) {
	for _, c := range t.subjects.first(subjectsShown) {
		bars = append(bars, bar{Name: c.name, Count: c.sure(), AtLeast: c.error > 0, Link: true})
	}
	return bars
}

// measure fills in how long bars are.
func (t *tally) measure(bars []bar) []bar {
	longest := 1
	for _, b := range bars {
		longest = max(longest, b.Count)
	}
	for i := range bars {
		bars[i].Width = 100 * float64(bars[i].Count) / float64(longest)
		bars[i].Share = 100 * float64(bars[i].Count) / float64(max(t.total, 1))
	}
	return bars
}
