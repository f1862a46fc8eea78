package servers

import (
	"context"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// MariaDB starts a MariaDB server that keeps what it was told across Stop, Kill and Start.
func MariaDB(t testing.TB) *Server {
	t.Helper()
	return MariaDBWith(t)
}

// MariaDBWith starts a MariaDB server with more options on its command line, which its files are made with too.
func MariaDBWith(t testing.TB, options ...string) *Server {
	t.Helper()
	program := find(t, "mariadbd", "mariadb-server", "/usr/sbin")
	install := find(t, "mariadb-install-db", "mariadb-server")
	dir := tempDir(t)
	give(t, dir, "mysql")
	data := filepath.Join(dir, "data")
	small := []string{
		"--no-defaults", "--datadir=" + data, "--tmpdir=" + dir, "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=8M",
		// What a killed process wrote is in the system's memory, so nothing needs to reach the disk.
		"--innodb-flush-method=nosync", "--innodb-flush-log-at-trx-commit=2",
	}
	small = append(small, options...)
	passwordless := append(slices.Clip(small), "--auth-root-authentication-method=normal")
	prepare(t, "mysql", exec.CommandContext(t.Context(), install, passwordless...))
	return launch(t, dir, func(port int) *exec.Cmd {
		args := append(slices.Clip(small), fmt.Sprintf("--port=%d", port), "--bind-address=127.0.0.1",
			"--socket="+filepath.Join(dir, "socket"), "--pid-file="+filepath.Join(dir, "pid"), "--skip-name-resolve")
		cmd := exec.Command(program, args...)
		demote(t, cmd, "mysql")
		return cmd
	}, greets)
}

// MariaDBURL is the data source name of an empty database, for go-sql-driver.
func MariaDBURL(s *Server) string { return "root@tcp(" + s.Addr + ")/test" }

// greets fails until the server speaks: it accepts connections earlier.
func greets(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetReadDeadline(deadline) // a connection that takes none fails by itself
	}
	greeting := make([]byte, 5)
	if _, err := io.ReadFull(c, greeting); err != nil {
		return err
	}
	if greeting[4] != 10 { // the protocol's version
		return fmt.Errorf("mariadb answers with message %d", greeting[4])
	}
	return nil
}
