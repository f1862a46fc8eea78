package main

import "fmt"

// speedFloor is how many times cheaper than an incumbent an operation has to be. 0: nothing is demanded.
type speedFloor struct {
	op, carrier    string
	times, onFiber float64 // Fiber's incumbent is the leanest
}

var speedFloors = []speedFloor{
	{"read", "memory", 20, 10}, {"read", "aead", 20, 10},
	{"write", "memory", 15, 7}, {"write", "aead", 15, 7},
	{"read", "securecookie", 6, 0}, {"write", "securecookie", 4, 0},
}

// allocationLimits are over the bare framework, for stores in memory and AEAD cookies.
var allocationLimits = []struct {
	op    string
	limit int
}{{"unused", 3}, {"read", 8}, {"write", 16}}

// unusedShare is what a session that is not used may cost, of what the incumbent's read costs.
const unusedShare = 0.05

// verdicts compare with the budget of the design.
func (m matrix) verdicts() []verdict {
	var list []verdict
	for _, framework := range m.frameworks() {
		for _, f := range speedFloors {
			times := f.times
			if framework == "fiber" {
				times = f.onFiber
			}
			if ratio, against, ok := m.ratio(framework, f.op, f.carrier); ok && times > 0 {
				list = append(list, verdict{
					framework, fmt.Sprintf("%s, %s: at least %.0f times cheaper than the fastest incumbent", f.op, f.carrier, times),
					fmt.Sprintf("%.1f times (%s, %s)", ratio, against.Library, against.Carrier), ratio >= times,
				})
			}
		}
		list = append(append(list, m.unusedVerdict(framework)...), m.allocationVerdicts(framework)...)
	}
	return list
}

func (m matrix) unusedVerdict(framework string) []verdict {
	read, ok := m.fastest(framework, "read", whichever)
	unused := m.over(framework, "unused", func(r row) bool { return r.Library == ours && r.Carrier == "memory" })
	if !ok || len(unused) == 0 {
		return nil
	}
	share := unused[0].time / read.time
	return []verdict{{
		framework, fmt.Sprintf("unused: under %.0f %% of the fastest incumbent's read", 100*unusedShare),
		fmt.Sprintf("%.1f %%", 100*share), share < unusedShare,
	}}
}

func (m matrix) allocationVerdicts(framework string) (list []verdict) {
	for _, l := range allocationLimits {
		most, measured := 0, false
		for _, o := range m.over(framework, l.op, func(r row) bool {
			return r.Library == ours && (l.op == "unused" || !sealed(r))
		}) {
			most, measured = max(most, o.allocs), true
		}
		if measured {
			list = append(list, verdict{
				framework, fmt.Sprintf("%s: at most %d allocations over the bare framework", l.op, l.limit), fmt.Sprint(most),
				most <= l.limit,
			})
		}
	}
	return list
}
