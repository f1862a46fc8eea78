package servers

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// Redis starts a Redis server that keeps what it was told across Stop and Start.
func Redis(t testing.TB) *Server {
	t.Helper()
	return redis(t)
}

func redis(t testing.TB, more ...string) *Server {
	t.Helper()
	program := find(t, "redis-server", "redis-server")
	dir := tempDir(t)
	return launch(t, dir, func(port int) *exec.Cmd {
		args := []string{
			"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--daemonize", "no",
			"--save", "", "--appendonly", "yes",
		}
		return exec.Command(program, append(args, more...)...)
	}, answersPing)
}

// answersPing fails while the server is still loading what it keeps.
func answersPing(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprint(c, "PING\r\n"); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "+PONG") {
		err = fmt.Errorf("redis says %q", strings.TrimSpace(line))
	}
	return err
}
