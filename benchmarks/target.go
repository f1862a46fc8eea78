package main

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"time"
)

// connections are how many visitors ask at the same time, each with a connection and a session of its own.
const connections = 32

// pipelinedConnections are enough for commands to share round trips.
const pipelinedConnections = 64

// visitors are how many ask an app at the same time.
func (a app) visitors() int {
	if a.carrier == pipelined {
		return pipelinedConnections
	}
	return connections
}

// target is a cell that is served on loopback.
type target struct {
	cell
	site    site
	load    load
	since   time.Time
	samples []outcome // of each round
}

// open serves an app on loopback for the cells of its operations, until close.
func (a app) open(ops []string, batch time.Duration) (list []*target, closes func() error, err error) {
	s, err := a.build()
	if err != nil {
		return nil, nil, fmt.Errorf("%s, %s on %s: %w", a.library, a.carrier, a.framework, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.serve(l) // which ends when l is closed
	}()
	for _, op := range ops {
		list = append(list, &target{cell: cell{a, op}, site: s,
			load: load{Addr: l.Addr().String(), Path: "/" + op, Duration: batch}})
	}
	return list, func() error {
		err := l.Close()
		<-served
		if errors.Is(err, net.ErrClosed) {
			return nil // Fiber closes it itself
		}
		return err
	}, nil
}

// prepare begins new sessions when the present ones have become old.
func (t *target) prepare() error {
	if time.Since(t.since) < freshFor {
		return nil
	}
	next, step := t.answers()
	l := &t.load
	l.Cookies, l.Next, l.Step = nil, nil, step
	for range t.visitors() {
		v, err := t.visit(t.site)
		if err != nil {
			return err
		}
		l.Cookies, l.Next = append(l.Cookies, v.cookie), append(l.Next, next)
	}
	t.since = time.Now()
	return nil
}

// sample has the visitors ask for one batch.
func (t *target) sample(o *outside) error {
	if err := t.prepare(); err != nil {
		return err
	}
	runtime.GC()
	found, err := o.visit(t.load)
	if err != nil {
		return fmt.Errorf("%s: %w", t.cell, err)
	}
	t.load.Next = found.Next
	if found.SetsACookie && found.SetsNone {
		return fmt.Errorf("%s: some of the responses set a cookie and some do not", t.cell)
	}
	t.samples = append(t.samples, found)
	return t.checkCookie(found.SetsACookie)
}

// sampleAll takes the targets by turns, as interleave does with its contenders.
func (t timing) sampleAll(o *outside, targets []*target, step func()) error {
	end := time.Now().Add(t.limit)
	for round := range t.rounds {
		if round >= 3 && time.Now().After(end) {
			break
		}
		for _, target := range targets {
			if err := target.sample(o); err != nil {
				return err
			}
			step()
		}
	}
	return nil
}

// of is the median of a figure over the rounds.
func (t *target) of(figure func(outcome) float64) float64 {
	var list []float64
	for _, o := range t.samples {
		list = append(list, figure(o))
	}
	return median(list)
}

// share is the median over the rounds of the throughput in proportion to another target's of the same round, so that it
// compares what ran right after one another.
func (t *target) share(other *target) float64 {
	var list []float64
	for i, o := range t.samples {
		list = append(list, o.rate()/other.samples[i].rate())
	}
	return median(list)
}

func p50(o outcome) float64 { return float64(o.P50) }
func p99(o outcome) float64 { return float64(o.P99) }
