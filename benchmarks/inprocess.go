package main

import "time"

// inProcess measures requests that are served without a network.
type inProcess struct{}

func (inProcess) name() string { return "inprocess" }

func (inProcess) about() string {
	return "Each request is handed to the framework in this process, so that nothing but the framework, the handler " +
		"and the session takes time. Times are medians, the garbage collector's share included; allocations are exact."
}

func (m inProcess) cases() []string {
	var names []string
	for _, c := range cells() {
		names = append(names, m.caseOf(c))
	}
	return names
}

func (m inProcess) caseOf(c cell) string { return m.name() + "/" + c.String() }

func (m inProcess) selected(s selection) []cell {
	var list []cell
	for _, c := range cells() {
		if s.wants(m.caseOf(c)) {
			list = append(list, c)
		}
	}
	return list
}

func (inProcess) timing(s selection) timing {
	if s.quick {
		return timing{batch: 12 * time.Millisecond, rounds: 7, limit: 30 * time.Second}
	}
	return timing{batch: 100 * time.Millisecond, rounds: 21, limit: 10 * time.Minute}
}

func (m inProcess) steps(s selection) int {
	n := len(m.selected(s))
	return n + m.timing(s).steps(n)
}

func (m inProcess) run(s selection, step func()) (result, error) {
	selected := m.selected(s)
	rows, contenders := make([]row, len(selected)), make([]contender, len(selected))
	for i, c := range selected {
		v, err := c.open()
		if err != nil {
			return result{}, err
		}
		rows[i] = row{Framework: c.framework, Op: c.op, Library: c.library, Carrier: c.carrier}
		if rows[i].Allocs, rows[i].Bytes, err = allocations(v); err != nil {
			return result{}, err
		}
		contenders[i] = v
		step()
	}
	times, err := m.timing(s).interleave(contenders, step)
	if err != nil {
		return result{}, err
	}
	for i := range rows {
		rows[i].Time = times[i]
	}
	found := matrix(rows)
	plots, err := found.plots()
	return result{rows: rows, tables: append(found.tables(), found.ratios()), plots: plots,
		verdicts: found.verdicts()}, err
}

// freshFor is how long a visitor goes on with one session. It is less than the interval at which reading extends a
// session's idle clock, which is not what is measured.
const freshFor = time.Minute

// prepare begins a new session when the present one has become old, and before each batch of logins to a store in
// memory, where tokens that are no longer valid stay known for a while.
func (v *visitor) prepare() error {
	piles := v.op == "login" && v.carrier == "memory"
	if !piles && time.Since(v.since) < freshFor {
		return nil
	}
	fresh, err := v.open()
	if err == nil {
		*v = *fresh
	}
	return err
}
