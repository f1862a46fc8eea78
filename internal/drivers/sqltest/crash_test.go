package sqltest

import (
	"bufio"
	"database/sql"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/sqlstore"
)

// TestServerKilled: what a visitor was told is saved is saved, whatever happens to the server a moment later, and the
// store goes on when the server is back.
func TestServerKilled(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		server := servers.PostgreSQL(t)
		testServerKilled(t, server, onPostgreSQL(server, ""))
	})
	t.Run("MariaDB", func(t *testing.T) {
		server := servers.MariaDB(t)
		must(t, mysql.SetLogger(&mysql.NopLogger{})) // it would print what this test does to it
		testServerKilled(t, server, onMariaDB(server, ""))
	})
}

func testServerKilled(t *testing.T, server *servers.Server, d database) {
	const writers, enough = 4, 400
	s, _ := d.migrated(t)
	records := make([]session.Record, writers)
	var saved atomic.Int64
	var working sync.WaitGroup
	killed := make(chan struct{})
	for i := range records {
		records[i] = newRecord(epoch.Add(time.Hour), 0)
		records[i].Data = binary.BigEndian.AppendUint64(nil, 1)
		must(t, s.Create(t.Context(), records[i]))
		working.Go(func() {
			records[i].Version = writeUntilRefused(t, s, records[i], func() {
				if saved.Add(1) == enough {
					close(killed)
				}
			})
		})
	}
	<-killed
	server.Kill()
	working.Wait()
	server.Start()
	for _, r := range records {
		got := eventually(t, s, r.ID)
		unacknowledged := got.Version == r.Version+1 // the answer to it was lost
		if got.Version != r.Version && !unacknowledged {
			t.Errorf("version %d is there, and %d was saved", got.Version, r.Version)
		}
		if binary.BigEndian.Uint64(got.Data) != got.Version {
			t.Errorf("version %d has the data %x of another", got.Version, got.Data)
		}
	}
}

// writeUntilRefused returns the last version that was acknowledged.
func writeUntilRefused(t *testing.T, s *sqlstore.Store, r session.Record, saved func()) uint64 {
	for ; ; r.Version++ {
		r.Data = binary.BigEndian.AppendUint64(nil, r.Version+1)
		if s.Update(t.Context(), r) != nil {
			return r.Version
		}
		saved()
	}
}

// eventually loads a record once the pool has parted with connections that are dead.
func eventually(t *testing.T, s *sqlstore.Store, id session.RecordID) session.Record {
	t.Helper()
	deadline, poll := time.Now().Add(20*time.Second), time.Tick(5*time.Millisecond)
	for ; ; <-poll {
		r, err := s.Load(t.Context(), id)
		if err == nil {
			return r
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

const killedWrites = 4000

// numbered is a record that the killed process and its judge both know.
func numbered(n int) session.Record {
	r := session.Record{
		Version: 1, Data: []byte(strings.Repeat(strconv.Itoa(n), 50)), Seen: epoch, Expires: epoch.Add(time.Hour),
	}
	binary.BigEndian.PutUint64(r.ID[:], uint64(n))
	return r
}

// TestProcessKilled: SQLite lives in the application's process, which may be killed in the middle of a write.
func TestProcessKilled(t *testing.T) {
	oneByOne(t)
	d := sqlite(t)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestWriteUntilKilled$")
	child.Env = append(os.Environ(), "SQLSTORE_KILLED="+d.source)
	output, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	last := 0
	for lines := bufio.NewScanner(output); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break
		}
		if last = n; n == killedWrites/2 {
			must(t, child.Process.Kill())
		}
	}
	if err := child.Wait(); err == nil || last < killedWrites/2 || last >= killedWrites {
		t.Fatalf("the process was not killed in the middle: it ended with %v after %d writes", err, last)
	}
	t.Logf("killed after %d writes", last)
	wholeUpTo(t, d, last)
}

// wholeUpTo checks that the writes up to the last one are there, and at most one that nobody was told of.
func wholeUpTo(t *testing.T, d database, last int) {
	t.Helper()
	s, db := d.migrated(t)
	for n := 1; n <= last; n++ {
		got, err := s.Load(t.Context(), numbered(n).ID)
		must(t, err)
		if want := numbered(n); got.Version != 2 || string(got.Data) != string(want.Data) {
			t.Fatalf("write %d reads %v", n, got)
		}
	}
	n, err := s.Expired(t.Context(), epoch.Add(time.Hour))
	must(t, err)
	if n > last+1 {
		t.Errorf("%d records are there, and %d were acknowledged", n, last)
	}
	var verdict string
	must(t, db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("the file is damaged: %s", verdict)
	}
}

// TestWriteUntilKilled is the process that TestProcessKilled kills.
func TestWriteUntilKilled(t *testing.T) {
	source := os.Getenv("SQLSTORE_KILLED")
	if source == "" {
		t.Skip("another test starts this one")
	}
	db, err := sql.Open("sqlite", source)
	must(t, err)
	defer db.Close()
	s := database{dialect: sqlstore.SQLite}.store(t, db, sqlstore.Options{})
	must(t, s.Migrate(t.Context()))
	for n := 1; n <= killedWrites; n++ {
		r := numbered(n)
		must(t, s.Create(t.Context(), r))
		must(t, s.Update(t.Context(), r))
		_, err := fmt.Fprintln(os.Stdout, n)
		must(t, err)
	}
}
