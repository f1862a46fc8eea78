package proof_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/markbates/goth/gothic"
	_ "github.com/stretchr/testify/assert" // by which goth's tests are written
)

// TestGothsOwnTests runs the tests of goth's gothic as its authors wrote them, on gorillastore in place of the store
// that they have for tests.
func TestGothsOwnTests(t *testing.T) {
	goth := copyOfGoth(t)
	tests := filepath.Join(goth, "gothic", "gothic_test.go")
	text, err := os.ReadFile(tests)
	mustGorilla(t, err)
	const theirs, ours = "Store = NewProviderStore()", "Store = coatcheckStore()"
	if n := strings.Count(string(text), theirs); n != 2 {
		t.Fatalf("goth's tests set their store %d times, and this test knows of 2", n)
	}
	mustGorilla(t, os.WriteFile(tests, []byte(strings.ReplaceAll(string(text), theirs, ours)), 0o600))
	store, err := os.ReadFile(filepath.Join("testdata", "gothic_store.go.txt"))
	mustGorilla(t, err)
	mustGorilla(t, os.WriteFile(filepath.Join(goth, "gothic", "coatcheck_test.go"), store, 0o600))
	run := exec.Command("go", "test", "-vet=off", "-v", "-modfile", moduleWith(t, goth), gothicPackage)
	out, err := run.CombinedOutput()
	if passed := strings.Count(string(out), "--- PASS"); err != nil || passed < 11 {
		t.Errorf("%v: %d tests passed\n%s", err, passed, out)
	}
}

const gothicPackage = "github.com/markbates/goth/gothic"

// copyOfGoth copies as much of goth as its gothic needs, to where files can be changed.
func copyOfGoth(t *testing.T) string {
	t.Helper()
	listed, err := exec.Command("go", "list", "-f", "{{.Module.Dir}}", gothicPackage).Output()
	mustGorilla(t, err)
	from, to := strings.TrimSpace(string(listed)), t.TempDir()
	for _, files := range []string{"go.mod", "*.go", "gothic/*.go", "providers/faux/*.go"} {
		found, err := filepath.Glob(filepath.Join(from, files))
		mustGorilla(t, err)
		for _, file := range found {
			text, err := os.ReadFile(file)
			mustGorilla(t, err)
			name, err := filepath.Rel(from, file)
			mustGorilla(t, err)
			mustGorilla(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o700))
			mustGorilla(t, os.WriteFile(filepath.Join(to, name), text, 0o600))
		}
	}
	return to
}

// moduleWith is this module's go.mod with goth in a folder.
func moduleWith(t *testing.T, goth string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(name)
		mustGorilla(t, err)
		if name == "go.mod" {
			text = append(text, "\nreplace github.com/markbates/goth => "+goth+"\n"...)
		}
		mustGorilla(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return filepath.Join(dir, "go.mod")
}
