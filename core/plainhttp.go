package session

import (
	"errors"
	"strings"
	"sync/atomic"
)

var (
	errPlainHTTP = errors.New("session: a Secure cookie was sent over plain http, where browsers drop it, so that " +
		"no visitor keeps a session: serve https, let the proxy in front send X-Forwarded-Proto, " +
		"or set Options.InsecureHTTP for local development")
	errInsecureHTTP = errors.New("session: Options.InsecureHTTP is set, but the site is served over https, where " +
		"the cookie should be Secure: take the option out")
)

// plainHTTP is what a manager's options say of cookies over plain http.
type plainHTTP struct {
	insecure bool // Options.InsecureHTTP
	warned   atomic.Bool
}

// warnOfPlainHTTP is called where a session's cookie is issued, and for no other response. What it believes of the
// headers of a request decides about a warning and about nothing else.
func (s *Session) warnOfPlainHTTP() {
	t := &s.m.plainHTTP
	if t.warned.Load() || isLocalOrTest(visitedHost(s.x)) || encrypted(s.x) != t.insecure || t.warned.Swap(true) {
		return
	}
	e := Event{Reason: ReasonPlainHTTP, Err: errPlainHTTP, Route: route(s.x)}
	if t.insecure {
		e.Reason, e.Err = ReasonInsecureHTTP, errInsecureHTTP
	}
	s.emit(s.m.appendEvent(nil, e))
}

// isWarning tells what deserves a look from what has failed.
func isWarning(err error) bool {
	return errors.Is(err, errPlainHTTP) || errors.Is(err, errInsecureHTTP) || errors.Is(err, ErrCrossSite) ||
		errors.Is(err, errImportEnds)
}

// visitedHost is the host that the visitor's browser has asked for, or "".
func visitedHost(x Exchange) string {
	if host := x.RequestHeader("X-Forwarded-Host"); host != "" {
		return host
	}
	return x.RequestHeader("Host")
}

// isLocalOrTest reports whether a Host header names this machine, or none that a browser visits. Browsers treat their
// own machine as if it were encrypted, some of them for cookies too, and there is nobody on the way to listen. Without
// a Host it is no browser, and example.com is what httptest.NewRequest asks for.
func isLocalOrTest(host string) bool {
	if strings.HasPrefix(host, "[") || host != "" && host[0] <= '9' {
		return parseAddress(host).IsLoopback()
	}
	name, _, _ := strings.Cut(host, ":")
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == "" || name == "example.com" || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// encrypted reports whether the browser's own connection is encrypted, as far as can be known: this one may be that
// of a proxy. Browsers send Sec-Fetch-Site to encrypted sites only, loopback apart.
func encrypted(x Exchange) bool {
	return x.RequestHeader("Sec-Fetch-Site") != "" || proxySaysHTTPS(x) || x.Facts().TLS
}

// proxySaysHTTPS knows the headers in which proxies tell of the connection they have ended.
func proxySaysHTTPS(x Exchange) bool {
	for _, h := range []struct{ name, value string }{
		{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Scheme", "https"}, {"Cloudfront-Forwarded-Proto", "https"},
		{"Forwarded", "proto=https"}, {"Forwarded", `proto="https"`}, {"Cf-Visitor", `"https"`},
		{"X-Forwarded-Ssl", "on"}, {"Front-End-Https", "on"},
	} {
		if strings.Contains(strings.ToLower(x.RequestHeader(h.name)), h.value) {
			return true
		}
	}
	return false
}
