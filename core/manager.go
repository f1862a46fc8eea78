package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// Manager is the policy for one kind of session: name, cookie, lifetime, and where sessions are kept. One program
// can have several; each needs its own name. A Manager is safe for concurrent use.
type Manager struct {
	name     string
	cookie   cookie
	store    Store   // nil: sealed
	optional         // of store
	sealing  sealing // nil: stored

	revocations *revocations // nil: what is ended is found in store

	importers []*importer
	mirrors   []*importer // those that keep another system in step

	formSecrets [][]byte // of sealed sessions, one for each of the Keys

	idle, absolute, maxLifetime, touchEvery, renewEvery, renewGrace, leeway wire.Millis

	basis       Basis
	lifetimeFor func(subject string) Lifetime

	storeTimeout time.Duration
	maxSize      int
	conflicts    ConflictPolicy
	onReplay     ReplayPolicy

	maxPerSubject int
	limit         LimitPolicy

	serveOn   bool
	hints     bool
	binding   Binding
	proxies   []netip.Prefix
	origins   originPolicy
	saveOn    func(int) bool
	onEvent   func(context.Context, Event)
	respond   func(error, func(string) string) Response
	clock     func() time.Time
	ownClock  bool // clock is not time.Now
	plainHTTP plainHTTP

	transport Transport

	watchEvery time.Duration
	watchers   atomic.Pointer[watchers] // nil until the first Watch
}

// New returns a manager that keeps sessions in store; the browser holds only a random token.
func New(store Store, o Options) (*Manager, error) {
	if isNil(store) {
		return nil, errors.New("session: New: the store is nil, because opening it failed or was forgotten; for sessions " +
			"without a server use NewSealed")
	}
	m, err := newManager(o)
	var has optional
	if err == nil {
		trace := tracer(o.TraceStore)
		m.store = trace.watching(store)
		has = trace.of(m.store)
	}
	if err == nil && has.index == nil && o.MaxPerSubject > 0 {
		err = fmt.Errorf("MaxPerSubject needs a store that can search by subject, which %T cannot", store)
	}
	if err != nil {
		return nil, fmt.Errorf("session: New: %w", err)
	}
	m.optional = has
	m.noteEnds()
	return m, nil
}

func isNil(store Store) bool {
	v := reflect.ValueOf(store)
	return store == nil || v.Kind() == reflect.Pointer && v.IsNil()
}

// NewSealed returns a manager without a store: the session travels in the cookie, encrypted and authenticated
// under keys. About 2100 bytes of values fit, 2900 with the AEAD sealer; a server that limits request headers must let
// them pass (Fiber's default does not, see Config.ReadBufferSize). Two limits come with having no server-side
// record: when requests overlap, the last response's values win, and Destroy removes the browser's copy but
// cannot end a copy that somebody kept. Where the first matters use New; Options.Revocations lifts the second for
// sessions that belong to somebody: Destroy and Manager.Revoke, RevokeOthers and RevokeAll end all copies.
func NewSealed(keys Keys, o Options) (*Manager, error) {
	o.ClientHints = false // nobody lists them
	m, err := newManager(o)
	switch {
	case err != nil:
	case o.MaxPerSubject > 0:
		err = errors.New("MaxPerSubject needs a store that can search by subject: use New")
	case (o.Binding.Agent == End || o.Binding.Network == End) && o.Revocations == nil:
		err = errEndSealed
	}
	if err == nil {
		err = m.useKeys(keys, o.Sealer)
	}
	if err != nil {
		return nil, fmt.Errorf("session: NewSealed: %w", err)
	}
	m.noteEnds()
	return m, nil
}

func (m *Manager) useKeys(keys Keys, s Sealer) (err error) {
	if len(keys.all()) == 0 {
		return errors.New("no keys: use ParseKeys, or TemporaryKeys to try things out")
	}
	if err := m.deriveFormSecrets(keys); err != nil {
		return err
	}
	switch s {
	case AEAD:
		m.sealing, err = newAEADs(keys, m.name, m.cookie.name)
	default:
		m.sealing, err = newSecureCookies(keys, m.name, m.cookie.name)
	}
	return err
}

func newManager(o Options) (*Manager, error) {
	ownClock := o.Now != nil
	if err := o.complete(); err != nil {
		return nil, err
	}
	c, err := newCookie(o.Cookie, o.Name, o.InsecureHTTP)
	if err != nil {
		return nil, err
	}
	r, err := newRevocations(o)
	if err != nil {
		return nil, err
	}
	importers, err := newImporters(&o, &c)
	if err != nil {
		return nil, err
	}
	return &Manager{
		name: o.Name, cookie: c, revocations: r, importers: importers,
		mirrors: slices.DeleteFunc(slices.Clone(importers), func(im *importer) bool { return im.Mirror == nil }),
		idle:    wire.FromDuration(o.IdleTimeout), absolute: wire.FromDuration(o.AbsoluteTimeout),
		maxLifetime: wire.FromDuration(o.MaxLifetime), basis: o.Basis, lifetimeFor: o.LifetimeFor,
		touchEvery: wire.FromDuration(o.TouchInterval), renewEvery: wire.FromDuration(o.RenewAfter),
		renewGrace: wire.FromDuration(o.RenewGrace), leeway: wire.FromDuration(o.Leeway),
		storeTimeout: o.StoreTimeout, maxSize: o.MaxSize, conflicts: o.Conflicts, onReplay: o.OnReplay,
		maxPerSubject: o.MaxPerSubject, limit: o.AtLimit, serveOn: o.AnonymousWhenUnavailable, hints: o.ClientHints,
		plainHTTP: plainHTTP{insecure: o.InsecureHTTP}, transport: o.Transport,
		binding: o.Binding, proxies: slices.Clone(o.TrustedProxies),
		origins: originPolicy{allowAll: o.AllowCrossSite, trusted: slices.Clone(o.TrustedOrigins)},
		saveOn:  o.SaveOn, onEvent: o.OnEvent, respond: o.ErrorResponse, clock: o.Now, ownClock: ownClock,
		watchEvery: o.WatchInterval,
	}, nil
}

// String names the manager and keeps everything else out of logs.
func (m *Manager) String() string { return "session.Manager(" + m.name + ")" }

// Ready panics when m is nil or was not made by New or NewSealed. Every adapter's Middleware calls it, so that the
// program stops where it is put together, and not at its first visitor.
func (m *Manager) Ready() {
	if m == nil || m.store == nil && m.sealing == nil {
		panic("session: this manager is nil or empty: pass what session.New or " +
			"session.NewSealed has returned, after a look at its error")
	}
}
