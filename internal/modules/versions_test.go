package modules

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs are the modules that nobody imports. What they require is free to be what the workspace has.
var programs = []string{"benchmarks", "cmd/coatcheck", "examples", "examples/shop/browsertest", "internal/drivers"}

// TestProgramsAreBuiltOnce: a program by itself and in the workspace has the same versions. One that is older makes
// "make check" compile everything above it a second time, which for a database in Go takes minutes.
func TestProgramsAreBuiltOnce(t *testing.T) {
	needsModules(t)
	cmd := exec.Command("go", "list", "-m", "all")
	cmd.Dir = checkout(t)
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
	listed, err := cmd.Output()
	must(t, err)
	workspace := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(listed)); lines.Scan(); {
		path, version, _ := strings.Cut(lines.Text(), " ")
		workspace[path] = version
	}
	for _, m := range all(t) {
		for _, p := range programs {
			if m.dir != filepath.Join(checkout(t), p) {
				continue
			}
			for _, r := range m.Require {
				if now := workspace[r.Path]; now != r.Version && !strings.HasPrefix(r.Path, coatcheck) {
					t.Errorf("%s requires %s %s and the workspace has %q: in %s run go get %[2]s@%[4]s",
						m.Module.Path, r.Path, r.Version, now, p)
				}
			}
		}
	}
}
