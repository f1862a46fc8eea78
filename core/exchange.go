package session

// Exchange is one HTTP request and its pending response headers, as an adapter shows them to the core.
// The core calls it only while the request runs: CookieLines from whichever goroutine first uses the session, and the
// rest from the one that calls Manager.Begin, Request.Commit or Discard.
//
// Strings returned are owned by the caller: an adapter for a framework that reuses its buffers must copy.
type Exchange interface {
	// CookieLines returns the values of all Cookie header lines, unparsed.
	CookieLines() []string
	// RequestHeader returns a request header, Host included, or "".
	RequestHeader(name string) string
	// RemoteAddr returns the client's address as the framework knows it, behind proxies if it is set up for them,
	// with or without a port. The core asks within Begin, and only for Options.ClientHints.
	RemoteAddr() string
	// ResponseHeader returns the pending response header, several lines joined with ", ", or "".
	ResponseHeader(name string) string
	// SetResponseHeader replaces a pending response header.
	SetResponseHeader(name, value string)
	// SetCookie adds a Set-Cookie line. It replaces earlier lines for the cookie of that name and leaves others alone.
	SetCookie(name, line string)
	// ResetResponse puts status, headers and pending body back to what they were when the exchange began.
	ResetResponse()
}
