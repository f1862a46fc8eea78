package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// heap is a store of expired sessions only.
type heap struct {
	session.Store // no other method is called
	left          int
	batch         func(n int) error // called before the nth
	batches       int
}

func (h *heap) Sweep(ctx context.Context, _ time.Time, limit int) (int, error) {
	h.batches++
	if h.batch != nil {
		if err := h.batch(h.batches); err != nil {
			return 0, err
		}
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	n := min(limit, h.left)
	h.left -= n
	return n, nil
}

// countedHeap knows how much there is to do.
type countedHeap struct{ *heap }

func (h countedHeap) Expired(context.Context, time.Time) (int, error) { return h.left, nil }

func sweepOn(c *console, store session.Store, json bool) (stdout, stderr string, err error) {
	var out, diagnostics bytes.Buffer
	command := sweep{outputFlag: outputFlag{JSON: json}, Timeout: time.Minute}
	err = command.on(c.complete(&out, &diagnostics), &storeurl.Opened{Store: store, Kind: "heap"})
	return out.String(), diagnostics.String(), err
}

func TestSweepShowsABar(t *testing.T) {
	stdout, stderr, err := sweepOn(&console{terminal: true}, countedHeap{&heap{left: 2500}}, false)
	if err != nil || !strings.HasPrefix(stdout, "removed 2500 expired sessions in ") {
		t.Errorf("error %v, stdout %q", err, stdout)
	}
	if !strings.Contains(stderr, "sweeping") || !strings.Contains(stderr, "2500/2500") ||
		!strings.Contains(stderr, "100%") {
		t.Errorf("stderr %q, want a bar that arrives", stderr)
	}
	if !strings.HasSuffix(stderr, "\r") {
		t.Errorf("stderr %q, want the bar to be gone at the end", stderr)
	}
}

func TestSweepShowsASpinnerWhereNobodyCounts(t *testing.T) {
	_, stderr, err := sweepOn(&console{terminal: true}, &heap{left: 2500}, false)
	if err != nil || !strings.Contains(stderr, "sweeping") || strings.Contains(stderr, "%") {
		t.Errorf("error %v, stderr %q", err, stderr)
	}
}

// A log is no terminal.
func TestSweepIsSilentElsewhere(t *testing.T) {
	stdout, stderr, err := sweepOn(&console{}, countedHeap{&heap{left: 2500}}, true)
	if err != nil || stderr != "" || stdout != "{\n  \"removed\": 2500\n}\n" {
		t.Errorf("error %v, stdout %q, stderr %q", err, stdout, stderr)
	}
}

// More may expire while the bar is on its way.
func TestSweepOfMoreThanWasCounted(t *testing.T) {
	h := &heap{left: 1500}
	h.batch = func(n int) error {
		if n == 2 {
			h.left += 3000
		}
		return nil
	}
	if stdout, _, err := sweepOn(&console{terminal: true}, countedHeap{h}, false); err != nil ||
		!strings.HasPrefix(stdout, "removed 4500 expired sessions") {
		t.Errorf("error %v, stdout %q", err, stdout)
	}
}

// An interruption in the middle of a batch lets it finish, so that the number is right.
func TestSweepInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := &heap{left: 9000, batch: func(n int) error {
		if n == 3 {
			cancel()
		}
		return nil
	}}
	stdout, _, err := sweepOn(&console{ctx: ctx}, h, true)
	if err == nil || !strings.Contains(err.Error(), "interrupted after removing 3000 expired sessions") {
		t.Errorf("error %v", err)
	}
	if h.left != 6000 || !strings.Contains(stdout, `"removed": 3000`) {
		t.Errorf("%d left, stdout %q", h.left, stdout)
	}
}

func TestSweepOfAStoreThatBreaks(t *testing.T) {
	h := &heap{left: 9000, batch: func(n int) error {
		if n == 3 {
			return errors.New("disk on fire")
		}
		return nil
	}}
	_, _, err := sweepOn(&console{terminal: true}, h, false)
	if err == nil || !strings.Contains(err.Error(), "removed 2000 expired sessions, then:") ||
		!strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("error %v", err)
	}
}
