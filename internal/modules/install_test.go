package modules

import (
	"archive/zip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheCommandCanBeInstalled plays a release: a proxy of files has each module as its tag would, and the go command
// installs the command from there as far as it can without compiling. Nothing of it reaches the user's own module
// cache.
func TestTheCommandCanBeInstalled(t *testing.T) {
	if os.Getenv("CI") == "" {
		t.Skip("NOT TESTED: half a minute for what matters before a release: set CI")
	}
	needsModules(t)
	proxy, cache, version := t.TempDir(), strings.TrimSpace(string(run(t, "", "env", "GOMODCACHE"))), ""
	for _, m := range all(t) {
		for _, r := range m.Require {
			if strings.HasPrefix(r.Path, coatcheck) {
				version = r.Version // the same everywhere
			}
		}
	}
	for _, m := range all(t) {
		publish(t, proxy, m, version)
	}
	usual := strings.TrimSpace(string(run(t, "", "env", "GOPROXY")))
	t.Setenv("GOPROXY", "file://"+proxy+",file://"+cache+"/cache/download,"+usual)
	t.Setenv("GONOSUMDB", coatcheck+","+coatcheck+"/*")
	t.Setenv("GOMODCACHE", t.TempDir())
	_ = runWith(t, t.TempDir(), "-modcacherw", "install", "-n", command+"@"+version)
}

// compiled are the names' ends of what a program is made of: its sources, and the pages that are embedded in it.
var compiled = map[string]bool{".go": true, ".html": true, ".css": true}

// publish puts a module into a folder that the go command takes for a proxy.
func publish(t *testing.T, proxy string, m module, version string) {
	t.Helper()
	dir := filepath.Join(proxy, filepath.FromSlash(m.Module.Path), "@v")
	must(t, os.MkdirAll(dir, 0o700))
	mod, err := os.ReadFile(filepath.Join(m.dir, "go.mod"))
	must(t, err)
	for file, content := range map[string][]byte{
		"list": []byte(version + "\n"), version + ".mod": mod, version + ".info": []byte(`{"Version":"` + version + `"}`),
	} {
		must(t, os.WriteFile(filepath.Join(dir, file), content, 0o600))
	}
	archive, err := os.Create(filepath.Join(dir, version+".zip"))
	must(t, err)
	w := zip.NewWriter(archive)
	must(t, filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != m.dir && (strings.HasPrefix(d.Name(), ".") || isModule(path)):
			return filepath.SkipDir
		case !d.Type().IsRegular() || !compiled[filepath.Ext(path)] && d.Name() != "go.mod":
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(m.dir, path)
		if err != nil {
			return err
		}
		f, err := w.Create(m.Module.Path + "@" + version + "/" + filepath.ToSlash(name))
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		return err
	}))
	must(t, w.Close())
	must(t, archive.Close())
}

func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
