package sqltest

import (
	"database/sql"
	"sync"
	"testing"

	"github.com/coatcheck/coatcheck/internal/servers"
)

const pooled = 16

// TestRestartCostsNobodyAnAnswer: the server is back, and the pool is full of connections that it does not know.
// Drivers notice some of them beforehand: pgx pings what was idle for a second.
func TestRestartCostsNobodyAnAnswer(t *testing.T) {
	for name, start := range map[string]func(t *testing.T) (database, *wire){
		"PostgreSQL": func(t *testing.T) (database, *wire) {
			s := servers.PostgreSQL(t)
			w := newWire(t, s.Addr)
			s.Addr = w.addr
			return onPostgreSQL(s, ""), w
		},
		"MariaDB": func(t *testing.T) (database, *wire) {
			s := servers.MariaDB(t)
			w := newWire(t, s.Addr)
			s.Addr = w.addr
			return onMariaDB(s, ""), w
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, w := start(t)
			s, db := d.migrated(t)
			r := newRecord(epoch, 10)
			must(t, s.Create(t.Context(), r))
			fillPool(t, db)
			w.cut()
			var calls sync.WaitGroup
			for range 2 * pooled {
				calls.Go(func() {
					if _, err := s.Load(t.Context(), r.ID); err != nil {
						t.Error(err)
					}
				})
			}
			calls.Wait()
			must(t, s.Update(t.Context(), r))
		})
	}
}

// fillPool leaves idle connections.
func fillPool(t *testing.T, db *sql.DB) {
	t.Helper()
	for range pooled {
		c, err := db.Conn(t.Context())
		must(t, err)
		defer c.Close()
	}
}
