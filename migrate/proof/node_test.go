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

// nodeStart is how long packages may take to install, and a program to start, on a slow machine.
const nodeStart = 2 * time.Minute

// nodeFolder copies a folder of testdata to a temporary one and installs the packages that its lock file names.
func nodeFolder(t *testing.T, name string) string {
	t.Helper()
	for program, debian := range map[string]string{"node": "nodejs", "npm": "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, "there is no "+program+" on this machine (Debian: apt-get install "+debian+")")
		}
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund")
	cmd.Dir = folder
	cmd.WaitDelay = nodeStart
	if output, err := cmd.CombinedOutput(); err != nil {
		missing(t, "npm cannot install the packages: "+err.Error()+"\n"+string(output))
	}
	return folder
}

// missing skips a test, or fails it where CI is set: there everything has to be tested.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal("NOT TESTED: " + what)
	}
	t.Skip("NOT TESTED: " + what)
}

// startNode runs a program that prints its URL and ends when its standard input does, and returns the URL. env is added
// to the environment: "NAME=value".
func startNode(t *testing.T, folder, script string, env ...string) string {
	t.Helper()
	cmd := exec.Command("node", script) //nolint:noctx // Cleanup ends it
	cmd.Dir = folder
	cmd.Env = slices.Concat(os.Environ(), env)
	var output bytes.Buffer
	cmd.Stderr = &output
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // how it ended is in its output
		if t.Failed() {
			t.Logf("%s:\n%s", script, &output)
		}
	})
	slow := time.AfterFunc(nodeStart, func() { _ = stdin.Close() })
	defer slow.Stop()
	url, _ := bufio.NewReader(stdout).ReadString('\n') // "" if it has ended
	if url == "" {
		t.Fatalf("%s does not serve", script)
	}
	return strings.TrimSpace(url)
}
