package main

import (
	"errors"
	"fmt"
	"time"
)

// stores measures requests whose sessions are in Redis, in a database or on a disk.
type stores struct{}

func (stores) name() string { return "stores" }

func (stores) about() string {
	return fmt.Sprintf("net/http on loopback with %d visitors as over HTTP (%d where Redis's client pipelines), and "+
		"private servers on the same machine. The throughput is compared with a handler that makes the minimal calls "+
		"itself, with the same client and settings (Redis: GET, GET and SET; SQL: SELECT, SELECT and UPDATE, prepared; "+
		"file: read, then write, sync, rename and sync the directory), by turns: the ratios are medians over the pairs "+
		"of a round.", connections, pipelinedConnections)
}

// storesOps are the operations that are measured with stores.
var storesOps = []string{"unused", "read", "write"}

func (m stores) cases() []string {
	var names []string
	for _, b := range backends {
		for _, op := range storesOps {
			names = append(names, m.caseOf(b.name, op))
		}
	}
	return names
}

func (m stores) caseOf(store, op string) string {
	return fmt.Sprintf("%s/store=%s/op=%s", m.name(), store, op)
}

func (m stores) ops(s selection, store string) (ops []string) {
	for _, op := range storesOps {
		if s.wants(m.caseOf(store, op)) {
			ops = append(ops, op)
		}
	}
	return ops
}

func (stores) timing(s selection) timing {
	if s.quick {
		return timing{batch: 50 * time.Millisecond, rounds: 5, limit: 1500 * time.Millisecond}
	}
	return timing{batch: time.Second, rounds: 15, limit: 3 * time.Minute}
}

func (m stores) steps(s selection) (n int) {
	for _, b := range backends {
		n += 2 * len(m.ops(s, b.name)) * m.timing(s).rounds
	}
	return n
}

// comparison is an operation with sessions and with a backend's own calls.
type comparison struct {
	own, raw *target
	calls    float64 // of ours per request
}

func (m stores) run(s selection, step func()) (result, error) {
	t := table{
		title: "stores", head: []string{"store, operation", "calls", "requests/s", "median", "99 % within", "raw requests/s",
			"median", "99 % within", "of raw"},
	}
	var list []comparison
	left := table{title: "left out", head: []string{"store", "reason"}}
	for _, b := range backends {
		ops := m.ops(s, b.name)
		if len(ops) == 0 {
			continue
		}
		found, err := m.measure(b.name, ops, b.open, m.timing(s), step)
		if errors.Is(err, errMissing) {
			left.lines = append(left.lines, []string{b.name, err.Error()})
			continue
		}
		if err != nil {
			return result{}, fmt.Errorf("%s: %w", b.name, err)
		}
		list = append(list, found...)
	}
	for _, c := range list {
		t.lines = append(t.lines, c.line())
	}
	found := result{tables: []table{t}, verdicts: storeVerdicts(list)}
	if len(left.lines) > 0 {
		found.tables = append(found.tables, left)
	}
	if len(list) == 0 {
		return found, nil
	}
	p, err := storesPlot(list)
	found.plots = []plot{p}
	return found, err
}

// measure compares a backend's operations.
func (stores) measure(name string, ops []string, open func(*stage) (*backend, error), t timing,
	step func()) (list []comparison, err error) {
	var s stage
	defer s.close()
	var b *backend
	var failed error
	if err := errors.Join(s.run(func() { b, failed = open(&s) }), failed); err != nil {
		return nil, err
	}
	own, closeOwn, err := b.app(name).open(ops, t.batch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeOwn()) }()
	byHand, closeRaw, err := b.raw(name).open(ops, t.batch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeRaw()) }()
	var turns []*target
	for i := range ops {
		calls, err := b.callsOf(own[i])
		if err != nil {
			return nil, err
		}
		list, turns = append(list, comparison{own[i], byHand[i], calls}), append(turns, byHand[i], own[i])
	}
	return list, t.measure(turns, step)
}

// callsOf counts what an operation asks of the store, one request after another.
func (b *backend) callsOf(t *target) (float64, error) {
	v, err := t.visit(t.site)
	if err == nil {
		err = v.serve(2) // after which connections stand and the server knows scripts
	}
	if err != nil {
		return 0, err
	}
	const times = 50
	before := b.calls.Load()
	err = v.serve(times)
	return float64(b.calls.Load()-before) / times, err
}

func (c comparison) line() []string {
	line := []string{c.own.carrier + ", " + c.own.op, fmt.Sprint(c.calls)}
	for _, t := range []*target{c.own, c.raw} {
		line = append(line, fmt.Sprintf("%.0f", t.of(outcome.rate)), duration(t.of(p50)), duration(t.of(p99)))
	}
	return append(line, fmt.Sprintf("%.2f", c.own.share(c.raw)))
}

// rawShares are how much of the throughput of pooled calls by hand sessions in Redis must reach.
var rawShares = map[string]float64{"redis": 0.9, pipelined: 1.3}

// roundTripLimits are what an operation may ask of Redis.
var roundTripLimits = map[string]float64{"unused": 0, "read": 1, "write": 2}

func storeVerdicts(list []comparison) (verdicts []verdict) {
	for _, c := range list {
		rawShare, judged := rawShares[c.own.carrier]
		if !judged || c.own.carrier == pipelined && c.own.op == "unused" {
			continue
		}
		limit, share := roundTripLimits[c.own.op], c.own.share(c.raw)
		verdicts = append(verdicts,
			verdict{c.own.carrier, fmt.Sprintf("%s: %.0f round trips", c.own.op, limit), fmt.Sprint(c.calls), c.calls <= limit},
			verdict{
				c.own.carrier, fmt.Sprintf("%s: at least %.1f of the raw throughput over HTTP", c.own.op, rawShare),
				fmt.Sprintf("%.2f", share), share >= rawShare,
			})
	}
	return verdicts
}

func storesPlot(list []comparison) (plot, error) {
	b := bars{unit: "of the raw throughput"}
	var own, byHand []float64
	for _, c := range list {
		b.groups = append(b.groups, c.own.carrier+"\n"+c.own.op)
		own, byHand = append(own, c.own.share(c.raw)), append(byHand, 1)
	}
	b.add("coatcheck", own)
	b.add("calls by hand", byHand)
	return b.plot("throughput with stores")
}
