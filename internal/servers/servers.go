// Package servers starts private servers for tests, from what Debian packages: on free loopback ports, with all files
// in a temporary folder, and ended with the test.
package servers

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 15 * time.Second
	attempts     = 3 // another process may take a port between its choice and its use
)

// Server is a server of a test's own.
type Server struct {
	// Addr is where it listens: host and port.
	Addr string
	// Dir holds its files, which outlive Stop and Kill.
	Dir string

	t     testing.TB
	quit  syscall.Signal              // what it takes for "end soon, without waiting for clients"
	start func() *exec.Cmd            // the command that serves at Addr from Dir
	ready func(context.Context) error // nil once it answers

	mu     sync.Mutex
	cmd    *exec.Cmd
	output *bytes.Buffer
	exited chan struct{}
}

// find returns the path of a program, on PATH or in one of the places where Debian keeps it. Without it the test is
// skipped, or fails where CI is set: there everything has to be tested.
func find(t testing.TB, program, debianPackage string, places ...string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	for _, place := range places {
		found, _ := filepath.Glob(filepath.Join(place, program)) // the patterns are constants
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	message := fmt.Sprintf("NOT TESTED: there is no %s on this machine (Debian: apt-get install %s)",
		program, debianPackage)
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// tempDir is a folder that a server may own. Unlike t.TempDir's its parents are open to other users, and its name
// is short enough for a socket's path.
func tempDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cc") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // what the system cleans up too
	return dir
}

// freePort is a port that nobody listens on at the moment.
func freePort(t testing.TB) int {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// launch starts a new server at a free port. command builds its command line for an address; ready returns nil once
// the server there answers.
func launch(
	t testing.TB, dir string, command func(port int) *exec.Cmd, ready func(ctx context.Context, addr string) error,
) *Server {
	t.Helper()
	var err error
	for range attempts {
		port := freePort(t)
		s := &Server{
			t: t, Dir: dir, quit: syscall.SIGTERM, Addr: fmt.Sprintf("127.0.0.1:%d", port),
			start: func() *exec.Cmd { return command(port) },
		}
		s.ready = func(ctx context.Context) error { return ready(ctx, s.Addr) }
		if err = s.run(); err == nil {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatal(err)
	return nil
}

// Start starts a server again that was stopped or killed, at the same address and with the same files.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.run(); err != nil {
		s.t.Fatal(err)
	}
}

// Stop asks the server to end and waits until it has.
func (s *Server) Stop() { s.end(s.quit) }

// Kill ends the server at once, as a power cut does.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return fmt.Errorf("%s is running already", s.Addr)
	}
	cmd, output, exited := s.start(), &bytes.Buffer{}, make(chan struct{})
	cmd.Stdout, cmd.Stderr = output, output
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // how it ended is in its output
		close(exited)
	}()
	s.cmd, s.output, s.exited = cmd, output, exited
	if err := s.await(); err != nil {
		_ = cmd.Process.Kill() // it may have ended by itself
		<-exited
		s.cmd = nil
		return fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, output)
	}
	return nil
}

// await returns once the server answers.
func (s *Server) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		err := s.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return fmt.Errorf("it ended at once: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-poll.C:
		}
	}
}

func (s *Server) end(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(signal) // it may have ended by itself
	select {
	case <-s.exited:
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill() // as above
		<-s.exited
	}
	s.cmd = nil
}

// listening is a ready function for servers that answer as soon as they accept connections.
func listening(ctx context.Context, addr string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return c.Close()
}
