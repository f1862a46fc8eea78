// Shop is a small web shop with pages, a login, a cart and preferences. It is written once against the core, and each
// framework mounts it with a file of its own. Everything that it knows of a visitor is in the session.
package main

import (
	"context"
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

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program. It returns the exit status.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return exitUsage
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	a, err := newApp(log)
	if err != nil {
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return exitFailure
	}
	store, closeStore, err := openStore(ctx, o.store)
	if err != nil {
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return exitFailure
	}
	defer func() {
		if err := closeStore(); err != nil {
			log.Error("the store was not closed", "error", err)
		}
	}()
	sessions, err := newSessions(o, a, store, getenv)
	if err != nil {
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return exitUsage
	}
	a.use(ctx, sessions, o.allowDelay)
	if err := serveUntil(ctx, a, o, stdout); err != nil {
		log.Error("stopped", "error", err)
		return exitFailure
	}
	return 0
}

// serveUntil lets the app answer, and expired sessions be removed, until ctx ends.
func serveUntil(ctx context.Context, a *app, o options, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	a.sessions.StartSweeper(ctx)
	return listen(ctx, mounts[o.framework](a, a.sessions), o.addr, stdout)
}

// server is what every framework can do once the shop is mounted on it.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
}

// listen serves until ctx ends, and then lets the requests in flight finish.
func listen(ctx context.Context, s server, addr string, stdout io.Writer) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(listener) }()
	fmt.Fprintf(stdout, "listening on http://%s\n", listener.Addr())
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
