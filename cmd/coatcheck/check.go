package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// check tries a store.
type check struct {
	storeFlag
	outputFlag
	timeFlag
}

// Help is what "coatcheck check --help" says below the summary.
func (check) Help() string {
	return `It makes a record of its own, does to it whatever the application does to records, and removes it. Nobody's
session is touched, so it may run against a store that is in use. It uses two connections, as an application that
serves two requests does. "Not supported" is no failure: the application then does without.

What only the application's own settings show, it cannot see: which pragmas SQLite is opened with, for instance, or
how many connections its pool allows.

In Redis the user needs these rights: ` + storeurl.RedisRights
}

// checked is the result for machines.
type checked struct {
	Store string    `json:"store"`
	OK    bool      `json:"ok"`
	Steps []outcome `json:"steps"`
}

// outcome is how a step went.
type outcome struct {
	Step         string  `json:"step"`
	Status       status  `json:"status"`
	Milliseconds float64 `json:"ms,omitzero"`
	Error        string  `json:"error,omitempty"`
}

type status string

const (
	statusOK          status = "ok"
	statusUnsupported status = "unsupported"
	statusFailed      status = "failed"
	statusUntried     status = "untried"
)

// words are the statuses for people.
var words = map[status]string{statusOK: "ok", statusUnsupported: "not supported", statusFailed: "FAILED",
	statusUntried: "not tried"}

// Run is called by kong.
func (k check) Run(c *console) error {
	o, err := k.open()
	if err != nil {
		return err
	}
	other, err := k.open()
	if err != nil {
		return errors.Join(err, o.Close())
	}
	return errors.Join(k.on(c, o, other.Store), other.Close(), o.Close())
}

// on tries an open store, and the same one by another connection.
func (k check) on(c *console, o *storeurl.Opened, other session.Store) error {
	end := time.Now().Add(k.Timeout)
	ctx, cancel := context.WithDeadline(c.ctx, end.Add(-k.Timeout/4)) // the rest is for cleaning up
	defer cancel()
	t := newTrial(o.Store, other, c.now())
	result := checked{Store: o.Kind}
	for _, s := range append(conditions(o), t.steps()...) {
		outcome, err := s.run(ctx, result.Steps)
		if outcome.Status == statusFailed {
			outcome.Error = err.Error() + remedy(ctx, err, o)
		}
		result.Steps = append(result.Steps, outcome)
	}
	left := t.cleanUp(ctx, end)
	result.OK = result.failed() == 0 && left == nil
	if err := k.print(c, result, result.table()); err != nil {
		return err
	}
	return errors.Join(result.verdict(c.ctx.Err() != nil), left)
}

// conditions are the steps in front of the trial.
func conditions(o *storeurl.Opened) (steps []step) {
	for _, condition := range o.Conditions {
		steps = append(steps, step{name: condition.Name, do: condition.Check})
	}
	return steps
}

func (k checked) failed() (n int) {
	for _, o := range k.Steps {
		if o.Status == statusFailed {
			n++
		}
	}
	return n
}

func (k checked) verdict(interrupted bool) error {
	switch failed := k.failed(); {
	case interrupted:
		return errors.New("interrupted")
	case failed > 0:
		return fmt.Errorf("%s of %d failed", count(failed, "step"), len(k.Steps))
	}
	return nil
}

// table is the result for people.
func (k checked) table() string {
	rows := [][]string{}
	for _, o := range k.Steps {
		took := ""
		if o.Milliseconds > 0 {
			took = fmt.Sprintf("%.1f ms", o.Milliseconds)
		}
		rows = append(rows, []string{o.Step, words[o.Status], took, oneLine(o.Error)})
	}
	return table(rows)
}

// run does a step, unless it builds on one that went wrong before.
func (s step) run(ctx context.Context, before []outcome) (outcome, error) {
	o := outcome{Step: s.name, Status: statusOK}
	for _, other := range before {
		if other.Step == s.needs && other.Status != statusOK {
			o.Status = statusUntried
			return o, nil
		}
	}
	start := time.Now()
	err := s.do(ctx)
	o.Milliseconds = float64(time.Since(start).Microseconds()) / 1000
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		o.Status, o.Milliseconds = statusUnsupported, 0
	case err != nil:
		o.Status = statusFailed
	}
	return o, err
}

// timedOut reports whether a client gave up waiting for an answer, which it may do a moment before the time is over.
func timedOut(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout()
}

// remedy says what to do about a step that failed.
func remedy(ctx context.Context, err error, o *storeurl.Opened) string {
	known := o.Remedy(err)
	switch {
	case known != "":
		return " (" + known + ")"
	case errors.Is(ctx.Err(), context.DeadlineExceeded) || timedOut(err):
		return " (the store does not answer in time: check the URL's host and port, and firewalls, or raise --timeout)"
	case errors.Is(err, errMisbehaves):
		return " (this is not a store as applications need it: check whether a proxy or a replica answers instead)"
	case o.Migrate != nil:
		return " (check the URL, whether the server runs, and what its user may do; " +
			`if the table is missing, run "coatcheck schema --apply")`
	}
	return " (check the URL, whether the server runs, and what its user may do)"
}
