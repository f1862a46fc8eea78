package session

// IsLive reports whether a record's data is a session and neither an alias nor an ended marker.
func IsLive(data []byte) bool {
	var e envelope
	return e.parse(data) == nil && e.kind == live
}

// TokenOf is how 32 bytes are written as a token.
func TokenOf(b []byte) string { return base64url.EncodeToString(b) }
