package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// countSessions says how many sessions there are.
type countSessions struct {
	Top int `default:"10" help:"${countTopHelp}" placeholder:"N"`

	storeFlag
	outputFlag
	longTimeFlag
}

// Validate is called by kong.
func (k countSessions) Validate() error {
	if k.Top < 0 || k.Top > maxSubjects {
		return fmt.Errorf("--top %d: use a number from 0 to %d", k.Top, maxSubjects)
	}
	return k.longTimeFlag.Validate()
}

// Help is what "coatcheck count --help" says below the summary.
func (countSessions) Help() string {
	return `It looks at each session, a few hundred at a time, and so may run while the application works. The clients
are known where the application notes them (session.Options.ClientHints). Where there are more than ` +
		fmt.Sprint(maxSubjects) + ` subjects, those with the most sessions are found all the same, but their numbers
may be somewhat too low.`
}

// Run is called by kong.
func (k countSessions) Run(c *console) error {
	return k.storeFlag.use(c, k.Timeout, func(ctx context.Context, m *session.Manager, kind string) error {
		t := newTally(c.now())
		progress, finish := k.progress(c)
		defer finish()
		for i, err := range m.All(ctx) {
			if err != nil {
				return errors.Join(k.unfinished(t.live), walkable(kind, err))
			}
			t.add(&i)
			progress(t.live)
		}
		finish()
		result := t.counted(k.Top)
		return k.print(c, result, result.text())
	})
}

// progress is a spinner: nobody knows how many there are.
func (k countSessions) progress(c *console) (func(int), func()) {
	if !c.terminal {
		return func(int) {}, func() {}
	}
	return newBar(c, "counting", -1)
}

func (k countSessions) unfinished(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%s counted, then it failed", count(n, "session"))
}

// walkable explains what a store cannot do that does not know which sessions it has.
func walkable(kind string, err error) error {
	if errors.Is(err, errors.ErrUnsupported) {
		return unwalkable(kind)
	}
	return err
}

// ages are what sessions are sorted into by the time since they began, youngest first.
var ages = []struct {
	name  string
	below time.Duration
}{
	{"up to an hour", time.Hour}, {"up to a day", 24 * time.Hour}, {"up to a week", 7 * 24 * time.Hour},
	{"up to 30 days", 30 * 24 * time.Hour}, {"older", 1 << 62},
}
