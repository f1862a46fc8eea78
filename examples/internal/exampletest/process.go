package exampletest

import (
	"bufio"
	"bytes"
	"io"
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
	url := make(chan string, 1)
	ended := Launch(t, Build(t), []string{"-addr", "127.0.0.1:0"}, func(line string) {
		if u, ok := strings.CutPrefix(line, "listening on "); ok {
			url <- u
		}
	})
	select {
	case u := <-url:
		return u
	case <-ended:
		t.Fatal("the example ended before it printed its URL")
	case <-time.After(Patience):
		t.Fatal("the example did not print its URL")
	}
	return ""
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
