package fasthttpexchange

import (
	"bytes"
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
	method, path := header.Method(), pathOf(header.RequestURI())
	size := len(method) + len(" ") + len(path)
	for _, line := range lines {
		size += len(line)
	}
	var all strings.Builder
	all.Grow(size)
	all.Write(method)
	all.WriteByte(' ')
	all.Write(path)
	x.line = all.String()
	x.cookies = x.space[:0]
	for _, line := range lines {
		x.cookies = append(x.cookies, added(&all, line))
	}
}

// pathOf returns the path of a request line, which begins with a scheme and a host where the client speaks to a proxy.
func pathOf(requestURI []byte) []byte {
	path, _, _ := bytes.Cut(requestURI, []byte("?"))
	if bytes.HasPrefix(path, []byte("/")) || string(path) == "*" {
		return path
	}
	_, rest, _ := bytes.Cut(path, []byte("://"))
	if slash := bytes.IndexByte(rest, '/'); slash >= 0 {
		return rest[slash:]
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

func (x *exchange) RequestHeader(name string) string { return joined(x.requestLines(name)) }

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

func (x *exchange) Facts() session.RequestFacts {
	method, path, _ := strings.Cut(x.line, " ")
	return session.RequestFacts{
		Method: method, Path: path, RemoteAddr: x.ctx.RemoteAddr().String(), TLS: x.ctx.IsTLS(),
	}
}

// joined copies a header's lines into one.
func joined(lines [][]byte) string {
	if len(lines) == 1 {
		return string(lines[0])
	}
	return string(bytes.Join(lines, []byte(", ")))
}
