// Package shop is a small web shop with pages, a login, a cart and preferences. It is written once against the core,
// and each framework mounts it with a file of its own. Everything that it knows of a visitor is in the session.
package shop

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// shutdownTimeout is how long requests in flight may take once the program has been asked to stop.
const shutdownTimeout = 10 * time.Second

const (
	exitFailure = 1
	exitUsage   = 2
)

// Main is the program, with its command line. It returns the exit status.
func Main(args []string) int { return MainAt(time.Now, args) }

// MainAt is Main by a clock that the caller moves, for tests that have no month to wait. No flag leads here.
func MainAt(now func() time.Time, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	return run(ctx, now, args, os.Getenv, os.Stdout, os.Stderr)
}

// run is Main in a given environment.
func run(
	ctx context.Context, now func() time.Time, args []string, getenv func(string) string, stdout, stderr io.Writer,
) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return failed(stderr, exitUsage, err)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	a, err := newApp(log, now)
	if err != nil {
		return failed(stderr, exitFailure, err)
	}
	config, err := o.tlsConfig(log)
	if err != nil {
		return failed(stderr, exitFailure, err)
	}
	store, closeStore, err := openStore(ctx, o.store)
	if err != nil {
		return failed(stderr, exitFailure, err)
	}
	defer func() {
		if err := closeStore(); err != nil {
			log.Error("the store was not closed", "error", err)
		}
	}()
	sessions, err := newSessions(o, a, store, getenv)
	if err != nil {
		return failed(stderr, exitUsage, err)
	}
	a.use(ctx, sessions, o.allowDelay)
	if err := serveUntil(ctx, a, o, config, stdout); err != nil {
		log.Error("stopped", "error", err)
		return exitFailure
	}
	return 0
}

func failed(stderr io.Writer, status int, err error) int {
	fmt.Fprintf(stderr, "shop: %v\n", err)
	return status
}

// serveUntil lets the app answer, and expired sessions be removed, until ctx ends.
func serveUntil(ctx context.Context, a *App, o options, config *tls.Config, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.sessions.StartSweeper(ctx)
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", o.at.String())
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on %s\n", o.url(listener.Addr()))
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	return serveOn(ctx, listener, mounts[o.framework](a, a.sessions))
}

// Server is what every framework can do once the shop is mounted on it.
type Server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// serveOn serves until ctx ends, and then lets the requests in flight finish.
func serveOn(ctx context.Context, listener net.Listener, s Server) error {
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
