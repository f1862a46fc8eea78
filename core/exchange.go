package session

// Exchange is one HTTP request and its pending response headers, as an adapter shows them to the core.
// The core calls it only while the request runs: CookieLines from any goroutine that uses or saves the session, more
// than once, Method and Facts from whichever makes a mistake with it, all three also while the handler is at work; and
// the rest from the one that calls Manager.Begin, Request.Commit or Discard, or Guard.Admit. Method, Facts and
// CookieLines must therefore read nothing that a handler may be writing.
//
// Strings returned are owned by the caller: an adapter for a framework that reuses its buffers must copy.
type Exchange interface {
	// CookieLines returns the values of all Cookie header lines, unparsed.
	CookieLines() []string
	// RequestHeader returns a request header, several lines joined with ", ", or "". Host is that of the URL where the
	// request line holds a whole one. Begin asks for Sec-Fetch-Site, and perhaps Origin and Host, if the method is
	// unsafe, and for Authorization, User-Agent and X-Forwarded-For where the options want them: a token that came in two
	// lines must be seen as two.
	RequestHeader(name string) string
	// Method returns the request's method. Begin asks for it each time, so it costs next to nothing.
	Method() string
	// Facts returns what else the request line and the connection tell, as it was when the exchange began. The core asks
	// only when it needs them, within Begin, at the commit, for a guard, or to report a failure. It may hold the session's
	// lock, so Facts must not use the session.
	Facts() RequestFacts
	// ResponseHeader returns the pending response header, several lines joined with ", ", or "". Here and in the next
	// two methods a header is found however the handler has spelt its name.
	ResponseHeader(name string) string
	// SetResponseHeader replaces a pending response header.
	SetResponseHeader(name, value string)
	// RemoveResponseHeaders removes every pending response header whose name is unwanted.
	RemoveResponseHeaders(unwanted func(name string) bool)
	// SetCookie adds a Set-Cookie line. It replaces earlier lines for the cookie of that name and leaves others alone.
	SetCookie(name, line string)
	// AddCookie adds a Set-Cookie line and replaces none, whatever the cookie's name.
	AddCookie(line string)
	// ResetResponse puts status, headers and pending body back to what they were when the exchange began.
	ResetResponse()
}

// RequestFacts is what an adapter knows of a request besides its method and headers.
type RequestFacts struct {
	// Path is the path as the client sent it, without the query.
	Path string
	// Query is what follows the question mark, as the client sent it; "" also where a question mark ends the path.
	Query string
	// RemoteAddr is the address of the connection's other end, with or without a port. It never comes from a header:
	// which proxies are to be believed is for Options to say.
	RemoteAddr string
	// TLS says that this connection is encrypted, whatever a proxy in front of it does.
	TLS bool
}
