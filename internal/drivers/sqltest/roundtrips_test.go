package sqltest

import (
	"context"
	"database/sql"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// wire stands between a driver and its server and counts how often the driver speaks after the server has.
type wire struct {
	addr string

	mu       sync.Mutex
	answered bool
	trips    int
	open     []net.Conn
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	w := &wire{addr: l.Addr().String(), answered: true}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				return
			}
			w.mu.Lock()
			w.open = append(w.open, client)
			w.mu.Unlock()
			go w.carry(upstream, client, false)
			go w.carry(client, upstream, true)
		}
	}()
	return w
}

func (w *wire) carry(to, from net.Conn, answer bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !asksNothing(buffer[:n]) {
			w.note(answer)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// asksNothing recognises MySQL's COM_STMT_CLOSE, which nobody waits for.
func asksNothing(packet []byte) bool {
	const header, closes = 4, 0x19
	return len(packet) == header+5 && packet[header] == closes
}

func (w *wire) note(answer bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !answer && w.answered {
		w.trips++
	}
	w.answered = answer
}

// cut ends all connections, as a server that restarts does.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

func (w *wire) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trips
}

// TestRoundTrips: a request waits for each of them, and drivers hide some.
func TestRoundTrips(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		w := newWire(t, servers.PostgreSQL(t).Addr)
		config, err := pgx.ParseConfig("postgres://postgres@" + w.addr + "/postgres?sslmode=disable")
		must(t, err)
		// By default the driver pings a connection that was idle for a second, which a slow machine may make it.
		never := stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { return false })
		testRoundTrips(t, sqlstore.PostgreSQL, stdlib.OpenDB(*config, never), w, 1)
	})
	t.Run("MariaDB", func(t *testing.T) {
		w := newWire(t, servers.MariaDB(t).Addr)
		config := mysql.NewConfig()
		config.User, config.Net, config.Addr, config.DBName = "root", "tcp", w.addr, "test"
		connector, err := mysql.NewConnector(config)
		must(t, err)
		testRoundTrips(t, sqlstore.MySQL, sql.OpenDB(connector), w, 3) // a search, then a delete that is prepared
	})
}

func testRoundTrips(t *testing.T, d sqlstore.Dialect, db *sql.DB, w *wire, sweepTrips int) {
	t.Helper()
	t.Cleanup(func() { db.Close() })
	db.SetMaxOpenConns(1)
	s, err := sqlstore.New(db, d, sqlstore.Options{})
	must(t, err)
	must(t, s.Migrate(t.Context()))
	for round := range 2 { // in the first one the driver prepares
		trips := map[string]int{}
		count := func(operation string, call func() error) {
			before := w.count()
			must(t, call())
			trips[operation] = w.count() - before
		}
		callEverything(t, s, count)
		for operation, n := range trips {
			want := 1
			if operation == "Sweep" {
				want = sweepTrips
			}
			if round == 1 && n != want {
				t.Errorf("%s takes %d round trips, want %d", operation, n, want)
			}
		}
	}
}

func callEverything(t *testing.T, s *sqlstore.Store, count func(operation string, call func() error)) {
	r, due := newRecord(epoch.Add(time.Hour), 300), newRecord(epoch, 300)
	r.Subject = "user:1"
	count("Create", func() error { return s.Create(t.Context(), r) })
	count("Load", func() error { _, err := s.Load(t.Context(), r.ID); return err })
	count("Update", func() error { return s.Update(t.Context(), r) })
	count("Touch", func() error { return s.Touch(t.Context(), r.ID, epoch.Add(time.Minute), epoch.Add(2*time.Hour)) })
	count("Find", func() error { _, err := s.Find(t.Context(), r.Subject); return err })
	count("LoadAll", func() error { _, err := s.LoadAll(t.Context(), []session.RecordID{r.ID, due.ID}); return err })
	count("Walk", func() error { _, _, err := s.Walk(t.Context(), "", 500); return err })
	count("Expired", func() error { _, err := s.Expired(t.Context(), epoch); return err })
	count("Delete", func() error { return s.Delete(t.Context(), r.ID) })
	must(t, s.Create(t.Context(), due))
	count("Sweep", func() error { _, err := s.Sweep(t.Context(), epoch, 10); return err })
}
