// Coatcheck is the operator's command line.
//
//	coatcheck keygen [--name NAME]   print a new key for sealed cookies
//	coatcheck --help                 list the commands; after a command, its flags
//
// Results go to standard output and everything else to standard error. The exit status is 0 when the command
// did what it was asked for, 1 when it failed, and 2 when it was called the wrong way.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake of whoever called the command, where the parser could not see it.
type usageError string

func (e usageError) Error() string { return string(e) }

// commands are the subcommands, one file each.
type commands struct {
	Keygen keygen `cmd:"" help:"Print a new key for sealed cookies, in the form session.ParseKeys reads."`
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, time.Now())) }

// run is main without the process around it: it returns the exit status.
func run(args []string, stdout, stderr io.Writer, now time.Time) int {
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("coatcheck"),
		kong.Description("Coatcheck looks after web sessions. Exit status: 0 done, 1 failed, 2 wrong usage."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }), // kong calls it only after printing help
		kong.Vars{"today": now.Format(time.DateOnly)},
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return report(stderr, err, exitFailed)
	}
	ctx, err := parser.Parse(args)
	if helped {
		return exitOK
	}
	if err != nil {
		return report(stderr, err, exitUsage)
	}
	err = ctx.Run()
	if _, ok := errors.AsType[usageError](err); ok {
		return report(stderr, err, exitUsage)
	}
	if err != nil {
		return report(stderr, err, exitFailed)
	}
	return exitOK
}

func report(stderr io.Writer, err error, status int) int {
	_, _ = fmt.Fprintf(stderr, "coatcheck: %v\n", err) // there is nowhere left to say that this failed
	if status == exitUsage {
		_, _ = fmt.Fprintln(stderr, `Run "coatcheck --help" to see what it understands.`)
	}
	return status
}
