package servers

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PgBouncer starts a PgBouncer before a PostgreSQL server. It gives a connection to whoever has a transaction, and
// knows nothing of prepared statements.
func PgBouncer(t testing.TB, behind *Server) *Server {
	t.Helper()
	program := find(t, "pgbouncer", "pgbouncer", "/usr/sbin")
	dir := tempDir(t)
	give(t, dir, "postgres")
	host, port, err := net.SplitHostPort(behind.Addr)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	return launch(t, dir, func(listen int) *exec.Cmd {
		settings := fmt.Sprintf("[databases]\n* = host=%s port=%s user=postgres\n"+
			"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %d\nunix_socket_dir =\n"+
			"auth_type = any\npool_mode = transaction\n%s", host, port, listen, withoutStatements(t, program))
		if err := os.WriteFile(config, []byte(settings), 0o644); err != nil { // another user reads it
			t.Error(err)
		}
		cmd := exec.Command(program, config)
		demote(t, cmd, "postgres")
		return cmd
	}, answersStartup)
}

// withoutStatements is the setting that keeps PgBouncer from knowing prepared statements. Versions before 1.21 refuse
// it.
func withoutStatements(t testing.TB, program string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), program, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	var minor int
	if _, err := fmt.Sscanf(string(output), "PgBouncer 1.%d", &minor); err == nil && minor < 21 {
		return ""
	}
	return "max_prepared_statements = 0\n"
}
