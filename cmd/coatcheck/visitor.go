package main

import (
	"context"
	"crypto/tls"
	"net/http"

	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
)

// list logs a visitor in, as an application does, and finds the session.
func (t *trial) list(ctx context.Context) error {
	subject, o := trialSubject(), session.Options{
		IdleTimeout: trialLifetime, AbsoluteTimeout: trialLifetime, OnEvent: func(context.Context, session.Event) {},
	}
	site, err := session.New(noting{t.store, t}, o)
	if err != nil {
		return err
	}
	if err := login(ctx, site, subject); err != nil {
		return err
	}
	office, err := session.New(t.store, o)
	if err != nil {
		return err
	}
	found, err := office.List(ctx, subject)
	if err == nil && len(found) != 1 {
		err = misbehaves("the record is not among its subject's")
	}
	return err
}

// noting notes which records are made, so that they can be removed. It hides what else the store can do.
type noting struct {
	session.Store
	t *trial
}

// Create is called by the manager.
func (n noting) Create(ctx context.Context, r session.Record) error {
	n.t.there = append(n.t.there, r.ID)
	return n.Store.Create(ctx, r)
}

// login lets a visitor of its own log in. Nobody gets to see the cookie.
func login(ctx context.Context, m *session.Manager, subject string) (err error) {
	handler := httpsession.Middleware(m)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s := httpsession.From(r)
		s.Login(subject)
		err = s.Save()
	}))
	r, failed := http.NewRequestWithContext(ctx, http.MethodGet, "https://localhost/", http.NoBody)
	if failed != nil {
		return failed
	}
	r.TLS = &tls.ConnectionState{}
	handler.ServeHTTP(nowhere{}, r)
	return err
}

// nowhere is where the answer goes.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
