package redisstore_test

import (
	"net"
	"sync/atomic"
	"testing"
)

// proxy stands between a client and Redis and misbehaves on demand.
type proxy struct {
	addr string
	// onRequest, if not nil, is told of what clients send, which then goes nowhere.
	onRequest atomic.Pointer[func()]
	// loseAnswers is how many of the next answers are lost, each with its connection.
	loseAnswers atomic.Int64
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	p := &proxy{addr: l.Addr().String()}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client, server)
		}
	}()
	return p
}

func (p *proxy) serve(client net.Conn, addr string) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", addr) //nolint:noctx // it ends with its client
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() {
		defer func() { _ = server.Close() }()
		forward(server, client, func() bool {
			if told := p.onRequest.Load(); told != nil {
				(*told)()
				return false
			}
			return true
		})
	}()
	forward(client, server, func() bool { return p.loseAnswers.Add(-1) < 0 || client.Close() != nil })
}

// forward copies what passes, until either side ends.
func forward(to, from net.Conn, passes func() bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if passes() {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}
