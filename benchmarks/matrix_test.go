package main

import (
	"strings"
	"testing"
)

// sample is a matrix with a bare framework that takes 100 ns, and of every other operation what is said.
func sample(framework string) matrix {
	var m matrix
	add := func(op, library, carrier string, ns float64, allocs uint64) {
		m = append(m, row{Framework: framework, Op: op, Library: library, Carrier: carrier, Time: ns, Allocs: allocs})
	}
	for _, op := range []string{"unused", "read", "write"} {
		add(op, "none", "none", 100, 2)
	}
	add("unused", ours, "memory", 150, 5)
	add("read", ours, "memory", 1100, 11)
	add("read", ours, "securecookie", 3100, 20)
	add("read", "quick", "memory", 20_100, 200)
	add("read", "slow", "memory", 50_100, 200)
	add("read", "crypt", "securecookie", 17_100, 200)
	add("write", ours, "memory", 2100, 10)
	add("write", "quick", "memory", 20_100, 200)
	return m
}

// The floors are about the time over the bare framework and the fastest incumbent: taking the sum, or another one,
// would flatter.
func TestVerdicts(t *testing.T) {
	for framework, want := range map[string]string{
		"gin": "read, memory 17.0 times (crypt, securecookie) NOT MET; write, memory 10.0 times (quick, memory) NOT MET; " +
			"read, securecookie 5.7 times (crypt, securecookie) NOT MET; unused 0.3 % met; unused 3 met; read 9 NOT MET; " +
			"write 8 met",
		"fiber": "read, memory 17.0 times (crypt, securecookie) met; write, memory 10.0 times (quick, memory) met; " +
			"unused 0.3 % met; unused 3 met; read 9 NOT MET; write 8 met",
	} {
		var got []string
		for _, v := range sample(framework).verdicts() {
			subject, _, _ := strings.Cut(v.floor, ":")
			got = append(got, subject+" "+v.measured+" "+v.Word())
		}
		if got := strings.Join(got, "; "); got != want {
			t.Errorf("%s:\n%s, want\n%s", framework, got, want)
		}
	}
}

// What was not measured is left out, and not shown as zero.
func TestAMatrixWithGapsHasNoVerdicts(t *testing.T) {
	for _, m := range []matrix{nil, sample("gin")[:3], sample("gin")[3:]} {
		if v := m.verdicts(); len(v) != 0 {
			t.Errorf("verdicts about nothing: %v", v)
		}
	}
}
