package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Every store does its work under load, and both sides are asked for the same.
func TestEveryStoreServes(t *testing.T) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) {
			steps := 0
			list, err := stores{}.measure(b.name, storesOps, b.open, brief, func() { steps++ })
			if errors.Is(err, errMissing) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var calls []string
			for _, c := range list {
				calls = append(calls, fmt.Sprint(c.own.op, " ", c.calls))
			}
			if got := strings.Join(calls, ", "); got != "unused 0, read 1, write 2" {
				t.Errorf("the calls are %s, want 0, 1 and 2", got)
			}
			if steps != 2*2*3 {
				t.Errorf("%d steps, want 12", steps)
			}
		})
	}
}

// The calls by hand are looked at as well: one that fails would be a low bar.
func TestRawCallsThatDoNotWorkAreAnError(t *testing.T) {
	open := func(s *stage) (*backend, error) {
		b, err := openFile(s)
		b.load = func(context.Context, string) ([]byte, error) { return nil, errors.New("gone") }
		return b, err
	}
	if _, err := (stores{}).measure("file", []string{"read"}, open, brief, func() {}); err == nil {
		t.Error("nothing can be read, and that is no error")
	}
}

// Without a server's program the program goes on, and says what it has left out.
func TestAMissingServerIsLeftOut(t *testing.T) {
	t.Setenv("CI", "")
	t.Setenv("PATH", t.TempDir())
	found, err := stores{}.run(selection{quick: true, only: regexp.MustCompile("store=redis")}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	if last := found.tables[len(found.tables)-1]; last.title != "left out" ||
		!strings.Contains(last.lines[0][1], "redis-server") {
		t.Errorf("the last table is %v", last)
	}
	if len(found.plots) != 0 || len(found.verdicts) != 0 {
		t.Error("there are plots or verdicts about nothing")
	}
}

// A floor that is missed by one round trip, or by a percent, is missed.
func TestStoreVerdicts(t *testing.T) {
	sample := func(store, op string, requests int, calls float64) comparison {
		at := func(n int) *target {
			return &target{cell: cell{app{carrier: store}, op}, samples: []outcome{{Requests: n, Elapsed: time.Second}}}
		}
		return comparison{at(requests), at(1000), calls}
	}
	list := []comparison{sample("redis", "unused", 900, 0), sample("redis", "read", 899, 1),
		sample("redis", "write", 1000, 2.02),
		sample(pipelined, "unused", 900, 0), sample(pipelined, "read", 1299, 1), sample("file", "read", 10, 9)}
	var got []string
	for _, v := range storeVerdicts(list) {
		got = append(got, v.measured+" "+v.Word())
	}
	want := "0 met, 0.90 met, 1 met, 0.90 NOT MET, 2.02 NOT MET, 1.00 met, 1 met, 1.30 NOT MET"
	if got := strings.Join(got, ", "); got != want {
		t.Errorf("the verdicts are %s", got)
	}
}
