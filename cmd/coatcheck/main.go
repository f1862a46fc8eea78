// Coatcheck is the operator's command line: it looks into sessions, ends them, and looks after the store they are in.
//
//	coatcheck keygen [--name NAME]         print a new key for sealed cookies
//	coatcheck inspect [COOKIE]             say what is in a session, and whether it is alive
//	coatcheck list [SUBJECT]               list the sessions of a subject, or everybody's, that are alive
//	coatcheck count                        say how many are alive, of whom and how old
//	coatcheck revoke SUBJECT HANDLE        end one of them
//	coatcheck revoke-all SUBJECT           end all of a subject's
//	coatcheck revoke-everybody             end all in the store, after a question
//	coatcheck copy                         copy all sessions to another store, or move them
//	coatcheck sweep                        remove expired sessions from the store
//	coatcheck schema [--apply]             print the tables of a SQL store, or make them
//	coatcheck audit [SETTINGS]             hold an application's settings against OWASP, ASVS 5 and NIST 800-63B-4
//	coatcheck ui                           show live sessions on a page of this machine, and end them there
//	coatcheck completion SHELL             print what lets bash, zsh or fish complete this command
//	coatcheck check                        try whether the store works, and what this program may do there
//	coatcheck --help                       list the commands; after a command, its flags
//	coatcheck --version                    print which version this is
//
// All but keygen, ui and completion know --json, which prints the result for machines. A flag may be written with one
// dash or two.
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
// A URL with a password belongs in the variable, because everybody on the machine can list the arguments of programs.
// Files, SQLite's too, are the application's own: run the command as its user. Only schema --apply makes a file, and
// no command a directory. Sealed sessions need no store but their keys, in COATCHECK_KEYS or the file that
// --keys-file names; they can be inspected and nothing else. With --as, inspect reads other systems' cookies too, with
// the keys in COATCHECK_FOREIGN_KEYS. Every command gives up after --timeout, by default 30
// seconds, and those that go through all sessions after an hour; ui goes on until it is interrupted.
//
// Results go to standard output and everything else to standard error. The exit status is 0 when the command did what
// it was asked for, 1 when it failed, ran out of time or was interrupted (which for ui is 0), 2 when it was called the
// wrong way, and 3 when inspect found that the cookie opens no session. A session that revoke does not find is a
// failure. In everything that is printed, characters that a terminal may obey are escaped.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"
)

const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitNobody = 3
)

const statuses = "Exit status: 0 done, 1 failed or interrupted, 2 wrong usage, 3 inspect found no session that is " +
	"alive."

// usageError is a mistake of whoever called the command, where the parser could not see it.
type usageError string

func (e usageError) Error() string { return string(e) }

// errNobody is a result that has been printed: the cookie opens no session.
var errNobody = errors.New("no session")

// commands are the subcommands, one file each.
type commands struct {
	Keygen    keygen    `cmd:"" help:"Print a new key for sealed cookies, in the form session.ParseKeys reads."`
	Inspect   inspect   `cmd:"" help:"Say what is in a session, and whether it is alive."`
	List      list      `cmd:"" help:"List the sessions that are alive, of a subject or of everybody."`
	Revoke    revoke    `cmd:"" help:"End one session."`
	RevokeAll revokeAll `cmd:"" help:"End all sessions of a subject."`
	Sweep     sweep     `cmd:"" help:"Remove expired sessions from the store."`
	Schema    schema    `cmd:"" help:"Print the tables of a SQL store, or make them."`
	UI        ui        `cmd:"" help:"Show live sessions on a page of this machine, and end them there."`
	Check     check     `cmd:"" help:"Try whether the store works, and what this program may do there."`

	Count           countSessions   `cmd:"" help:"Say how many sessions are alive, of whom and how old."`
	RevokeEverybody revokeEverybody `cmd:"" help:"End all sessions in the store."`
	Copy            copySessions    `cmd:"" help:"Copy all sessions to another store, or move them."`
	Audit           audit           `cmd:"" help:"Hold an application's settings against what standards require."`
	Completion      completion      `cmd:"" help:"Print what lets a shell complete this command."`

	Version kong.VersionFlag `help:"Print which version this is."`
}

// console is what a command has of the process around it.
type console struct {
	ctx            context.Context // ends when the command is interrupted
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	interactive    bool // stdin and stderr are
	now            func() time.Time
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	status := run(os.Args[1:], &console{
		ctx: ctx, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: isatty.IsTerminal(os.Stderr.Fd()), now: time.Now,
		interactive: isatty.IsTerminal(os.Stdin.Fd()) && isatty.IsTerminal(os.Stderr.Fd()),
	})
	os.Exit(status)
}

// run is main without the process around it: it returns the exit status.
func run(args []string, c *console) int {
	out := &output{w: c.stdout}
	own := *c
	own.stdout = out
	status := serve(args, &own)
	if status == exitOK && out.err != nil { // nothing else has heard of it, as with --help
		return report(c.stderr, out.err, exitFailed, "")
	}
	return status
}

func serve(args []string, c *console) int {
	answered := false
	parser, err := newParser(c, func() { answered = true })
	if err != nil {
		return report(c.stderr, err, exitFailed, "")
	}
	rewritten := rewrite(args, flagNames(parser.Model.Node))
	ctx, err := parser.Parse(rewritten)
	if answered {
		return exitOK
	}
	if err != nil {
		return report(c.stderr, withoutArguments(err, args), exitUsage, commandOf(parser.Model.Node, rewritten))
	}
	err = ctx.Run()
	if _, ok := errors.AsType[usageError](err); ok {
		return report(c.stderr, withoutArguments(err, args), exitUsage, ctx.Selected().Name)
	}
	return report(c.stderr, err, statusOf(err), "")
}

func newParser(c *console, answered func()) (*kong.Kong, error) {
	return kong.New(&commands{},
		kong.Name("coatcheck"),
		kong.Description("Coatcheck looks after web sessions."),
		kong.Help(helpPage),
		kong.Writers(c.stdout, c.stderr),
		kong.Exit(func(int) { answered() }), // kong calls it only after printing the help or the version
		kong.Vars{"today": c.now().Format(time.DateOnly), "version": version()},
		helpTexts,
		kong.Bind(c),
	)
}

// helpPage ends each page with what the exit status means. What cannot be written the output remembers.
func helpPage(o kong.HelpOptions, ctx *kong.Context) error {
	_ = kong.DefaultHelpPrinter(o, ctx)
	_, _ = fmt.Fprintln(ctx.Stdout, "\n"+statuses)
	return nil
}

// version is the module's, and the one of Go that it was built with.
func version() string {
	text := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		text = info.Main.Version
	}
	return fmt.Sprintf("coatcheck %s %s %s/%s", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

func statusOf(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errNobody):
		return exitNobody
	}
	return exitFailed
}

// output remembers what went wrong when it was written to.
type output struct {
	w   io.Writer
	err error
}

// Write writes.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// report says what went wrong, and to whoever called the command the wrong way where to read about it.
func report(stderr io.Writer, err error, status int, command string) int {
	switch status {
	case exitOK, exitNobody:
	case exitUsage:
		_, _ = fmt.Fprintf(stderr, "coatcheck: %s\n", visible(err.Error())) // there is nowhere left to say that this failed
		help := strings.Join(strings.Fields("coatcheck "+command+" --help"), " ")
		_, _ = fmt.Fprintf(stderr, "Run %q to see what it understands.\n", help) // as above
	default:
		for _, line := range lines(err) {
			_, _ = fmt.Fprintf(stderr, "coatcheck: %s\n", line) // as above
		}
	}
	return status
}
