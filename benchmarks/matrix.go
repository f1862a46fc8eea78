package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// matrix is what the in-process measurement has found out, and what follows from it.
type matrix []row

// over is a row's cost over that of the bare framework.
type over struct {
	row
	time   float64 // nanoseconds
	allocs int
	bytes  int
}

// over returns the rows of a framework and an operation that fit, without the bare framework's.
func (m matrix) over(framework, op string, fits func(row) bool) []over {
	bare := slices.IndexFunc(m, func(r row) bool { return r.Framework == framework && r.Op == op && r.Library == "none" })
	if bare < 0 {
		return nil
	}
	var list []over
	for _, r := range m {
		if r.Framework == framework && r.Op == op && r.Library != "none" && fits(r) {
			list = append(list, over{r, r.Time - m[bare].Time, int(r.Allocs) - int(m[bare].Allocs),
				int(r.Bytes) - int(m[bare].Bytes)})
		}
	}
	return list
}

func (m matrix) frameworks() []string { return m.distinct(func(r row) string { return r.Framework }) }

func (m matrix) distinct(field func(row) string) (names []string) {
	for _, r := range m {
		if name := field(r); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// fastest returns the cost of the cheapest of the peers that fit.
func (m matrix) fastest(framework, op string, fits func(row) bool) (over, bool) {
	peers := m.over(framework, op, func(r row) bool { return r.Library != ours && fits(r) })
	if len(peers) == 0 {
		return over{}, false
	}
	return slices.MinFunc(peers, func(a, b over) int { return cmp.Compare(a.time, b.time) }), true
}

func whichever(row) bool { return true }
func sealed(r row) bool  { return r.Carrier == "securecookie" }

// tables are one for each framework: what an operation costs over the bare framework.
func (m matrix) tables() []table {
	var list []table
	for _, framework := range m.frameworks() {
		list = append(list, m.table(framework))
	}
	return list
}

func (m matrix) table(framework string) table {
	t := table{title: framework + ": over the bare framework", head: []string{"library, carrier"}}
	names := m.distinct(func(r row) string { return r.Library + ", " + r.Carrier })
	for _, name := range names {
		line, filled := []string{name}, false
		for _, op := range operations {
			figures := []string{"", "", ""}
			for _, o := range m.over(framework, op, func(r row) bool { return r.Library+", "+r.Carrier == name }) {
				figures, filled = []string{nanoseconds(o.time), strconv.Itoa(o.allocs), strconv.Itoa(o.bytes)}, true
			}
			line = append(line, figures...)
		}
		if filled {
			t.lines = append(t.lines, line)
		}
	}
	for _, op := range operations {
		t.head = append(t.head, op, "allocs", "bytes")
	}
	return t
}

// ratios is a table of how many times as much as ours each framework's fastest incumbents cost.
func (m matrix) ratios() table {
	t := table{
		title: "times cheaper than the fastest incumbent, time over the bare framework", head: []string{"framework, carrier"},
	}
	compared := []string{"read", "write", "login"}
	t.head = append(t.head, compared...)
	for _, framework := range m.frameworks() {
		for _, carrier := range m.distinct(func(r row) string { return r.Carrier }) {
			line, filled := []string{framework + ", " + carrier}, false
			for _, op := range compared {
				figure := ""
				if ratio, against, ok := m.ratio(framework, op, carrier); ok {
					figure, filled = fmt.Sprintf("%.1f (%s, %s)", ratio, against.Library, against.Carrier), true
				}
				line = append(line, figure)
			}
			if filled {
				t.lines = append(t.lines, line)
			}
		}
	}
	return t
}

// ratio is how many times as much as ours with a carrier an incumbent costs. A sealed cookie of the same kind is
// compared with the fastest that seals its cookie; the other carriers with the fastest of all.
func (m matrix) ratio(framework, op, carrier string) (ratio float64, against over, ok bool) {
	own := m.over(framework, op, func(r row) bool { return r.Library == ours && r.Carrier == carrier })
	peers := whichever
	if carrier == "securecookie" {
		peers = sealed
	}
	against, ok = m.fastest(framework, op, peers)
	if !ok || len(own) == 0 {
		return 0, against, false
	}
	return against.time / own[0].time, against, true
}

// plots are one for each operation, the frameworks side by side.
func (m matrix) plots() ([]plot, error) {
	var list []plot
	for _, op := range m.distinct(func(r row) string { return r.Op }) {
		b := bars{unit: "µs over the bare framework", groups: m.frameworks()}
		for _, s := range []struct {
			name string
			fits func(row) bool
		}{
			{"coatcheck, memory", func(r row) bool { return r.Library == ours && r.Carrier == "memory" }},
			{"coatcheck, aead", func(r row) bool { return r.Library == ours && r.Carrier == "aead" }},
			{"coatcheck, securecookie", func(r row) bool { return r.Library == ours && sealed(r) }},
			{"incumbent, memory", func(r row) bool { return r.Library != ours && r.Carrier == "memory" }},
			{"incumbent, securecookie", func(r row) bool { return r.Library != ours && sealed(r) }},
		} {
			values := make([]float64, len(b.groups))
			for i, framework := range b.groups {
				for _, o := range m.over(framework, op, s.fits) {
					values[i] = max(0, o.time/1000)
				}
			}
			b.add(s.name, values)
		}
		p, err := b.plot(op)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func nanoseconds(ns float64) string {
	if math.Abs(ns) < 995 {
		return fmt.Sprintf("%.0f ns", ns)
	}
	return fmt.Sprintf("%.2f µs", ns/1000)
}
