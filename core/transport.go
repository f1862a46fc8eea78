package session

import "strings"

// Transport says how a session's token travels between the client and your servers.
type Transport int

const (
	// CookieOnly has browsers keep the token in a cookie.
	CookieOnly Transport = iota
	// Bearer is for clients that are no browsers. They send the token as "Authorization: Bearer <token>", and get a new
	// one in the response header Session-Token, which is to replace the one they have. Cookies are neither read nor set,
	// and the cross-site rule is left out, because no page of another origin can make a browser send that header unless
	// your site's CORS headers let it. To a client of another origin these also have to expose Session-Token. A Destroy
	// sends no header. Without Options.Revocations it ends nothing of a sealed session, whose token stays good until it
	// expires: the client has to throw it away by itself.
	Bearer
	// Either serves both on the same routes. A request with a Bearer token, or with "Authorization: Bearer" alone, by
	// which a client asks for its first token, is a bearer's: its cookies are not looked at. All others are browsers'.
	Either
)

// String returns "cookie", "bearer" or "either".
func (t Transport) String() string {
	switch t {
	case Bearer:
		return "bearer"
	case Either:
		return "either"
	default:
		return "cookie"
	}
}

// tokenHeader is the response header that brings a bearer its new token.
const tokenHeader = "Session-Token"

// variesBy is the list of request headers that a session depends on.
func (t Transport) variesBy() string {
	switch t {
	case Bearer:
		return "Authorization"
	case Either:
		return "Authorization, Cookie"
	default:
		return "Cookie"
	}
}

// isBearer reports whether the request's token travels in headers.
func (c *client) isBearer() bool { return c != nil && c.bearer }

// transport is the way of the request's token for an Event.
func (c *client) transport() string {
	if c.isBearer() {
		return "bearer"
	}
	return "cookie"
}

// presented collects what a request presents as tokens: a bearer's one, or its cookies' values. Nothing else looks at
// either.
func (m *Manager) presented(c *client, x Exchange) (found candidates) {
	switch {
	case !c.isBearer():
		return m.cookie.find(x.CookieLines(), m.checkValue)
	case c.token != "":
		found.add(c.token, m.checkBearer)
	}
	return found
}

// checkBearer is checkValue for what an Authorization header holds. Blanks and commas are between several tokens.
func (m *Manager) checkBearer(token string) Reason {
	if reason := m.checkValue(token); reason != "" {
		return reason
	}
	if strings.ContainsAny(token, " \t,") {
		return ReasonMalformed
	}
	return ""
}

// bearerToken returns what an Authorization header holds behind the scheme Bearer (RFC 6750 §2.1), and whether it is of
// this scheme. Several headers, which an exchange joins with commas, are of this scheme if one of them is; what it
// returns then is no token.
func bearerToken(header string) (token string, bearer bool) {
	header = trimBlanks(header)
	if rest, ok := cutBearer(header); ok {
		return strings.TrimLeft(rest, " "), true
	}
	for other := range strings.SplitSeq(header, ",") {
		if _, ok := cutBearer(trimBlanks(other)); ok {
			return header, true
		}
	}
	return "", false
}

// cutBearer takes the scheme off, which is not case-sensitive (RFC 9110 §11.1).
func cutBearer(credentials string) (rest string, ok bool) {
	const scheme = "Bearer"
	if len(credentials) < len(scheme) || !strings.EqualFold(credentials[:len(scheme)], scheme) {
		return "", false
	}
	rest = credentials[len(scheme):]
	return rest, rest == "" || strings.IndexByte(" \t,", rest[0]) >= 0
}
