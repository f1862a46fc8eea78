package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/drivers/storeurl"
	"github.com/coatcheck/coatcheck/sessionui"
)

// ui serves a page on this machine.
type ui struct {
	storeFlag

	Addr string `default:"127.0.0.1:0" help:"${uiAddrHelp}" placeholder:"HOST:PORT"`
}

const (
	// uiStoreTimeout bounds each call of the store.
	uiStoreTimeout = 10 * time.Second
	// uiGoodbye is how long requests may take that are being served at the end.
	uiGoodbye = 2 * time.Second
)

// Help is what "coatcheck ui --help" says below the summary.
func (ui) Help() string {
	return `It prints an address, which one browser of this machine can open once; that browser then keeps a cookie, and
nobody else gets in. The page shows how many sessions are alive, how old they are and from which clients, who has most
of them, and one subject's sessions, and ends them after a question. An application can have the same page behind its
own login: package sessionui.

It listens on this machine only. To see the page of a server on your own, choose a port there and forward the same one:
ssh -L 8090:127.0.0.1:8090 SERVER coatcheck ui --addr 127.0.0.1:8090`
}

// Run is called by kong.
func (u ui) Run(c *console) (err error) {
	addr, err := u.loopback()
	if err != nil {
		return err
	}
	o, err := u.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if err := advise(c, o, reach(c.ctx, o.Store)); err != nil {
		return err
	}
	page, err := u.page(c, o)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(c.ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%w; choose another port with --addr, or leave it out for a free one", err)
	}
	d := newDoor(l.Addr().String(), page)
	if err := d.announce(c); err != nil {
		return errors.Join(err, l.Close())
	}
	return serveUntilInterrupted(c, l, d)
}

// reach asks a store for what it does not have. A page that only says that the store does not answer helps nobody.
func reach(ctx context.Context, store session.Store) error {
	ctx, cancel := context.WithTimeout(ctx, uiStoreTimeout)
	defer cancel()
	if _, err := store.Load(ctx, session.RecordID{}); err != nil && !errors.Is(err, session.ErrNotFound) {
		return fmt.Errorf("%w: %w", session.ErrUnavailable, err)
	}
	return nil
}

// loopback returns the address to listen on, if it is one that only this machine reaches.
func (u ui) loopback() (string, error) {
	host, port, err := net.SplitHostPort(u.Addr)
	if err != nil {
		return "", usageError(fmt.Sprintf("--addr %s: use a host and a port, like 127.0.0.1:8090", printable(u.Addr)))
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return "", usageError(fmt.Sprintf("--addr %s: the page has no login, so it is for this machine only: use 127.0.0.1 "+
			"or [::1], and from elsewhere a tunnel", printable(u.Addr)))
	}
	return net.JoinHostPort(host, port), nil
}

// page is the page of a store. What goes wrong is told on standard error, for whoever reads the page also reads that.
func (u ui) page(c *console, o *storeurl.Opened) (http.Handler, error) {
	m, err := manage(c, o.Store, "", uiStoreTimeout)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	return sessionui.New(c.ctx, m, sessionui.Options{
		Title: "Sessions in " + o.Kind, Now: c.now,
		OnError: func(err error) {
			mu.Lock()
			defer mu.Unlock()
			_ = report(c.stderr, advise(c, o, err), exitFailed, "")
		},
	}), nil
}

// serveUntilInterrupted returns nil when the command is interrupted, which is how it ends.
func serveUntilInterrupted(c *console, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: uiGoodbye, ErrorLog: log.New(c.stderr, "coatcheck: ", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-c.ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), uiGoodbye)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return cmp.Or(server.Close(), errors.New("a request that was being served has been cut off"))
	}
	return nil
}
