package ginsession

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/coatcheck/coatcheck/adapters/internal/responsewriter"
)

// writer commits before the first header byte. Gin's own WriteHeader only remembers the status, so it is not among
// the methods.
type writer struct {
	gin.ResponseWriter
	exchange *responsewriter.Exchange
	own      responsewriter.Exchange
}

// Format keeps the session out of logs.
func (w *writer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "ginsession.ResponseWriter") }

func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) Header() http.Header { return w.exchange.Header() }

func (w *writer) WriteHeaderNow() {
	if w.exchange.Commit(w.Status()) {
		w.ResponseWriter.WriteHeaderNow()
	}
}

func (w *writer) Write(b []byte) (int, error) {
	if !w.exchange.Commit(w.Status()) {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

func (w *writer) WriteString(s string) (int, error) {
	if !w.exchange.Commit(w.Status()) {
		return len(s), nil
	}
	return w.ResponseWriter.WriteString(s)
}

func (w *writer) Flush() {
	if w.exchange.Commit(w.Status()) {
		w.ResponseWriter.Flush()
	}
}

func (w *writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !w.exchange.CommitHeaderless() { // unless WriteHeaderNow came first
		return nil, nil, responsewriter.ErrSwallowed
	}
	return w.ResponseWriter.Hijack()
}
