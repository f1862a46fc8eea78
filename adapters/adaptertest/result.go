package adaptertest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
)

// Result is what became of a run's cases, by promise: "P5", or a word such as "wiring" for what has no number.
type Result map[string]Tally

// Tally counts cases. Lacking ones were skipped, because the framework lacks what they need.
type Tally struct{ Passed, Failed, Lacking int }

func (r Result) add(promise string, failed, skipped bool) {
	t := r[promise]
	switch {
	case failed:
		t.Failed++
	case skipped:
		t.Lacking++
	default:
		t.Passed++
	}
	r[promise] = t
}

// String is a cell of the matrix, such as "ok 12, 1 n/a".
func (t Tally) String() string {
	switch {
	case t == Tally{}:
		return "MISSING"
	case t.Failed > 0:
		return fmt.Sprintf("%d FAILED", t.Failed)
	case t.Passed == 0:
		return "has none"
	case t.Lacking > 0:
		return fmt.Sprintf("ok %d, %d n/a", t.Passed, t.Lacking)
	default:
		return fmt.Sprintf("ok %d", t.Passed)
	}
}

// Matrix logs a table of what Run has returned, a line for each promise and a column for each adapter. results is by
// the adapter's name.
func Matrix(t *testing.T, results map[string]Result) {
	t.Helper()
	adapters := slices.Sorted(maps.Keys(results))
	promises := map[string]bool{}
	for _, r := range results {
		for p := range r {
			promises[p] = true
		}
	}
	byNumber := func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 3, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(w, strings.Join(cells, "\t")) }
	row(append([]string{"promise"}, adapters...)...)
	for _, p := range slices.SortedFunc(maps.Keys(promises), byNumber) {
		cells := []string{p}
		for _, a := range adapters {
			cells = append(cells, results[a][p].String())
		}
		row(cells...)
	}
	_ = w.Flush()
	t.Log("\n" + table.String())
}
