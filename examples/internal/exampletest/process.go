package exampletest

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what normally takes a moment.
const Patience = 30 * time.Second

// start builds the example whose test this is, runs it on a free port until the test ends, and returns its URL.
func start(t *testing.T) string {
	t.Helper()
	binary := Build(t)
	for range 3 { // somebody else may take the port before the example does
		at := FreeAddress(t)
		if listens(t, at, Launch(t, binary, []string{"-addr", at}, func(string) {})) {
			return "http://" + at
		}
	}
	t.Fatal("the example ended before it listened")
	return ""
}

// FreeAddress returns an address on this machine at which nobody listens yet.
func FreeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Serve runs a program that listens at an address until the test ends, and returns when it does.
func Serve(t *testing.T, at, binary string, args ...string) {
	t.Helper()
	if !listens(t, at, Launch(t, binary, args, func(string) {})) {
		t.Fatal("the program ended before it listened")
	}
}

// listens waits until somebody listens at an address. It returns false if the program that should has ended.
func listens(t *testing.T, at string, ended <-chan struct{}) bool {
	t.Helper()
	again, enough := time.NewTicker(10*time.Millisecond), time.After(Patience)
	defer again.Stop()
	for {
		select {
		case <-again.C:
			if connection, err := net.Dial("tcp", at); err == nil {
				_ = connection.Close()
				return true
			}
		case <-ended:
			return false
		case <-enough:
			t.Fatal("the program does not listen")
		}
	}
}

// Launch runs a program until the test ends, and hands over each line that it prints. The channel is closed if the
// program ends by itself.
func Launch(t *testing.T, binary string, args []string, printed func(line string)) (ended <-chan struct{}) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			printed(lines.Text())
		}
		_, _ = io.Copy(io.Discard, stdout) // after a line that is too long for a Scanner
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error says that it has ended already
		<-closed
		_ = cmd.Wait()
		examine(t, stderr.String())
	})
	return closed
}

// examine looks through a program's standard error for what no visitor could see.
func examine(t *testing.T, stderr string) {
	for _, bad := range []string{"DATA RACE", "panic", "session: "} {
		if strings.Contains(stderr, bad) {
			t.Errorf("the program's standard error mentions %q", bad)
		}
	}
	if t.Failed() && stderr != "" {
		t.Logf("the program's standard error:\n%s", stderr)
	}
}
