package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// overHTTP measures requests that come over a network.
type overHTTP struct{}

func (overHTTP) name() string { return "http" }

func (overHTTP) about() string {
	return fmt.Sprintf("The same pages over HTTP on loopback: %d visitors in a process of their own, each with a "+
		"connection that is kept and a session, ask for one page after the other and check every answer. They share the "+
		"machine's processors with the server. Medians over interleaved rounds.", connections)
}

// overHTTPOps are the operations that are measured over a network.
var overHTTPOps = []string{"read", "write"}

// apps leave the sealed cookies out, which a network does not change.
func (overHTTP) apps() []app {
	return slices.DeleteFunc(apps(), func(a app) bool { return a.library == ours && a.carrier != "memory" })
}

func (m overHTTP) cases() []string {
	var names []string
	for _, a := range m.apps() {
		for _, op := range overHTTPOps {
			names = append(names, m.caseOf(cell{a, op}))
		}
	}
	return names
}

func (m overHTTP) caseOf(c cell) string { return m.name() + "/" + c.String() }

func (m overHTTP) ops(s selection, a app) []string {
	return slices.DeleteFunc(slices.Clone(overHTTPOps), func(op string) bool { return !s.wants(m.caseOf(cell{a, op})) })
}

func (overHTTP) timing(s selection) timing {
	if s.quick {
		return timing{batch: 50 * time.Millisecond, rounds: 3, limit: 7 * time.Second}
	}
	return timing{batch: time.Second / 2, rounds: 9, limit: 5 * time.Minute}
}

func (m overHTTP) steps(s selection) (n int) {
	for _, a := range m.apps() {
		n += len(m.ops(s, a))
	}
	return n * m.timing(s).rounds
}

func (m overHTTP) run(s selection, step func()) (found result, err error) {
	var targets []*target
	for _, a := range m.apps() {
		ops := m.ops(s, a)
		if len(ops) == 0 {
			continue
		}
		list, closes, err := a.open(ops, m.timing(s).batch)
		if err != nil {
			return found, err
		}
		defer func() { err = errors.Join(err, closes()) }()
		targets = append(targets, list...)
	}
	if err := m.timing(s).measure(targets, step); err != nil {
		return found, err
	}
	for _, op := range overHTTPOps {
		list := slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.op != op })
		if len(list) == 0 {
			continue
		}
		found.tables = append(found.tables, httpTable(op, list))
		p, err := httpPlot(op, list)
		if err != nil {
			return found, err
		}
		found.plots = append(found.plots, p)
	}
	return found, nil
}

// measure starts the visitors for the targets.
func (t timing) measure(targets []*target, step func()) (err error) {
	o, err := visitorsOutside()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	return t.sampleAll(o, targets, step)
}

func httpTable(op string, list []*target) table {
	t := table{
		title: op + " over HTTP", head: []string{"framework, library, carrier", "requests/s", "of the bare framework's",
			"median", "99 % within"},
	}
	for _, x := range list {
		share := ""
		if bare := bareOf(list, x.framework); bare != nil {
			share = fmt.Sprintf("%.2f", x.share(bare))
		}
		t.lines = append(t.lines, []string{
			x.framework + ", " + x.library + ", " + x.carrier, fmt.Sprintf("%.0f", x.of(outcome.rate)), share,
			duration(x.of(p50)), duration(x.of(p99)),
		})
	}
	return t
}

func bareOf(list []*target, framework string) *target {
	if i := slices.IndexFunc(list, func(t *target) bool { return t.framework == framework && t.bare() }); i >= 0 {
		return list[i]
	}
	return nil
}

// httpPlot shows of each framework's incumbents the one with the highest throughput.
func httpPlot(op string, list []*target) (plot, error) {
	b := bars{unit: "thousand requests/s"}
	for _, t := range list {
		if !slices.Contains(b.groups, t.framework) {
			b.groups = append(b.groups, t.framework)
		}
	}
	for _, series := range []struct {
		name string
		fits func(*target) bool
	}{
		{"coatcheck, memory", func(t *target) bool { return t.library == ours }},
		{"bare framework", func(t *target) bool { return t.bare() }},
		{"fastest incumbent", func(t *target) bool { return t.library != ours && !t.bare() }},
	} {
		values := make([]float64, len(b.groups))
		for i, framework := range b.groups {
			fitting := slices.DeleteFunc(slices.Clone(list), func(t *target) bool {
				return t.framework != framework || !series.fits(t)
			})
			if len(fitting) > 0 {
				best := slices.MaxFunc(fitting, func(a, b *target) int {
					return cmp.Compare(a.of(outcome.rate), b.of(outcome.rate))
				})
				values[i] = best.of(outcome.rate) / 1000
			}
		}
		b.add(series.name, values)
	}
	return b.plot(op + " over HTTP")
}

func duration(ns float64) string {
	if ns < 995_000 {
		return fmt.Sprintf("%.0f µs", ns/1000)
	}
	return fmt.Sprintf("%.2f ms", ns/1e6)
}
