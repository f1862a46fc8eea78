package servers

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// PostgreSQL starts a PostgreSQL server that keeps what it was told across Stop, Kill and Start. Stop waits for its
// clients to hang up.
func PostgreSQL(t testing.TB) *Server {
	t.Helper()
	const debian = "/usr/lib/postgresql/*/bin"
	program := find(t, "postgres", "postgresql", debian)
	initdb := find(t, "initdb", "postgresql", debian)
	dir := tempDir(t)
	give(t, dir, "postgres")
	data := filepath.Join(dir, "data")
	prepare(t, "postgres", exec.CommandContext(t.Context(), initdb,
		"--pgdata", data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"))
	s := launch(t, dir, func(port int) *exec.Cmd {
		awaitDeserted(data)
		// What a killed process wrote is in the system's memory, so nothing needs to reach the disk.
		cmd := exec.Command(program, "-D", data, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "",
			"-c", "fsync=off", "-c", "full_page_writes=off",
			// A killed server leaves its shared memory behind, and this kind goes with the folder.
			"-c", "dynamic_shared_memory_type=mmap")
		demote(t, cmd, "postgres")
		return cmd
	}, answersStartup)
	s.quit = syscall.SIGINT // SIGTERM waits for clients to leave
	return s
}

// PostgreSQLURL is the data source name of the server's own database, for pgx.
func PostgreSQLURL(s *Server) string {
	return "postgres://postgres@" + s.Addr + "/postgres?sslmode=disable"
}

// answersStartup fails while the server is still recovering.
func answersStartup(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	const parameters = "user\x00postgres\x00\x00"
	hello := binary.BigEndian.AppendUint32(nil, uint32(8+len(parameters)))
	hello = binary.BigEndian.AppendUint32(hello, 3<<16) // the protocol's version
	if _, err := c.Write(append(hello, parameters...)); err != nil {
		return err
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	if answer[0] != 'R' {
		return fmt.Errorf("postgresql answers with message %q", answer)
	}
	return nil
}

// awaitDeserted waits until no process works in a folder. When PostgreSQL's first process is killed the others notice
// and end, and until they have the folder cannot be served again.
func awaitDeserted(dir string) {
	deadline := time.Now().Add(stopTimeout)
	for poll := time.Tick(5 * time.Millisecond); inhabited(dir) && time.Now().Before(deadline); {
		<-poll
	}
}

func inhabited(dir string) bool {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd") // the pattern is a constant
	for _, link := range links {
		if cwd, err := os.Readlink(link); err == nil && cwd == dir {
			return true
		}
	}
	return false
}

// prepare runs a command that makes a server's files, as the user who will own them.
func prepare(t testing.TB, user string, cmd *exec.Cmd) {
	t.Helper()
	demote(t, cmd, user)
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, output)
	}
}

// demote makes cmd run as another user where this test runs as root, which database servers refuse to do.
func demote(t testing.TB, cmd *exec.Cmd, user string) {
	t.Helper()
	cmd.Dir = "/" // the test's own folder may be closed to others
	if os.Getuid() != 0 {
		return
	}
	if err := runAs(cmd, user); err != nil {
		t.Fatal(err)
	}
}

// give makes a folder another user's where demote applies.
func give(t testing.TB, dir, user string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	uid, gid, err := lookup(user)
	if err == nil {
		err = os.Chown(dir, uid, gid)
	}
	if err != nil {
		t.Fatal(err)
	}
}
