package main

import (
	"context"
	"fmt"
	"math"
	"runtime/debug"
	"time"
)

// scale measures how cost grows.
type scale struct{}

func (scale) name() string { return "scale" }

func (scale) about() string {
	return "Requests in this process, on net/http with sessions in memory, each of a random session; the bare " +
		"framework's time is taken off. Each round builds every size anew and alone, and serves at least as many " +
		"requests as there are sessions, so that each size pays for the collection of its own heap. A random record of a " +
		"million is seldom in the processor's cache, for anybody: the plain map is a map[[32]byte][]byte of as many " +
		"records, looked up, or replaced, at random."
}

var background = context.Background()

// axis is what grows, from one size to the next.
type axis struct {
	name, unit string
	sizes      []int
	sessions   func(size int) int
	fill       func(size int) fill
}

func axes(s selection) []axis {
	live := []int{1_000, 10_000, 100_000, 1_000_000}
	if s.quick {
		live = live[:3]
	}
	thousand := func(int) int { return 1000 }
	return []axis{
		{"sessions", "live sessions", live, func(size int) int { return size }, func(int) fill { return nil }},
		{"keys", "keys in each of 1000 sessions", []int{1, 10, 100}, thousand, keys},
		{"bytes", "bytes of text in each of 100 sessions", []int{100, 1_000, 10_000, 100_000},
			func(int) int { return 100 }, padded},
	}
}

func (m scale) cases() []string {
	var names []string
	for _, a := range axes(selection{}) {
		names = append(names, m.caseOf(a.name))
	}
	return append(names, m.caseOf("sweep"))
}

func (m scale) caseOf(name string) string { return m.name() + "/by=" + name }

// rounds are so many of each axis, and no more when the limit is over.
func (scale) rounds(s selection) (count int, limit time.Duration) {
	if s.quick {
		return 3, 3 * time.Second
	}
	return 7, 3 * time.Minute
}

func (m scale) steps(s selection) (n int) {
	rounds, _ := m.rounds(s)
	for _, a := range axes(s) {
		if s.wants(m.caseOf(a.name)) {
			n += len(a.sizes) * rounds
		}
	}
	if s.wants(m.caseOf("sweep")) {
		n += rounds
	}
	return n
}

func (m scale) run(s selection, step func()) (found result, err error) {
	rounds, limit := m.rounds(s)
	for _, a := range axes(s) {
		if !s.wants(m.caseOf(a.name)) {
			continue
		}
		points, err := a.measure(rounds, limit, step)
		if err != nil {
			return found, err
		}
		if err := a.show(&found, points); err != nil {
			return found, err
		}
	}
	if !s.wants(m.caseOf("sweep")) {
		return found, nil
	}
	records := 1_000_000
	if s.quick {
		records = 100_000
	}
	t, err := sweeping(records, rounds, step)
	found.tables = append(found.tables, t)
	return found, err
}

// counts says whether it is the number of sessions that grows, which is what the floors are about.
func (a axis) counts() bool { return a.name == "sessions" }

// point is what was found out about one size, a sample of each round.
type point struct {
	size                           int
	read, write, mapRead, mapWrite []float64 // nanoseconds
	payload                        int       // bytes of a session that the store is given
	memory                         []float64 // bytes for each session
	collections                    int64
	pause                          time.Duration // the longest
}

func (a axis) measure(rounds int, limit time.Duration, step func()) ([]*point, error) {
	end := time.Now().Add(limit)
	var points []*point
	for _, size := range a.sizes {
		payload, err := a.fill(size).payload()
		if err != nil {
			return nil, err
		}
		points = append(points, &point{size: size, payload: payload})
	}
	for round := range rounds {
		if round > 0 && time.Now().After(end) {
			break
		}
		for _, p := range points {
			if err := p.sample(a); err != nil {
				return nil, fmt.Errorf("%d %s: %w", p.size, a.unit, err)
			}
			if a.counts() {
				p.sampleMap()
			}
			step()
		}
	}
	return points, nil
}

// fewest are the requests of a batch however few sessions there are.
const fewest = 10_000

func (p *point) sample(a axis) error {
	sessions := a.sessions(p.size)
	times := max(fewest, sessions)
	if a.name == "bytes" {
		times = max(200, min(fewest, 20_000_000/p.size)) // which is enough garbage to be collected
	}
	bare := bareLive()
	l, each, err := a.fill(p.size).open(sessions)
	if err != nil {
		return err
	}
	p.memory = append(p.memory, each)
	for _, op := range []struct {
		name string
		to   *[]float64
	}{{"read", &p.read}, {"write", &p.write}} {
		without, err := bare.serve(op.name, fewest)
		if err != nil {
			return err
		}
		var before, after debug.GCStats
		debug.ReadGCStats(&before)
		with, err := l.serve(op.name, times)
		if err != nil {
			return err
		}
		debug.ReadGCStats(&after)
		p.pauses(before, after)
		*op.to = append(*op.to, with-without)
	}
	return nil
}

func (p *point) sampleMap() {
	m, times := openMap(p.size), max(fewest, p.size)
	p.mapRead, p.mapWrite = append(p.mapRead, m.serve("read", times)), append(p.mapWrite, m.serve("write", times))
}

// pauses takes in the collections between two moments, but for the first one, which serve has asked for.
func (p *point) pauses(before, after debug.GCStats) {
	count := after.NumGC - before.NumGC - 1
	p.collections += count
	for i := range min(int(count), len(after.Pause)) {
		p.pause = max(p.pause, after.Pause[i])
	}
}

// show adds a table, a plot and, for the number of sessions, verdicts.
func (a axis) show(found *result, points []*point) error {
	t := table{
		title: "cost against " + a.unit,
		head: []string{
			a.name, "read", "write", "payload per session", "memory per session", "collections", "longest pause",
		},
	}
	c := curve{x: a.unit, y: "µs over the bare framework"}
	if a.counts() {
		t.head = append(t.head, "plain map: read", "write")
	}
	for _, p := range points {
		read, write := median(p.read), median(p.write)
		line := []string{
			fmt.Sprint(p.size), nanoseconds(read), nanoseconds(write), fmt.Sprintf("%d B", p.payload),
			fmt.Sprintf("%.0f B", median(p.memory)), fmt.Sprint(p.collections), p.pause.Round(time.Microsecond).String(),
		}
		c.add("read", p.size, read/1000)
		c.add("write", p.size, write/1000)
		if a.counts() {
			line = append(line, nanoseconds(median(p.mapRead)), nanoseconds(median(p.mapWrite)))
			c.add("plain map, read", p.size, median(p.mapRead)/1000)
			c.add("plain map, write", p.size, median(p.mapWrite)/1000)
		}
		t.lines = append(t.lines, line)
	}
	drawn, err := c.plot(t.title)
	found.tables, found.plots = append(found.tables, t), append(found.plots, drawn)
	if a.counts() {
		found.verdicts = append(found.verdicts, flatness(points)...)
	}
	return err
}

// flat is how many times as much the largest number of sessions may cost as the smallest. A request finds its session
// with a few reads of memory that a thousand sessions have in the cache and a million have not, and its share of
// collecting is dearer where the collector meets such memory too.
const flat = 2.0

// memoryLimit is what the store may take for a session without a subject besides the data it is given to keep.
const memoryLimit = 250

func flatness(points []*point) (list []verdict) {
	least, most := points[0], points[len(points)-1]
	for _, op := range []struct {
		name     string
		own, raw func(*point) []float64
	}{
		{"read", func(p *point) []float64 { return p.read }, func(p *point) []float64 { return p.mapRead }},
		{"write", func(p *point) []float64 { return p.write }, func(p *point) []float64 { return p.mapWrite }},
	} {
		from, to, mapFrom, mapTo := median(op.own(least)), median(op.own(most)), median(op.raw(least)), median(op.raw(most))
		list = append(list, verdict{
			"memory", fmt.Sprintf("%s: with %d sessions at most %.0f times what it costs with %d", op.name, most.size,
				flat, least.size),
			fmt.Sprintf("%.2f times, %+.0f ns (a plain map: %.2f times, %+.0f ns)", to/from, to-from, mapTo/mapFrom,
				mapTo-mapFrom),
			to <= flat*from,
		})
	}
	beyond := median(most.memory) - float64(most.payload)
	return append(list, verdict{
		"memory", fmt.Sprintf("with %d sessions at most the payload and %d bytes each", most.size, memoryLimit),
		fmt.Sprintf("the payload of %d and %.0f bytes", most.payload, beyond), beyond <= memoryLimit,
	})
}

// sweeping measures how long it takes to remove expired sessions, and how long one call of the sweeper keeps at it.
func sweeping(records, rounds int, step func()) (table, error) {
	const limit = 1000
	var total []float64
	longest := time.Duration(math.MinInt64)
	for range rounds {
		end := time.Now().Add(-time.Hour)
		s, err := expired(records, end)
		if err != nil {
			return table{}, err
		}
		begin, gone := time.Now(), 0
		for last := limit; last == limit; {
			call := time.Now()
			if last, err = s.Sweep(background, end, limit); err != nil {
				return table{}, err
			}
			longest, gone = max(longest, time.Since(call)), gone+last
		}
		if gone != records {
			return table{}, fmt.Errorf("the sweep has removed %d records, want %d", gone, records)
		}
		total = append(total, time.Since(begin).Seconds()*1000*1e6/float64(records))
		step()
	}
	return table{
		title: "sweeping", head: []string{"expired sessions", "ms for a million", "longest call"},
		lines: [][]string{{fmt.Sprintf("%d, in calls of %d", records, limit), fmt.Sprintf("%.0f", median(total)),
			longest.Round(time.Microsecond).String()}},
	}, nil
}
