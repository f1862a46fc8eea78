package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
)

// storeFlag says where the sessions are.
type storeFlag struct {
	Store string `env:"COATCHECK_STORE" help:"${storeStoreHelp}" placeholder:"URL"`
}

// timeFlag bounds the whole command.
type timeFlag struct {
	Timeout time.Duration `default:"30s" help:"${storeTimeoutHelp}" placeholder:"DURATION"`
}

// Validate is called by kong.
func (f timeFlag) Validate() error { return validTimeout(f.Timeout, "1h", time.Hour) }

// longTimeFlag is for commands that go through all sessions.
type longTimeFlag struct {
	Timeout time.Duration `default:"1h" help:"${storeLongTimeoutHelp}" placeholder:"DURATION"`
}

// Validate is called by kong.
func (f longTimeFlag) Validate() error { return validTimeout(f.Timeout, "24h", 24*time.Hour) }

func validTimeout(timeout time.Duration, longest string, most time.Duration) error {
	if timeout < time.Millisecond || timeout > most {
		return fmt.Errorf("--timeout %v: use a duration between 1ms and %s, like 30s", timeout, longest)
	}
	return nil
}

// open opens a store that is there, and changes nothing. What a mistyped path would make is no application's.
func (f storeFlag) open() (*storeurl.Opened, error) {
	o, err := f.openBy(storeurl.OpenExisting)
	if path, ok := storeurl.Path(f.Store); ok && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store at %s: is the path right? The application makes a directory of files "+
			"when it starts, and \"coatcheck schema --apply\" a SQLite database: %w", path, err)
	}
	return o, err
}

func (f storeFlag) openBy(open func(string) (*storeurl.Opened, error)) (*storeurl.Opened, error) {
	if f.Store == "" {
		return nil, usageError("no store: give --store URL or set COATCHECK_STORE; a URL begins with one of " +
			storeurl.Schemes())
	}
	o, err := open(f.Store)
	if _, ok := errors.AsType[syscall.Errno](err); ok { // the URL was understood
		return nil, err
	}
	if err != nil {
		return nil, usageError(err.Error())
	}
	return o, nil
}

// longest is the longest timeout that an application can have. A manager judges sessions by its own timeouts where
// these are shorter than what a session was promised, and the command does not know the application's.
const longest = 400 * 24 * time.Hour

// manage returns a manager for the sessions in a store, whatever application they belong to.
func manage(c *console, store session.Store, name string, timeout time.Duration) (*session.Manager, error) {
	return session.New(store, session.Options{
		Name: name, StoreTimeout: timeout, Now: c.now, IdleTimeout: longest, AbsoluteTimeout: longest,
		Import:  []session.Importer{anyImporter},
		OnEvent: func(context.Context, session.Event) {}, // errors are returned too
	})
}

// storeFlags are for commands that look after the sessions in a store.
type storeFlags struct {
	storeFlag
	outputFlag
	timeFlag
}

// use opens the store for a command.
func (f storeFlags) use(c *console, do func(ctx context.Context, m *session.Manager, kind string) error) error {
	return f.storeFlag.use(c, f.Timeout, do)
}

// use opens the store for a command that may take as long as timeout says.
func (f storeFlag) use(
	c *console, timeout time.Duration, do func(ctx context.Context, m *session.Manager, kind string) error,
) (err error) {
	o, err := f.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	m, err := manage(c, o.Store, "", min(timeout, time.Minute))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx, timeout)
	defer cancel()
	return advise(c, o, do(ctx, m, o.Kind))
}

// findOut is what to do about a failure that is not known.
const findOut = `"coatcheck check" finds out what is wrong with the store`

// advise says what to do about a store's failure.
func advise(c *console, o *storeurl.Opened, err error) error {
	remedy := o.Remedy(err)
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(usageError)):
		return err
	case c.ctx.Err() != nil:
		return fmt.Errorf("interrupted: %w", err)
	case remedy != "":
		return fmt.Errorf("%w; %s", err, remedy)
	case errors.Is(err, session.ErrUnavailable):
		return fmt.Errorf("%w; %s", err, findOut)
	}
	return err
}

// anyImporter lets what the command revokes end what importers of the site's own would take over later, too. It takes
// over nothing itself.
var anyImporter = session.Importer{
	Name: "coatcheck", Cookie: session.ForeignCookie{Name: "coatcheck"},
	Until: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	Open: func(context.Context, string) (session.Foreign, error) {
		return session.Foreign{}, &session.NotImportedError{Reason: session.ReasonMalformed}
	},
}
