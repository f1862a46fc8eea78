package session

import "context"

// Ready panics when m is nil or was not made by New or NewSealed. Every adapter's Middleware calls it, so that the
// program stops where it is put together, and not at its first visitor.
func (m *Manager) Ready() {
	if m == nil || m.store == nil && m.sealing == nil {
		panic("session: Middleware needs a manager, and this one is nil or empty: pass what session.New or session.NewSealed " +
			"has returned, after a look at its error")
	}
}

// needContext panics where a nil pointer would say nothing.
func needContext(ctx context.Context) {
	if ctx == nil {
		panic("session: From(nil): pass the request's context to session.From, or what the framework's handler was given to the adapter's From")
	}
}
