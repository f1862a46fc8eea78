// Coatcheck is the operator's command line: it looks into sessions, ends them, and looks after the store they are in.
//
//	coatcheck keygen [--name NAME]         print a new key for sealed cookies
//	coatcheck inspect [COOKIE]             say what is in a session, and whether it is alive
//	coatcheck list SUBJECT                 list the sessions of a subject that are alive
//	coatcheck revoke SUBJECT HANDLE        end one of them
//	coatcheck revoke-all SUBJECT           end all of them
//	coatcheck sweep                        remove expired sessions from the store
//	coatcheck schema [--apply]             print the tables of a SQL store, or make them
//	coatcheck check                        try whether the store works, and what this program may do there
//	coatcheck --help                       list the commands; after a command, its flags
//
// All but keygen know --json, which prints the result for machines. A flag may be written with one dash or two.
//
// The store is a URL, in --store or the environment variable COATCHECK_STORE:
//
//	file:///var/lib/app/sessions
//	sqlite:///var/lib/app/sessions.db
//	postgres://user:password@host:5432/database?sslmode=verify-full
//	mysql://user:password@host:3306/database
//	redis://user:password@host:6379/0      with rediss:// over TLS
//	memcached://host:11211
//
// A URL with a password belongs in the variable, because everybody on the machine can list the arguments of
// programs. Files, SQLite's too, are the application's own: run the command as its user. Sealed sessions need no store but their keys, in COATCHECK_KEYS or the file that --keys-file names; they can
// be inspected and nothing else. Every command but sweep gives up after --timeout, by default 30 seconds.
//
// Results go to standard output and everything else to standard error. The exit status is 0 when the command
// did what it was asked for, 1 when it failed or was interrupted, and 2 when it was called the wrong way. That a cookie
// opens no session is a result of inspect, not a failure; a session that revoke does not find is a failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
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
	Keygen    keygen    `cmd:"" help:"Print a new key for sealed cookies, in the form session.ParseKeys reads."`
	Inspect   inspect   `cmd:"" help:"Say what is in a session, and whether it is alive."`
	List      list      `cmd:"" help:"List the sessions of a subject that are alive."`
	Revoke    revoke    `cmd:"" help:"End one session of a subject."`
	RevokeAll revokeAll `cmd:"" help:"End all sessions of a subject."`
	Sweep     sweep     `cmd:"" help:"Remove expired sessions from the store."`
	Schema    schema    `cmd:"" help:"Print the tables of a SQL store, or make them."`
	Check     check     `cmd:"" help:"Try whether the store works, and what this program may do there."`
}

// console is what a command has of the process around it.
type console struct {
	ctx            context.Context // ends when the command is interrupted
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	now            func() time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := run(os.Args[1:], &console{
		ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: isatty.IsTerminal(os.Stderr.Fd()), now: time.Now,
	})
	os.Exit(status)
}

// run is main without the process around it: it returns the exit status.
func run(args []string, c *console) int {
	helped := false
	parser, err := kong.New(&commands{},
		kong.Name("coatcheck"),
		kong.Description("Coatcheck looks after web sessions. Exit status: 0 done, 1 failed, 2 wrong usage."),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(int) { helped = true }), // kong calls it only after printing help
		kong.Vars{"today": c.now().Format(time.DateOnly)},
		kong.Bind(c),
	)
	if err != nil {
		return report(c.stderr, err, exitFailed)
	}
	ctx, err := parser.Parse(rewrite(args, flagNames(parser.Model.Node)))
	if helped {
		return exitOK
	}
	if err != nil {
		return report(c.stderr, withoutArguments(err, args), exitUsage)
	}
	err = ctx.Run()
	if _, ok := errors.AsType[usageError](err); ok {
		return report(c.stderr, err, exitUsage)
	}
	if err != nil {
		return report(c.stderr, err, exitFailed)
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
