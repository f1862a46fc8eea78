package proof_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Debian's packages are for this Python, and not for another one that may come first on PATH.
const python3 = "/usr/bin/python3"

const pythonStart = time.Minute // on a slow machine

// startPython runs a program of testdata that serves with testdata/serve.py, and returns its URL, without a slash at
// the end. It ends with the test. packages are the Debian packages that it needs, by the modules in them: without one
// of them the test is skipped, or fails where CI is set. env is added to the environment: "NAME=value".
func startPython(t *testing.T, script string, packages map[string]string, env ...string) string {
	t.Helper()
	needPython(t, packages)
	cmd := exec.Command(python3, filepath.Join("testdata", script)) //nolint:noctx // Cleanup ends it
	cmd.Env = slices.Concat(os.Environ(), []string{"PYTHONDONTWRITEBYTECODE=1"}, env)
	var output bytes.Buffer
	cmd.Stderr = &output
	stdin, err := cmd.StdinPipe() // it ends when this closes, also with the test's process
	noError(t, err)
	stdout, err := cmd.StdoutPipe()
	noError(t, err)
	noError(t, cmd.Start())
	slow := time.AfterFunc(pythonStart, func() { _ = stdin.Close() })
	url, _ := bufio.NewReader(stdout).ReadString('\n') // "" if it has ended
	slow.Stop()
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // how it ended is in its output
		if t.Failed() {
			t.Logf("%s:\n%s", script, &output)
		}
	})
	if url == "" {
		t.Fatalf("%s does not serve", script)
	}
	return strings.TrimSpace(url)
}

// needPython skips a test for which something is missing.
func needPython(t *testing.T, packages map[string]string) {
	t.Helper()
	var modules, debian []string
	for module, name := range packages {
		modules, debian = append(modules, module), append(debian, name)
	}
	slices.Sort(debian)
	err := exec.CommandContext(t.Context(), python3, "-c", "import "+strings.Join(modules, ", ")).Run()
	if err == nil {
		return
	}
	message := "NOT TESTED: " + python3 + " lacks something (Debian: apt-get install python3 " +
		strings.Join(debian, " ") + ")"
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
