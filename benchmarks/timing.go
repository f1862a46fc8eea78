package main

import (
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// contender is one of several that are timed by turns.
type contender interface {
	prepare() error // before each batch, outside of the time
	serve(times int) error
}

// timing says how long to measure.
type timing struct {
	batch  time.Duration // what one batch should take
	rounds int
	limit  time.Duration // on the wall: rounds after that are left out, but for the first three
}

// interleave times the contenders by turns, A B C A B C, so that what slows the machine down for a while hits all of
// them, and returns the median over the rounds of each one's nanoseconds per operation. It calls step after each
// batch.
func (t timing) interleave(contenders []contender, step func()) ([]float64, error) {
	times := make([]int, len(contenders))
	for i, c := range contenders {
		var err error
		if times[i], err = t.calibrate(c); err != nil {
			return nil, err
		}
		step()
	}
	samples := make([][]float64, len(contenders))
	end := time.Now().Add(t.limit)
	for round := range t.rounds {
		if round >= 3 && time.Now().After(end) {
			break
		}
		for i, c := range contenders {
			took, err := batch(c, times[i])
			if err != nil {
				return nil, err
			}
			samples[i] = append(samples[i], float64(took.Nanoseconds())/float64(times[i]))
			step()
		}
	}
	medians := make([]float64, len(contenders))
	for i := range medians {
		medians[i] = median(samples[i])
	}
	return medians, nil
}

// steps is how often interleave calls step.
func (t timing) steps(contenders int) int { return contenders * (t.rounds + 1) }

// calibrate finds out how many operations fill a batch, and warms up by it.
func (t timing) calibrate(c contender) (int, error) {
	for times := 1; ; times *= 2 {
		took, err := batch(c, times)
		if err != nil {
			return 0, err
		}
		if took > t.batch/4 {
			return max(1, int(float64(times)*float64(t.batch)/float64(took))), nil
		}
	}
}

// batch begins with a collected heap, so that each contender pays for the garbage that it makes and for no other's.
func batch(c contender, times int) (time.Duration, error) {
	if err := c.prepare(); err != nil {
		return 0, err
	}
	runtime.GC()
	begin := time.Now()
	err := c.serve(times)
	return time.Since(begin), err
}

func median(samples []float64) float64 {
	slices.Sort(samples)
	n := len(samples)
	return (samples[(n-1)/2] + samples[n/2]) / 2
}

// allocations counts what an operation allocates: with the garbage collector off and one thread, the least of several
// passes, since other goroutines can only add to it.
func allocations(c contender) (count, bytes uint64, err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const passes, times = 3, 400
	for pass := range passes {
		if err := c.prepare(); err != nil {
			return 0, 0, err
		}
		if err := c.serve(10); err != nil { // which fills the pools
			return 0, 0, err
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.serve(times)
		runtime.ReadMemStats(&after)
		if err != nil {
			return 0, 0, err
		}
		n, b := (after.Mallocs-before.Mallocs)/times, (after.TotalAlloc-before.TotalAlloc)/times
		if pass == 0 || n < count {
			count = n
		}
		if pass == 0 || b < bytes {
			bytes = b
		}
	}
	return count, bytes, nil
}
