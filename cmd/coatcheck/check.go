package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coatcheck/coatcheck/internal/storeurl"
)

// check tries a store.
type check struct {
	storeFlag
	outputFlag
	timeFlag
}

// Help is what "coatcheck check --help" says below the summary.
func (check) Help() string {
	return `It makes a record of its own, does to it whatever the application does to records, and removes it. Nobody's session is touched, so it may run against a store that is in use. "Not supported" is no failure: the application then does without.`
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
var words = map[status]string{statusOK: "ok", statusUnsupported: "not supported", statusFailed: "FAILED", statusUntried: "not tried"}

// Run is called by kong.
func (k check) Run(c *console) error {
	o, err := k.open()
	if err != nil {
		return err
	}
	return errors.Join(k.on(c, o), o.Close())
}

func (k check) on(c *console, o *storeurl.Opened) error {
	ctx, cancel := context.WithTimeout(c.ctx, k.Timeout)
	defer cancel()
	t := newTrial(o.Store, c.now())
	result, failed := checked{Store: o.Kind}, 0
	for _, s := range t.steps() {
		outcome, err := s.run(ctx, result.Steps)
		if outcome.Status == statusFailed {
			failed++
			outcome.Error = err.Error() + remedy(ctx, err, o.Migrate != nil)
		}
		result.Steps = append(result.Steps, outcome)
	}
	left := t.cleanUp(ctx, k.Timeout)
	result.OK = failed == 0 && left == nil
	if err := k.print(c, result, result.table()); err != nil {
		return err
	}
	if result.Steps[0].Status == statusFailed {
		left = nil // there is hardly a record, and no need to say that it cannot be removed either
	}
	switch {
	case c.ctx.Err() != nil:
		return errors.Join(errors.New("interrupted"), left)
	case failed > 0:
		return errors.Join(fmt.Errorf("%s of %d failed", count(failed, "step"), len(result.Steps)), left)
	}
	return left
}

// table is the result for people.
func (k checked) table() string {
	rows := [][]string{}
	for _, o := range k.Steps {
		took := ""
		if o.Milliseconds > 0 {
			took = fmt.Sprintf("%.1f ms", o.Milliseconds)
		}
		rows = append(rows, []string{o.Step, words[o.Status], took, printable(o.Error)})
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

// remedy says what to do about a step that failed.
func remedy(ctx context.Context, err error, hasTable bool) string {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return " (the store does not answer in time: check the URL's host and port, and firewalls, or raise --timeout)"
	case errors.Is(err, errMisbehaves):
		return " (this is not a store as applications need it: check whether a proxy or a replica answers instead)"
	case hasTable:
		return ` (check the URL, whether the server runs, and what its user may do; if the table is missing, run "coatcheck schema --apply")`
	}
	return " (check the URL, whether the server runs, and what its user may do)"
}
