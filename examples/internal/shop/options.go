package shop

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	session "github.com/coatcheck/coatcheck/core"
)

// options are the command line.
type options struct {
	framework, addr, store, sealer string
	idle, absolute                 time.Duration
	allowDelay                     bool
	tls, insecureHTTP              bool
	besideUntil                    time.Time
	tlsCert, tlsKey                string      // PEM files
	at                             net.TCPAddr // what addr means
}

var sealers = map[string]session.Sealer{"securecookie": session.SecureCookie, "aead": session.AEAD}

func parseOptions(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("shop", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.framework, "framework", "gin", "what serves it: "+listed(frameworks))
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080",
		"address to listen on; other machines reach it only with -tls or -insecure-http")
	flags.BoolVar(&o.tls, "tls", false, "speak https, with a certificate made for this run, about which browsers warn")
	flags.StringVar(&o.tlsCert, "tls-cert", "", "speak https with the certificate in this PEM `file`")
	flags.StringVar(&o.tlsKey, "tls-key", "", "the PEM `file` with the key of -tls-cert")
	flags.BoolVar(&o.insecureHTTP, "insecure-http", false,
		"let other machines reach -addr over plain http, where passwords can be overheard")
	flags.StringVar(&o.store, "store", "memory", "where sessions are kept: "+storeChoices())
	flags.StringVar(&o.sealer, "sealer", "securecookie",
		"what seals a session that is kept in its cookie: "+listed(sealerNames))
	flags.DurationVar(&o.idle, "idle", 0, "ends a session that is not used for this long (0: 30m)")
	flags.DurationVar(&o.absolute, "absolute", 0, "ends a session this long after its login (0: 12h)")
	flags.BoolVar(&o.allowDelay, "allow-delay", false,
		"let the request header X-Delay, such as 300ms, slow a request down")
	flags.Func("beside-until", "share logins with a Flask and a Django site behind the same host until the end of this "+
		"`day`, like 2027-03-01; their secrets come from the environment: see beside.go", func(day string) (err error) {
		o.besideUntil, err = endOf(day)
		return err
	})
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stderr, "Shop is a small web shop. Its flags:")
			flags.SetOutput(stderr)
			flags.PrintDefaults()
		}
		return o, err
	}
	if err := o.check(flags.Args()); err != nil {
		return o, err
	}
	if err := o.resolve(); err != nil {
		return o, err
	}
	return o, o.checkTransport()
}

var (
	frameworks  = []string{"nethttp", "gin", "echo", "echov5", "chi"}
	sealerNames = []string{"securecookie", "aead"}
)

// listed reads "a, b or c".
func listed(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

func (o options) check(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q is not a flag; shop takes flags alone", rest[0])
	}
	for _, choice := range []struct {
		flag, value string
		names       []string
	}{
		{"framework", o.framework, frameworks}, {"sealer", o.sealer, sealerNames},
	} {
		if !slices.Contains(choice.names, choice.value) {
			return fmt.Errorf("-%s is %q and must be %s", choice.flag, choice.value, listed(choice.names))
		}
	}
	if !slices.Contains(stores, o.store) && !strings.Contains(o.store, ":") { // with a colon it may hold a password
		return fmt.Errorf("-store is %q and must be %s", o.store, storeChoices())
	}
	if o.idle < 0 || o.absolute < 0 {
		return errors.New("-idle and -absolute must not be negative")
	}
	return nil
}

// newSessions makes the manager that the options ask for. Without a store sessions travel in their cookies.
func newSessions(o options, a *App, store session.Store, getenv func(string) string) (*session.Manager, error) {
	beside, err := o.beside(a, getenv)
	if err != nil {
		return nil, err
	}
	policy := session.Options{
		InsecureHTTP:    !o.https(),
		Import:          beside,
		IdleTimeout:     o.idle,
		AbsoluteTimeout: o.absolute,
		LifetimeFor:     func(user string) session.Lifetime { return o.lifetime(a.accounts.role(user)) },
		Sealer:          sealers[o.sealer],
		ClientHints:     true,
		OnEvent:         logEvents(a.log),
		ErrorResponse:   a.sessionFailure,
		Now:             a.now,
	}
	if store != nil {
		return session.New(store, policy)
	}
	text := getenv("COATCHECK_KEYS")
	if text == "" {
		a.log.Warn("COATCHECK_KEYS is not set: sessions are sealed with a key made for this run and end with it")
		return session.NewSealed(session.TemporaryKeys(), policy)
	}
	keys, err := session.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("COATCHECK_KEYS: %w", err)
	}
	return session.NewSealed(keys, policy)
}

// logEvents writes down what happens to sessions. Events carry no secrets.
func logEvents(log *slog.Logger) func(context.Context, session.Event) {
	return func(ctx context.Context, e session.Event) {
		level := slog.LevelInfo
		if e.Err != nil {
			level = slog.LevelError
		}
		log.LogAttrs(ctx, level, "session", known(e)...)
	}
}

// known returns what an event tells, as attributes of a log line.
func known(e session.Event) (attributes []slog.Attr) {
	for _, a := range []struct{ name, value string }{
		{"reason", string(e.Reason)}, {"route", e.Route}, {"at", e.Source},
		{"handle", e.Handle}, {"subject", e.Subject}, {"key", e.Key}, {"importer", e.Importer},
	} {
		if a.value != "" {
			attributes = append(attributes, slog.String(a.name, a.value))
		}
	}
	if e.Err != nil {
		attributes = append(attributes, slog.Any("error", e.Err))
	}
	return attributes
}
