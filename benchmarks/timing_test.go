package main

import (
	"slices"
	"testing"
	"time"
)

// machine takes its time, and notes its turns.
type machine struct {
	name  byte
	loops int
	turns *[]byte
	sink  int
}

func (m *machine) prepare() error {
	*m.turns = append(*m.turns, m.name)
	return nil
}

func (m *machine) serve(times int) error {
	for i := range times * m.loops {
		m.sink += i * m.sink
	}
	return nil
}

// Turns are what makes the figures of one run comparable.
func TestContendersTakeTurns(t *testing.T) {
	var turns []byte
	steps := 0
	list := []contender{&machine{name: 'A', loops: 1000, turns: &turns}, &machine{name: 'B', loops: 1000, turns: &turns}}
	plan := timing{batch: time.Millisecond, rounds: 3, limit: time.Hour}
	if _, err := plan.interleave(list, func() { steps++ }); err != nil {
		t.Fatal(err)
	}
	if got := string(turns[len(turns)-6:]); got != "ABABAB" {
		t.Errorf("the turns are %s, want ABABAB", got)
	}
	if steps != plan.steps(2) {
		t.Errorf("%d steps, %d announced", steps, plan.steps(2))
	}
}

// A machine that is busy with something else must not keep a quick run from ending.
func TestTheLimitLeavesRoundsOut(t *testing.T) {
	var turns []byte
	plan := timing{batch: time.Millisecond, rounds: 1000}
	if _, err := plan.interleave([]contender{&machine{loops: 1000, turns: &turns}}, func() {}); err != nil {
		t.Fatal(err)
	}
	if len(turns) > 100 {
		t.Errorf("%d batches after the limit", len(turns))
	}
}

// garbage allocates a known amount.
type garbage struct{ kept []*[64]byte }

func (g *garbage) prepare() error { return nil }

func (g *garbage) serve(times int) error {
	for range times {
		g.kept = append(g.kept[:0], new([64]byte), new([64]byte))
	}
	return nil
}

func TestAllocationsAreExact(t *testing.T) {
	count, bytes, err := allocations(&garbage{})
	if err != nil || count != 2 || bytes != 128 {
		t.Errorf("%d allocations of %d bytes, %v; want 2 of 128", count, bytes, err)
	}
}

func TestMedian(t *testing.T) {
	for want, samples := range map[float64][]float64{2: {9, 1, 2}, 3: {4, 2, 9, 1}} {
		if got := median(slices.Clone(samples)); got != want {
			t.Errorf("the median of %v is %v, want %v", samples, got, want)
		}
	}
}
