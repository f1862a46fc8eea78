package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// copySessions takes all sessions from one store to another.
type copySessions struct {
	From string `env:"COATCHECK_FROM" help:"${copyFromHelp}" placeholder:"URL"`
	To   string `env:"COATCHECK_TO" help:"${copyToHelp}" placeholder:"URL"`
	Move bool   `help:"${copyMoveHelp}"`

	outputFlag
	longTimeFlag
}

// Help is what "coatcheck copy --help" says below the summary.
func (copySessions) Help() string {
	return `Cookies, handles, versions and lifetimes stay what they are, and the records that requests in flight need come
along. It may be interrupted at any point and run again: it goes on, and takes nothing twice.

Without --move the source stays as it is, and the application has to be stopped meanwhile, or what it changes is
missing and who logs out is logged in again. Run once more, it brings what has changed; what the destination has newer,
or ended, stays.

To move while visitors are at work let the application use both stores, by package stores/movingstore, whose
documentation has the steps, and run this with --move: each session is then in one of the two, and leaves the source.

The destination's tables have to be there: "coatcheck schema --apply" makes them.`
}

// copied is the result for machines.
type copied struct {
	Copied int `json:"copied"`           // sessions and markers that the destination did not have
	Newer  int `json:"newer"`            // that it had in an older version
	Kept   int `json:"kept"`             // that it had already
	Failed int `json:"failed,omitempty"` // that do not fit into it
	Passes int `json:"passes"`
	// Unreadable records are not of this library and were left alone.
	Unreadable int `json:"unreadable,omitempty"`
}

func (k copied) done() int { return k.Copied + k.Newer + k.Kept + k.Failed + k.Unreadable }

// Run is called by kong.
func (k copySessions) Run(c *console) error {
	switch {
	case k.From == "" || k.To == "":
		return usageError("give --from URL and --to URL, or set COATCHECK_FROM and COATCHECK_TO; a URL begins with one of " +
			storeurl.Schemes())
	case k.From == k.To:
		return usageError("--from and --to are the same store")
	}
	from, err := storeFlag{k.From}.open()
	if err != nil {
		return fmt.Errorf("--from: %w", err)
	}
	to, err := storeFlag{k.To}.open()
	if err != nil {
		return errors.Join(fmt.Errorf("--to: %w", err), from.Close())
	}
	return errors.Join(k.between(c, from, to), to.Close(), from.Close())
}

func (k copySessions) between(c *console, from, to *storeurl.Opened) error {
	walker, ok := from.Store.(session.Walker)
	if !ok {
		return unwalkable(from.Kind)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), k.Timeout)
	defer cancel()
	start := time.Now()
	progress, finish := k.progress(ctx, c, walker)
	h := newHaul(c, from, to, k.Move, progress)
	result, err := h.run(ctx)
	finish()
	if err != nil {
		return k.failed(ctx, c, result, err, cmp.Or(to.Remedy(err), from.Remedy(err)))
	}
	return errors.Join(k.print(c, result, k.text(result, time.Since(start))), result.verdict())
}

// unwalkable explains what a store cannot do that keeps no list of its sessions.
func unwalkable(kind string) error {
	return fmt.Errorf("a %s store cannot go through its sessions", kind)
}

// progress counts first, where people look at the bar.
func (k copySessions) progress(ctx context.Context, c *console, walker session.Walker) (func(int), func()) {
	if !c.terminal {
		return nil, func() {}
	}
	doing := "copying"
	if k.Move {
		doing = "moving"
	}
	return newBar(c, doing, countRecords(ctx, c, walker))
}

// text is the result for people.
func (k copySessions) text(r copied, took time.Duration) string {
	done := "copied"
	if k.Move {
		done = "moved"
	}
	text := fmt.Sprintf("%s %s in %v", done, count(r.Copied, "record"), took.Round(time.Millisecond))
	if r.Newer > 0 {
		text += fmt.Sprintf(", brought %d up to date", r.Newer)
	}
	if r.Kept > 0 {
		text += fmt.Sprintf("; %d were there already", r.Kept)
	}
	if r.Unreadable > 0 {
		text += fmt.Sprintf("; left out %d that are no sessions", r.Unreadable)
	}
	return text + "\n"
}

func (k copied) verdict() error {
	if k.Failed == 0 {
		return nil
	}
	return fmt.Errorf("the destination has no room for %s: raise its limit and run it again", count(k.Failed, "session"))
}

// failed says how far it came. Machines get the numbers where they look for them.
func (k copySessions) failed(ctx context.Context, c *console, r copied, err error, remedy string) error {
	var unprinted error
	if k.JSON {
		unprinted = k.print(c, r, "")
	}
	far := count(r.Copied+r.Newer, "record")
	switch {
	case c.ctx.Err() != nil:
		err = fmt.Errorf("interrupted after %s; run it again to go on", far)
	case ctx.Err() != nil:
		err = fmt.Errorf("out of time after %s; run it again to go on, or raise --timeout", far)
	default:
		err = fmt.Errorf("%s, then: %w; run it again to go on; %s", far, err, cmp.Or(remedy, findOut))
	}
	return errors.Join(err, unprinted)
}
