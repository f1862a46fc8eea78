// Package fibersession adds sessions to Fiber v3.
//
// Fiber's cache middleware heeds what a session says of a page, and belongs outside of this package's Middleware, where it
// hears of that. Inside, it would give one visitor's page to the next.
package fibersession

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/utils/v2"
	"github.com/valyala/fasthttp"

	session "github.com/coatcheck/coatcheck/core"
)

// Middleware gives every request that passes through it a session of m's kind. Installed twice, it works once.
//
// A handler's error is turned into its response by the app's ErrorHandler right here, because the session has
// to be saved after that and before the headers leave: middleware outside sees the response and no error.
//
// The session is over when the handler returns, so a body that is streamed afterwards cannot change it. Neither can a
// handler that Fiber's timeout middleware has given up on, whichever of the two middlewares is outside.
//
// Sealed sessions make request headers of up to 4096 bytes more, which is all that Fiber accepts by default: give them
// a fiber.Config with ReadBufferSize: 16384, or visitors with a full cookie get nothing but status 431.
func Middleware(m *session.Manager) fiber.Handler {
	m.Ready()
	return func(c fiber.Ctx) error {
		x := &exchange{ctx: c.RequestCtx(), response: c.Response(), anySpelling: c.App().Server().DisableHeaderNamesNormalizing}
		x.remember()
		outer := c.Context()
		ctx, ok := m.Begin(outer, &x.session, x)
		if !ok {
			return c.Next()
		}
		c.SetContext(ctx)
		x.ctx.SetUserValue(contextKey{}, ctx)
		returned := false
		defer func() {
			if !returned {
				x.session.Discard()
			}
			x.session.End()
		}()
		settle(c, c.Next())
		if c.IsAbandoned() && outer.Err() == nil {
			x.timedOut()
		}
		if instead, ok := x.session.Commit(x.response.StatusCode()); !ok {
			x.response.SetStatusCode(instead.Status)
			x.response.SetBody(instead.Body)
		}
		returned = true
		return nil
	}
}

// From returns the request's session, never nil. It panics when Middleware is not installed on the route. With
// several managers it is the innermost one's; Manager.From picks, from c or from c.Context().
//
// Call it in the handler and not in a goroutine that may outlive it: the framework gives c to the next request, and
// with it that visitor's session. A *session.Session taken before is safe: it reports its use after the request.
func From(c fiber.Ctx) *session.Session { return session.From(c) }

// contextKey is where a request's context is among the user values that c, its *fasthttp.RequestCtx and whatever is derived
// from them show. Fiber keeps c.Context() there too, but the key is its own.
type contextKey struct{}

func init() {
	session.RegisterContext(func(ctx context.Context) context.Context {
		inner, _ := ctx.Value(contextKey{}).(context.Context)
		return inner
	})
}

// settle turns a handler's error into a response, as Fiber itself would after the last middleware.
func settle(c fiber.Ctx, err error) {
	if err == nil {
		return
	}
	if c.App().ErrorHandler(c, err) != nil {
		_ = c.SendStatus(fiber.StatusInternalServerError)
	}
}

// exchange is one request. All strings are copies: fasthttp reuses its buffers.
type exchange struct {
	session     session.Request
	ctx         *fasthttp.RequestCtx
	response    *fasthttp.Response       // what goes out
	entry       *fasthttp.ResponseHeader // the headers that were there before; nil: none
	cookies     []string
	space       [1]string
	method      string
	path        string
	anySpelling bool // the app keeps header names as they are spelt
}

// remember notes what the core may ask for while the handler is at work, and the response headers that earlier middleware
// has set, where Len counts the default content type.
func (x *exchange) remember() {
	x.rememberRequest()
	header := &x.response.Header
	defaults := 0
	if len(header.ContentType()) > 0 {
		defaults = 1
	}
	if header.Len() > defaults {
		x.entry = &fasthttp.ResponseHeader{}
		header.CopyTo(x.entry)
	}
}

// rememberRequest copies the request line and the cookies, all in one string: reading them later, in a goroutine of the
// handler's, would race with one that proxies or rewrites the request, and use a buffer that c.Get uses too.
func (x *exchange) rememberRequest() {
	lines := x.requestLines(fiber.HeaderCookie)
	method := x.ctx.Method()
	path, _, _ := bytes.Cut(x.ctx.Request.Header.RequestURI(), []byte("?"))
	size := len(method) + len(path)
	for _, line := range lines {
		size += len(line)
	}
	var all strings.Builder
	all.Grow(size)
	x.method, x.path = added(&all, method), added(&all, path)
	x.cookies = x.space[:0]
	for _, line := range lines {
		x.cookies = append(x.cookies, added(&all, line))
	}
}

// added returns the copy of s that it makes at the end of b.
func added(b *strings.Builder, s []byte) string {
	start := b.Len()
	b.Write(s)
	return b.String()[start:]
}

// timedOut lets the session have the response that goes out when Fiber's timeout middleware, inside of this one, has given
// up on the handler, which may still be writing to the other. One outside has answered already, once outer was done.
func (x *exchange) timedOut() {
	if late := x.ctx.LastTimeoutErrorResponse(); late != nil {
		x.response = late
	}
}

// Format keeps the session out of logs.
func (x *exchange) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "fibersession.Exchange") }

func (x *exchange) CookieLines() []string { return x.cookies }

func (x *exchange) RequestHeader(name string) string { return joined(x.requestLines(name)) }

// requestLines finds a header in whatever spelling the client has chosen, if the app keeps it.
func (x *exchange) requestLines(name string) (lines [][]byte) {
	header := &x.ctx.Request.Header
	if !x.anySpelling {
		return header.PeekAll(name)
	}
	for key, value := range header.AllInOrder() {
		if strings.EqualFold(string(key), name) {
			lines = append(lines, value)
		}
	}
	return lines
}

func (x *exchange) Facts() session.RequestFacts {
	return session.RequestFacts{Method: x.method, Path: x.path, RemoteAddr: x.ctx.RemoteAddr().String(), TLS: x.ctx.IsTLS()}
}

func (x *exchange) ResponseHeader(name string) string {
	var lines [][]byte
	for key, value := range x.response.Header.All() {
		if len(key) == len(name) && strings.EqualFold(string(key), name) {
			lines = append(lines, value)
		}
	}
	return joined(lines)
}

// joined copies a header's lines into one.
func joined(lines [][]byte) string {
	if len(lines) == 1 {
		return string(lines[0])
	}
	return string(bytes.Join(lines, []byte(", ")))
}

func (x *exchange) SetResponseHeader(name, value string) {
	x.RemoveResponseHeaders(func(n string) bool { return strings.EqualFold(n, name) }) // Set replaces only the first line
	x.response.Header.Set(name, value)
}

func (x *exchange) RemoveResponseHeaders(unwanted func(name string) bool) {
	header := &x.response.Header
	var found []string // the header must not change while it is gone through
	for key := range header.All() {
		if unwanted(utils.UnsafeString(key)) {
			found = append(found, string(key))
		}
	}
	for _, name := range found {
		header.Del(name)
	}
}

func (x *exchange) SetCookie(name, line string) {
	x.response.Header.DelCookie(name)
	x.AddCookie(line)
}

func (x *exchange) AddCookie(line string) { x.response.Header.Add(fiber.HeaderSetCookie, line) }

func (x *exchange) ResetResponse() {
	x.response.Reset()
	x.ctx.Hijack(nil) // nobody takes over the connection of a response that does not go out
	x.ctx.HijackSetNoResponse(false)
	if x.entry != nil {
		x.entry.CopyTo(&x.response.Header)
	}
}
