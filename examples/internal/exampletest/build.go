package exampletest

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

// Build compiles the program in the present directory, or the one that args name, and returns its path. When the
// test itself runs under the race detector, so does the program.
func Build(t *testing.T, args ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "program.exe")
	if err := BuildTo(binary, args...); err != nil {
		t.Fatal(err)
	}
	return binary
}

// BuildTo does what Build does for a program that outlives a test. It is linked without what only a debugger reads.
func BuildTo(binary string, args ...string) error {
	if err := openSources(); err != nil {
		return err
	}
	line := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", binary}
	if racing() {
		line = append(line, "-race")
	}
	if out, err := exec.Command("go", append(line, args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

func racing() bool {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return false
	}
	for _, s := range info.Settings {
		if s.Key == "-race" {
			return s.Value == "true"
		}
	}
	return false
}

// openSources opens every Go file of the repository but its tests, and every go.mod. "go test" repeats an earlier
// result unless a file that the test opened has changed, and it does not see what the compiler opens.
func openSources() error {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/coatcheck/coatcheck").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	return filepath.WalkDir(string(bytes.TrimSpace(out)), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir(), strings.HasSuffix(path, "_test.go"), !strings.HasSuffix(path, ".go") && d.Name() != "go.mod":
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
}
