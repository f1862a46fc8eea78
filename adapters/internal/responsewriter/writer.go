package responsewriter

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
)

// ErrSwallowed is what a connection cannot be taken over for: the client already has the session's error response.
var ErrSwallowed = errors.New("session: the session could not be saved and the client has been told so")

// Writer returns the response writer for the handler. It has those of Flusher, Hijacker and Pusher that the
// original has, directly or behind Unwrap, and never others.
func (x *Exchange) Writer() http.ResponseWriter {
	w := (*writer)(x)
	f, h, p := optional(x.w)
	switch {
	case f && h && p:
		return flushHijackPusher{flushHijacker{flusher{w}}}
	case f && h:
		return flushHijacker{flusher{w}}
	case f && p:
		return flushPusher{flusher{w}}
	case f:
		return flusher{w}
	case h && p:
		return hijackPusher{hijacker{w}}
	case h:
		return hijacker{w}
	case p:
		return pusher{w}
	default:
		return w
	}
}

// optional tells which of the optional interfaces w has, itself or, as for http.ResponseController, behind its Unwrap
// methods. It asks for concrete interfaces, whose answers the compiler caches where they are asked for.
func optional(w http.ResponseWriter) (flushes, hijacks, pushes bool) {
	for {
		_, f := w.(http.Flusher)
		_, h := w.(http.Hijacker)
		_, p := w.(http.Pusher)
		flushes, hijacks, pushes = flushes || f, hijacks || h, pushes || p
		u, ok := w.(unwrapper)
		if !ok {
			return flushes, hijacks, pushes
		}
		w = u.Unwrap()
	}
}

type unwrapper interface{ Unwrap() http.ResponseWriter }

// writer is an Exchange as every handler sees it: it commits before the first header byte and, when that fails,
// swallows the handler's response.
type writer Exchange

func (w *writer) x() *Exchange { return (*Exchange)(w) }

// Unwrap is for http.ResponseController. What would send the headers is not reached through it.
func (w *writer) Unwrap() http.ResponseWriter { return w.w }

func (w *writer) Header() http.Header { return w.x().Header() }

func (w *writer) WriteHeader(status int) {
	informational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if w.failed {
		return
	}
	if informational || w.x().Commit(status) {
		w.w.WriteHeader(status)
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.x().Commit(http.StatusOK) {
		return len(b), nil
	}
	return w.w.Write(b)
}

func (w *writer) WriteString(s string) (int, error) {
	if !w.x().Commit(http.StatusOK) {
		return len(s), nil
	}
	return io.WriteString(w.w, s)
}

func (w *writer) ReadFrom(r io.Reader) (int64, error) {
	if !w.x().Commit(http.StatusOK) {
		return io.Copy(io.Discard, r)
	}
	return io.Copy(w.w, r)
}

// FlushError is here for every writer, because http.ResponseController would otherwise find one behind Unwrap and
// send the headers past the commit.
func (w *writer) FlushError() error {
	if !w.x().Commit(http.StatusOK) {
		return nil
	}
	return http.NewResponseController(w.w).Flush()
}

func (w *writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.x().CommitHeaderless() { // unless WriteHeader(101) came first
		return nil, nil, ErrSwallowed
	}
	return http.NewResponseController(w.w).Hijack()
}

func (w *writer) push(target string, o *http.PushOptions) error {
	for inner := w.w; ; {
		if p, ok := inner.(http.Pusher); ok {
			return p.Push(target, o)
		}
		u, ok := inner.(unwrapper)
		if !ok {
			return http.ErrNotSupported
		}
		inner = u.Unwrap()
	}
}

// One type for each set of optional interfaces, all of them a single pointer, so that choosing one costs nothing.
type (
	flusher           struct{ *writer }
	hijacker          struct{ *writer }
	pusher            struct{ *writer }
	flushHijacker     struct{ flusher }
	flushPusher       struct{ flusher }
	hijackPusher      struct{ hijacker }
	flushHijackPusher struct{ flushHijacker }
)

func (w flusher) Flush() { _ = w.FlushError() }

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w flushHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w pusher) Push(target string, o *http.PushOptions) error            { return w.push(target, o) }
func (w flushPusher) Push(target string, o *http.PushOptions) error       { return w.push(target, o) }
func (w hijackPusher) Push(target string, o *http.PushOptions) error      { return w.push(target, o) }
func (w flushHijackPusher) Push(target string, o *http.PushOptions) error { return w.push(target, o) }
