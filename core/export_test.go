package session

import (
	"context"

	"github.com/coatcheck/coatcheck/core/internal/wire"
)

// IsLive reports whether a record's data is a session and neither an alias nor an ended marker.
func IsLive(data []byte) bool {
	var e wire.Envelope
	return e.Parse(data) == nil && e.Kind == wire.Live
}

// TokenOf is how 32 bytes are written as a token.
func TokenOf(b []byte) string { return base64url.EncodeToString(b) }

// ForgetContexts forgets what RegisterContext has registered, until restore is called.
func ForgetContexts() (restore func()) {
	var registered []func(context.Context) context.Context
	registered, frameworkContexts = frameworkContexts, nil
	return func() { frameworkContexts = registered }
}

// Watched returns how many sessions are watched, and whether the goroutine that looks after them runs.
func Watched(m *Manager) (sessions int, running bool) {
	h := m.watching()
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.sessions), h.running
}
