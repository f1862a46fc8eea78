package sessionui

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
)

// top finds the most frequent names among any number of them, in bounded memory: it keeps a number of counters, and
// when all are taken a new name takes over the smallest, whose count becomes its possible error. As long as there are
// no more names than counters, all counts are exact (the space-saving algorithm of Metwally, Agrawal and El Abbadi).
type top struct {
	size int // how many counters there may be
	of   map[string]*counter
	heap counters // the smallest first
}

// longestName is that of a name, in bytes. Longer ones are not counted, so that memory is bounded by bytes too.
const longestName = 1024

// counter is what is known of one name.
type counter struct {
	name  string
	count int // never too small
	error int // how much too big the count may be
	place int // in the heap
}

// sure is how often the name has come at least.
func (c *counter) sure() int { return c.count - c.error }

func newTop(size int) *top { return &top{size: size, of: map[string]*counter{}} }

func (t *top) add(name string) {
	c := t.of[name]
	switch {
	case len(name) > longestName:
		return
	case c != nil:
	case len(t.heap) < t.size:
		c = &counter{name: strings.Clone(name)} // it may be a part of a whole record
		t.of[c.name] = c
		heap.Push(&t.heap, c)
	default:
		c = t.heap[0]
		delete(t.of, c.name)
		c.name, c.error = strings.Clone(name), c.count
		t.of[c.name] = c
	}
	c.count++
	heap.Fix(&t.heap, c.place)
}

// first returns the n names that have come most often for sure. Where counts are not exact, a name that may have come
// but once is none of them.
func (t *top) first(n int) []counter {
	var found []counter
	for _, c := range t.heap {
		if c.error == 0 || c.sure() > 1 {
			found = append(found, *c)
		}
	}
	slices.SortFunc(found, func(a, b counter) int {
		return cmp.Or(b.sure()-a.sure(), strings.Compare(a.name, b.name))
	})
	return found[:min(n, len(found))]
}

// counters are a heap.
type counters []*counter

func (h counters) Len() int           { return len(h) }
func (h counters) Less(i, j int) bool { return h[i].count < h[j].count }
func (h counters) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push is called by heap.Push.
func (h *counters) Push(c any) {
	added := c.(*counter) //nolint:errcheck // add pushes nothing else
	added.place = len(*h)
	*h = append(*h, added)
}

// Pop is never called: a counter that is taken over stays where it is.
func (h *counters) Pop() any { panic("sessionui: a counter was removed") }
