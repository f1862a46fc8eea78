package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

const (
	// maxSubjects is how many subjects are counted apart at a time.
	maxSubjects = 10_000
	// maxClients is how many kinds of clients are. There are some dozens.
	maxClients = 1000
)

// tally counts sessions in bounded memory.
type tally struct {
	now       time.Time
	live      int
	anonymous int
	byAge     []int
	clients   frequent
	subjects  frequent
}

func newTally(now time.Time) *tally {
	return &tally{
		now: now, byAge: make([]int, len(ages)),
		clients:  frequent{most: maxClients, counts: map[string]int{}},
		subjects: frequent{most: maxSubjects, counts: map[string]int{}},
	}
}

func (t *tally) add(i *session.Info) {
	t.live++
	age := t.now.Sub(i.Created)
	for n := range ages {
		if age < ages[n].below {
			t.byAge[n]++
			break
		}
	}
	t.clients.add(i.Agent)
	if i.Subject == "" {
		t.anonymous++
		return
	}
	t.subjects.add(i.Subject)
}

// frequent finds what is most frequent among more things than it has counters for, as Misra and Gries do: when all are
// in use, each gives up one, so that a count is at most forgone too low.
type frequent struct {
	most    int
	counts  map[string]int
	forgone int
}

func (f *frequent) add(name string) {
	if _, known := f.counts[name]; known || len(f.counts) < f.most {
		f.counts[name]++
		return
	}
	f.forgone++
	for other, n := range f.counts {
		if f.counts[other] = n - 1; n == 1 {
			delete(f.counts, other)
		}
	}
}

// named is how many there are of something.
type named struct {
	Name     string `json:"name"`
	Sessions int    `json:"sessions"`
}

// top returns the n most frequent ones.
func (f *frequent) top(n int) []named {
	all := []named{}
	for name, sessions := range f.counts {
		all = append(all, named{name, sessions})
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(cmp.Compare(b.Sessions, a.Sessions), strings.Compare(a.Name, b.Name))
	})
	return all[:min(n, len(all))]
}

// counted is the result for machines.
type counted struct {
	Live      int     `json:"live"`
	Anonymous int     `json:"anonymous"`
	ByAge     []named `json:"by_age"`
	Clients   []named `json:"clients"`
	Subjects  []named `json:"subjects"`
	// TooLowBy is by how much a subject's number may be too low.
	TooLowBy int `json:"too_low_by,omitempty"`
}

func (t *tally) counted(top int) counted {
	k := counted{
		Live: t.live, Anonymous: t.anonymous, Clients: t.clients.top(max(top, 1)), Subjects: t.subjects.top(top),
		TooLowBy: t.subjects.forgone,
	}
	for i, n := range t.byAge {
		k.ByAge = append(k.ByAge, named{ages[i].name, n})
	}
	return k
}

// text is the result for people.
func (k counted) text() string {
	text := fmt.Sprintf("%s alive, %d of them anonymous\n", count(k.Live, "session"), k.Anonymous)
	if k.Live == 0 {
		return text
	}
	text += section("BY AGE", k.ByAge, "") + section("BY CLIENT", k.Clients, "not known")
	if len(k.Subjects) > 0 {
		text += section("MOST SESSIONS", k.Subjects, "")
	}
	if k.TooLowBy > 0 {
		text += fmt.Sprintf("there are so many subjects that these numbers may be too low by up to %d\n", k.TooLowBy)
	}
	return text
}

func section(title string, all []named, unknown string) string {
	rows := [][]string{{title, ""}}
	for _, n := range all {
		rows = append(rows, []string{"  " + printable(cmp.Or(n.Name, unknown)), strconv.Itoa(n.Sessions)})
	}
	return "\n" + table(rows)
}
