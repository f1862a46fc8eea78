package browsertest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/internal/soak"
)

// patience is how long one test may take on one framework, or on one store.
var patience = time.Minute

// frameworks are all that the shop runs on. What the adapters do on each, package adaptertest checks.
var frameworks = []string{"nethttp", "gin", "fiber", "echo", "echov5", "chi"}

// everywhere runs a test on each framework, with a shop of its own and a new visitor. The arguments are for the shop.
// Usually Gin stands for those whose handlers have an http.ResponseWriter, and Fiber for fasthttp.
func everywhere(t *testing.T, test func(t *testing.T, b tab), args ...string) {
	t.Helper()
	on(t, soak.Size([]string{"gin", "fiber"}, frameworks), test, args...)
}

// on runs a test on some frameworks as everywhere does.
func on(t *testing.T, frameworks []string, test func(t *testing.T, b tab), args ...string) {
	t.Helper()
	needChromium(t)
	for _, framework := range frameworks {
		t.Run(framework, func(t *testing.T) {
			t.Parallel()
			shop := open(t, framework, args...)
			test(t, newcomer(t, framework, shop))
		})
	}
}

func needChromium(t *testing.T) {
	t.Helper()
	touch()
	switch {
	case chromium != nil:
	case os.Getenv("CI") != "":
		t.Fatal("no Chromium found, and continuous integration has to have one: apt-get install chromium")
	default:
		t.Skip("NOT TESTED IN A BROWSER: no Chromium found: apt-get install chromium")
	}
}

// open runs the shop until the test ends, and returns its URL.
func open(t *testing.T, framework string, args ...string) string {
	t.Helper()
	url, _, _ := start(t, program, append(args, "-framework", framework)...)
	return url
}

// start runs a program until the test ends, and returns the URL that it prints, its standard input and the rest of its
// standard output.
func start(t *testing.T, program string, args ...string) (url string, stdin io.Writer, stdout *bufio.Reader) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(program, append(args, "-addr", "127.0.0.1:0")...)
	cmd.Stderr = &stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	stdout = bufio.NewReader(out)
	line, failed := stdout.ReadString('\n')
	deadline.Stop()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error says that it has ended already
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
		examine(t, stderr.String())
	})
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if failed != nil || !ok {
		t.Fatalf("the shop did not print its URL but %q", line)
	}
	return url, in, stdout
}

// examine looks through the shop's standard error for what no visitor could see.
func examine(t *testing.T, stderr string) {
	for _, bad := range []string{"DATA RACE", "panic", "level=ERROR"} {
		if strings.Contains(stderr, bad) {
			t.Errorf("the shop's standard error mentions %q", bad)
		}
	}
	if t.Failed() && stderr != "" {
		t.Logf("the shop's standard error:\n%s", stderr)
	}
}
