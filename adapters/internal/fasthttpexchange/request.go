package fasthttpexchange

import (
	"bytes"
	"net/url"
	"strings"

	session "github.com/coatcheck/coatcheck/core"
)

// exchange is an Exchange as the core sees it.
type exchange Exchange

// rememberRequest copies the request line and the cookies, all in one string: reading them later, in a goroutine of the
// handler's, would race with one that proxies or rewrites the request, and use a buffer that the framework's own
// accessors use too.
func (x *Exchange) rememberRequest() {
	header := &x.ctx.Request.Header
	lines := (*exchange)(x).requestLines("Cookie")
	method, target := header.Method(), targetOf(header.RequestURI())
	size := len(method) + len(" ") + len(target)
	for _, line := range lines {
		size += len(line)
	}
	var all strings.Builder
	all.Grow(size)
	all.Write(method)
	all.WriteByte(' ')
	all.Write(target)
	x.line = all.String()
	x.cookies = x.space[:0]
	for _, line := range lines {
		x.cookies = append(x.cookies, added(&all, line))
	}
}

// targetOf returns path and query of a request line, which begins with a scheme and a host where the client speaks to a
// proxy.
func targetOf(requestURI []byte) []byte {
	if bytes.HasPrefix(requestURI, []byte("/")) || string(requestURI) == "*" {
		return requestURI
	}
	_, rest, _ := bytes.Cut(requestURI, []byte("://"))
	if end := bytes.IndexAny(rest, "/?"); end >= 0 {
		return rest[end:]
	}
	return nil
}

// added returns the copy of s that it makes at the end of b.
func added(b *strings.Builder, s []byte) string {
	start := b.Len()
	b.Write(s)
	return b.String()[start:]
}

func (x *exchange) CookieLines() []string { return x.cookies }

func (x *exchange) RequestHeader(name string) string {
	if name == "Host" {
		if host := hostOf(x.ctx.Request.Header.RequestURI()); host != "" {
			return host
		}
	}
	lines := x.requestLines(name)
	for i := range lines {
		lines[i] = bytes.Trim(lines[i], " \t")
	}
	if len(lines) == 1 {
		switch string(lines[0]) { // which browsers send with each request, so that it takes no copy
		case "same-origin":
			return "same-origin"
		case "same-site":
			return "same-site"
		case "cross-site":
			return "cross-site"
		case "none":
			return "none"
		}
	}
	return joined(lines)
}

// hostOf returns the host of a request line that holds a whole URL, for which it counts in place of the Host header
// (RFC 9112 §3.2.2), or "".
func hostOf(requestURI []byte) string {
	if len(requestURI) == 0 || requestURI[0] == '/' {
		return ""
	}
	u, err := url.ParseRequestURI(string(requestURI))
	if err != nil {
		return ""
	}
	return u.Host
}

// requestLines finds a header in whatever spelling the client has chosen, if the server keeps it.
func (x *exchange) requestLines(name string) (lines [][]byte) {
	header := &x.ctx.Request.Header
	if !x.anyCase {
		return header.PeekAll(name)
	}
	header.VisitAllInOrder(func(key, value []byte) {
		if strings.EqualFold(string(key), name) {
			lines = append(lines, value)
		}
	})
	return lines
}

func (x *exchange) Method() string {
	method, _, _ := strings.Cut(x.line, " ")
	return method
}

func (x *exchange) Facts() session.RequestFacts {
	_, target, _ := strings.Cut(x.line, " ")
	path, query, _ := strings.Cut(target, "?")
	return session.RequestFacts{
		Path: path, Query: query, RemoteAddr: x.ctx.RemoteAddr().String(), TLS: x.ctx.IsTLS(),
	}
}

// joined copies a header's lines into one.
func joined(lines [][]byte) string {
	if len(lines) == 1 {
		return string(lines[0])
	}
	return string(bytes.Join(lines, []byte(", ")))
}
