package modules

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module is a go.mod file, as "go mod edit -json" prints it.
type module struct {
	dir string

	Module  struct{ Path string }
	Go      string
	Require []struct{ Path, Version string }
	Replace []struct {
		Old struct{ Path string }
		New struct{ Path, Version string }
	}
	Exclude []any
}

// command is where "go install" finds the command. It refuses modules that replace others.
const command = coatcheck + "/cmd/coatcheck"

// all reads the repository's go.mod files. They are opened, so that "go test" notices when one changes.
func all(t *testing.T) (found []module) {
	t.Helper()
	err := filepath.WalkDir(checkout(t), func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		case d.IsDir() || d.Name() != "go.mod":
			return nil
		}
		if _, err := os.ReadFile(path); err != nil {
			return err
		}
		m := module{dir: filepath.Dir(path)}
		found = append(found, m)
		return json.Unmarshal(run(t, m.dir, "mod", "edit", "-json"), &found[len(found)-1])
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 2 {
		t.Fatal("there are no nested modules, so this test proves nothing")
	}
	return found
}

// TestModulesAreReleasedTogether: all modules are tagged at one commit, so each has to ask for the others as they are
// there.
func TestModulesAreReleasedTogether(t *testing.T) {
	release := ""
	for _, m := range all(t) {
		for _, r := range m.Require {
			if !strings.HasPrefix(r.Path, coatcheck) {
				continue
			}
			if release == "" {
				release = r.Version
			}
			if r.Version != release {
				t.Errorf("%s requires %s %s and others %s: one release has one version", m.Module.Path, r.Path, r.Version, release)
			}
		}
	}
	if release == "" {
		t.Fatal("no module requires another, so this test proves nothing")
	}
}

// TestModulesWorkWithoutTheWorkspace: a module finds the others in the checkout, for its users' sake all of one Go
// version. But the command replaces nothing, or it could not be installed.
func TestModulesWorkWithoutTheWorkspace(t *testing.T) {
	for _, m := range all(t) {
		if path := pathOf(t, m.dir); m.Module.Path != path {
			t.Errorf("%s is in the folder of %s", m.Module.Path, path)
		}
		if m.Go != "1.26.0" {
			t.Errorf("%s wants Go %s: say go 1.26.0, the older of the two releases that are supported", m.Module.Path, m.Go)
		}
		replaced := map[string]string{}
		for _, r := range m.Replace {
			replaced[r.Old.Path] = r.New.Path
		}
		if m.Module.Path == command || m.Module.Path == coatcheck {
			if len(m.Replace)+len(m.Exclude) > 0 {
				t.Errorf("%s replaces or excludes modules: who installs it does not", m.Module.Path)
			}
			continue
		}
		for _, r := range m.Require {
			if strings.HasPrefix(r.Path, coatcheck) && pathOf(t, filepath.Join(m.dir, replaced[r.Path])) != r.Path {
				t.Errorf("%s does not replace %s by the folder here", m.Module.Path, r.Path)
			}
		}
	}
}

// pathOf is the path of the module in a folder of the repository's.
func pathOf(t *testing.T, dir string) string {
	t.Helper()
	path, err := filepath.Rel(checkout(t), dir)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(coatcheck+"/"+filepath.ToSlash(path), "/.")
}
