package servers

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
)

// Memcached starts a Memcached server. It forgets everything when it stops.
func Memcached(t testing.TB) *Server {
	t.Helper()
	return MemcachedWith(t)
}

// MemcachedWith starts a Memcached server with more options on its command line.
func MemcachedWith(t testing.TB, options ...string) *Server {
	t.Helper()
	program := find(t, "memcached", "memcached")
	return launch(t, tempDir(t), func(port int) *exec.Cmd {
		args := []string{"-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0"}
		if os.Getuid() == 0 {
			args = append(args, "-u", "root") // it asks for a user, and has no files
		}
		return exec.Command(program, append(args, options...)...)
	}, listening)
}
