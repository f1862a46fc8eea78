package main

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/coatcheck/coatcheck/internal/servers"
)

// pooler is a proxy that pools transactions, as PgBouncer does before its version 1.21: its clients take turns on one
// connection to the server, which keeps what each of them prepares.
type pooler struct {
	turn   sync.Mutex // held while a transaction runs
	server *pgconn.HijackedConn
}

// pool starts a pooler and returns the URL behind which the server's database is then.
func pool(t *testing.T, server string) string {
	t.Helper()
	c, err := pgconn.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	p := &pooler{}
	if p.server, err = c.Hijack(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.server.Conn.Close() })
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return "postgres://postgres@" + l.Addr().String() + "/postgres?sslmode=disable"
}

// serve greets a client as the server would, and then gives it a turn for each transaction.
func (p *pooler) serve(conn net.Conn) {
	defer conn.Close()
	client := pgproto3.NewBackend(conn, conn)
	if _, err := client.ReceiveStartupMessage(); err != nil {
		return
	}
	client.Send(&pgproto3.AuthenticationOk{})
	for name, value := range p.server.ParameterStatuses {
		client.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	client.Send(&pgproto3.BackendKeyData{SecretKey: []byte("none")})
	client.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	for client.Flush() == nil && p.transaction(client) == nil {
	}
}

// transaction passes messages on until the server is idle again.
func (p *pooler) transaction(client *pgproto3.Backend) error {
	message, err := client.Receive()
	if _, over := message.(*pgproto3.Terminate); err != nil || over {
		return net.ErrClosed
	}
	p.turn.Lock()
	defer p.turn.Unlock()
	for {
		p.server.Frontend.Send(message)
		switch message.(type) {
		case *pgproto3.Sync, *pgproto3.Query:
			if idle, err := p.answer(client); idle || err != nil {
				return err
			}
		}
		if message, err = client.Receive(); err != nil {
			return err
		}
	}
}

// answer passes the server's answers back and reports whether the transaction is over.
func (p *pooler) answer(client *pgproto3.Backend) (idle bool, err error) {
	if err := p.server.Frontend.Flush(); err != nil {
		return false, err
	}
	for {
		message, err := p.server.Frontend.Receive()
		if err != nil {
			return false, err
		}
		client.Send(message)
		if ready, ok := message.(*pgproto3.ReadyForQuery); ok {
			return ready.TxStatus == 'I', client.Flush()
		}
	}
}

// TestCheckBehindAPooler: with one connection everything works, and with two each finds the other's prepared
// statements.
func TestCheckBehindAPooler(t *testing.T) {
	direct := servers.PostgreSQLURL(servers.PostgreSQL(t))
	newSite(t, direct)
	s := &site{t: t, url: pool(t, direct)}
	const remedy = "default_query_exec_mode=exec"
	if status, stdout, stderr := s.run("check"); status != exitFailed || !strings.Contains(stdout, remedy) {
		t.Errorf("check: status %d, stderr %q, want a failure that leads to %s:\n%s", status, stderr, remedy, stdout)
	}
	s.fails(remedy, "list", "user:42") // the check has left its statements there
	s.url += "&" + remedy
	s.done("check")
	s.done("list", "user:42", "--json")
}
