// Package fasthttpexchange is what the adapters of the fasthttp family share: one request's exchange with the core. It
// uses what every fasthttp since v1.51 has, because Fiber v2 and Fiber v3 want different ones.
package fasthttpexchange

import (
	"context"

	"github.com/valyala/fasthttp"

	session "github.com/coatcheck/coatcheck/core"
)

// Exchange is one request: the session, what the core may ask of the request, and the response that waits for the
// handler to return. All strings are copies: fasthttp reuses its buffers.
type Exchange struct {
	session  session.Request
	ctx      *fasthttp.RequestCtx
	response *fasthttp.Response       // what goes out
	entry    *fasthttp.ResponseHeader // the headers that were there before; nil: none
	outer    any                      // the user value whose place this request's context has taken; nil: none
	cookies  []string
	space    [1]string
	line     string // method and path, with a space between them
	anyCase  bool   // the server leaves header names as they are spelt
}

// Begin starts a request of c's in ctx. It returns the context for the rest of the way, and false when the manager's
// middleware is at work already, also if what has replaced the framework's context since does not tell. anyCase says
// that the server leaves header names as they are spelt.
func (x *Exchange) Begin(
	ctx context.Context, m *session.Manager, c *fasthttp.RequestCtx, anyCase bool,
) (context.Context, bool) {
	x.ctx, x.response, x.anyCase, x.outer = c, &c.Response, anyCase, c.UserValue(contextKey{})
	if outer, ok := x.outer.(context.Context); ok && m.Exchange(outer) != nil {
		return ctx, false
	}
	x.rememberRequest()
	x.rememberHeaders()
	ctx, ok := m.Begin(ctx, &x.session, (*exchange)(x))
	if ok {
		c.SetUserValue(contextKey{}, ctx)
	}
	return ctx, ok
}

// contextKey is where a request's context is among its user values, which the frameworks' own context types show, and
// whatever is derived from them. The frameworks keep the context there too, but an application can replace theirs.
type contextKey struct{}

func init() {
	session.RegisterContext(func(ctx context.Context) context.Context {
		inner, _ := ctx.Value(contextKey{}).(context.Context)
		return inner
	})
}

// Restore is called after Finish, unless the handler may be running still. It reports whether another manager's session
// is around this one, whose context the framework is to have back: middleware between the two goes on with that.
func (x *Exchange) Restore() bool {
	if x.outer == nil {
		return false
	}
	x.ctx.SetUserValue(contextKey{}, x.outer)
	return true
}

// rememberHeaders keeps the response headers that earlier middleware has set. Len counts the default content type.
func (x *Exchange) rememberHeaders() {
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

// TimedOut is for a framework that has given up on its handler, which may be writing to its response still. What goes
// out is the response that fasthttp has been given instead, if there is one.
func (x *Exchange) TimedOut() {
	if instead := x.ctx.LastTimeoutErrorResponse(); instead != nil {
		x.response = instead
	}
}

// Commit commits once the handler has returned. When that fails, the session's own answer takes the response's place.
func (x *Exchange) Commit() {
	if instead, ok := x.session.Commit(x.response.StatusCode()); !ok {
		x.response.SetStatusCode(instead.Status)
		x.response.SetBody(instead.Body)
	}
}

// Finish ends the request. committed says that Commit has returned: no panic is passing by.
func (x *Exchange) Finish(committed bool) {
	if !committed {
		x.session.Discard()
	}
	x.session.End()
}
