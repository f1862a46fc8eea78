package main

import (
	"strings"
	"testing"
	"time"
)

// Every session that a request may ask for is there, and holds what is measured.
func TestEveryLiveSessionServes(t *testing.T) {
	for _, f := range []fill{nil, keys(10), padded(1000)} {
		l, each, err := f.open(50)
		if err != nil {
			t.Fatal(err)
		}
		if each <= 0 {
			t.Errorf("a session takes %.0f bytes", each)
		}
		if len(l.cookies) != 50 || l.cookies[0] == l.cookies[49] {
			t.Errorf("%d cookies, the first %q and the last %q", len(l.cookies), l.cookies[0], l.cookies[49])
		}
		for _, op := range []string{"read", "write"} {
			if _, err := l.serve(op, 200); err != nil {
				t.Error(err)
			}
		}
		l.cookies = []string{strangers}
		if _, err := l.serve("read", 1); err == nil {
			t.Error("without the session's cookie it passes for done")
		}
	}
}

// The sizes are what they are said to be: a hundred keys are more than one.
func TestASizeChangesTheSession(t *testing.T) {
	leastPayload, least := 0, 0.0
	for _, f := range []fill{keys(1), keys(100), padded(10_000)} {
		_, each, err := f.open(100)
		if err != nil {
			t.Fatal(err)
		}
		payload, err := f.payload()
		if err != nil {
			t.Fatal(err)
		}
		if (each < least+500 || payload < leastPayload+500) && least > 0 || each < float64(payload) {
			t.Errorf("a session takes %.0f bytes for %d of payload, and a smaller one %.0f for %d", each, payload, least,
				leastPayload)
		}
		leastPayload, least = payload, each
	}
}

// A curve that rises, and a session that is too big, are told.
func TestFlatness(t *testing.T) {
	at := func(size int, read, write, memory float64) *point {
		return &point{size: size, payload: 25, read: []float64{read}, write: []float64{write}, memory: []float64{memory},
			mapRead: []float64{10}, mapWrite: []float64{20}}
	}
	var got []string
	for _, v := range flatness([]*point{at(1000, 100, 100, 0), at(10_000, 900, 900, 900), at(100_000, 200, 201, 275)}) {
		got = append(got, v.measured+" "+v.Word())
	}
	want := "2.00 times, +100 ns (a plain map: 1.00 times, +0 ns) met; 2.01 times, +101 ns (a plain map: 1.00 times, " +
		"+0 ns) NOT MET; the payload of 25 and 250 bytes met"
	if got := strings.Join(got, "; "); got != want {
		t.Errorf("the verdicts are\n%s, want\n%s", got, want)
	}
}

// What is announced is what is done, and a sweep that leaves something behind is an error.
func TestSweepingSteps(t *testing.T) {
	steps := 0
	table, err := sweeping(2500, 2, func() { steps++ })
	if err != nil || steps != 2 || len(table.lines) != 1 {
		t.Errorf("%d steps, %v, %v", steps, table, err)
	}
	a := axis{"bytes", "bytes", []int{100}, func(int) int { return 10 }, padded}
	points, err := a.measure(2, time.Minute, func() { steps++ })
	if err != nil || steps != 4 {
		t.Fatalf("%d steps, %v", steps, err)
	}
	var found result
	if err := a.show(&found, points); err != nil || len(found.plots) != 1 || len(found.verdicts) != 0 {
		t.Errorf("%d plots, %d verdicts, %v", len(found.plots), len(found.verdicts), err)
	}
}
