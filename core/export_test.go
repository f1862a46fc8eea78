package session

import "github.com/coatcheck/coatcheck/core/internal/wire"

// IsLive reports whether a record's data is a session and neither an alias nor an ended marker.
func IsLive(data []byte) bool {
	var e wire.Envelope
	return e.Parse(data) == nil && e.Kind == wire.Live
}

// TokenOf is how 32 bytes are written as a token.
func TokenOf(b []byte) string { return base64url.EncodeToString(b) }
