// Package modules tests what go.mod files promise.
package modules

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const coatcheck = "github.com/coatcheck/coatcheck"

// checkout is the repository's folder.
func checkout(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// application is somebody's program: the modules that it asks for, the packages that it imports, and Coatcheck's
// packages that it imports one day.
type application struct {
	requires []string
	imports  []string
	sessions []string
	nested   []string // the modules of Coatcheck's that it needs besides the root
}

var applications = map[string]application{
	"gin and databases": {
		requires: []string{
			"github.com/gin-gonic/gin v1.10.0", "github.com/redis/go-redis/v9 v9.7.0",
			"github.com/jackc/pgx/v5 v5.7.1", "github.com/go-sql-driver/mysql v1.8.1",
		},
		imports: []string{
			"github.com/gin-gonic/gin", "github.com/redis/go-redis/v9",
			"github.com/jackc/pgx/v5/stdlib", "github.com/go-sql-driver/mysql",
		},
		sessions: []string{"/adapters/gin", "/stores/memstore", "/stores/sqlstore"},
	},
	"gin and Redis": {
		requires: []string{"github.com/gin-gonic/gin v1.10.0", "github.com/redis/go-redis/v9 v9.7.0"},
		imports:  []string{"github.com/gin-gonic/gin", "github.com/redis/go-redis/v9"},
		sessions: []string{"/adapters/gin", "/stores/redisstore"},
		nested:   []string{"/stores/redisstore"},
	},
	"echo and PostgreSQL": {
		requires: []string{"github.com/labstack/echo/v4 v4.12.0", "github.com/jackc/pgx/v5 v5.7.1"},
		imports:  []string{"github.com/labstack/echo/v4", "github.com/jackc/pgx/v5/stdlib"},
		sessions: []string{"/adapters/echo", "/stores/sqlstore"},
	},
	"chi and Memcached": {
		requires: []string{
			"github.com/go-chi/chi/v5 v5.0.8", "github.com/bradfitz/gomemcache v0.0.0-20230905024940-24af94b03874",
		},
		imports:  []string{"github.com/go-chi/chi/v5", "github.com/bradfitz/gomemcache/memcache"},
		sessions: []string{"/adapters/chi", "/stores/memcachestore"},
		nested:   []string{"/stores/memcachestore"},
	},
	"fiber and files": {
		requires: []string{"github.com/gofiber/fiber/v2 v2.52.0"},
		imports:  []string{"github.com/gofiber/fiber/v2"},
		sessions: []string{"/adapters/fiber", "/stores/filestore"},
	},
}

// TestApplicationsKeepTheirVersions: whoever adds sessions has asked for no other version of a framework, client or
// driver.
func TestApplicationsKeepTheirVersions(t *testing.T) {
	needsModules(t)
	for name, app := range applications {
		t.Run(name, func(t *testing.T) {
			before, after := app.versions(t, false), app.versions(t, true)
			if after[coatcheck] == "" {
				t.Fatal("the application has no Coatcheck")
			}
			for module, version := range before {
				if now := after[module]; now != version {
					t.Errorf("%s was %s and is %s", module, version, now)
				}
			}
		})
	}
}

// versions makes the application in a folder of its own and returns the modules that it is built from.
func (app application) versions(t *testing.T, withSessions bool) map[string]string {
	t.Helper()
	dir, module, program := t.TempDir(), &strings.Builder{}, &strings.Builder{}
	fmt.Fprintf(module, "module example.com/shop\n\ngo 1.26.0\n")
	for _, r := range app.requires {
		fmt.Fprintf(module, "require %s\n", r)
	}
	imports := app.imports
	if withSessions {
		for _, nested := range append([]string{""}, app.nested...) {
			fmt.Fprintf(module, "require %s%s v0.1.0\nreplace %[1]s%[2]s => %s%[2]s\n", coatcheck, nested, checkout(t))
		}
		for _, s := range app.sessions {
			imports = append(imports[:len(imports):len(imports)], coatcheck+s)
		}
	}
	fmt.Fprintf(program, "package main\n\nimport (\n")
	for _, i := range imports {
		fmt.Fprintf(program, "\t_ %q\n", i)
	}
	fmt.Fprintf(program, ")\n\nfunc main() {}\n")
	for file, text := range map[string]*strings.Builder{"go.mod": module, "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_ = run(t, dir, "list", "-deps", "-f", "", "./...") // completes go.mod with what the imports need
	found := map[string]string{}
	listed := run(t, dir, "list", "-m", "-f", "{{.Path}} {{.Version}}", "all")
	for lines := bufio.NewScanner(bytes.NewReader(listed)); lines.Scan(); {
		path, version, _ := strings.Cut(lines.Text(), " ")
		found[path] = version
	}
	return found
}

// run runs the go command outside of any workspace, and lets it complete go.mod.
func run(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	return runWith(t, dir, "-mod=mod", args...)
}

func runWith(t *testing.T, dir, flags string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+flags)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// needsModules skips the test where modules cannot be had, and fails where CI is set: there everything has to be
// tested.
func needsModules(t *testing.T) {
	t.Helper()
	cmd := exec.Command("go", "list", "-m", "github.com/gin-gonic/gin@v1.10.0")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	message := fmt.Sprintf("NOT TESTED: modules cannot be downloaded here: %v\n%s", err, out)
	if os.Getenv("CI") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}
