package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

const gettingStarted = "../docs/getting-started.md"

const coatcheck = "github.com/coatcheck/coatcheck"

// TestGettingStarted does what the page says, from top to bottom: it makes the folders, saves the programs, runs the
// commands, and holds what comes back against the page.
func TestGettingStarted(t *testing.T) {
	if testing.Short() {
		t.Skip("five programs that are built from nothing")
	}
	w := newReader(t, exampletest.Blocks(t, gettingStarted))
	for len(w.blocks) > 0 {
		switch b := w.next(); {
		case b.Language == "console" && strings.HasPrefix(b.Text, "$ mkdir "):
			w.makeFolder(t, b)
		case b.IsProgram():
			w.save(t, b)
		case b.IsFragment():
			w.replaceFunction(t, b)
		case strings.HasSuffix(b.Text, "$ go run .\n"):
			w.run(t, strings.HasPrefix(b.Text, "$ go mod tidy\n"))
		default:
			t.Errorf("nothing is done with this block:\n%s", b.Text)
		}
	}
}

// reader is somebody who reads the page at the keyboard.
type reader struct {
	blocks   []exampletest.Block
	checkout string
	versions []string // of modules: those that the examples have, because the newest may be out of reach
	folder   string
	at       string // where the present program listens
	binary   string // the present program, "" before it has been built
}

func newReader(t *testing.T, blocks []exampletest.Block) *reader {
	t.Helper()
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	w := &reader{blocks: blocks, checkout: checkout}
	for _, m := range regexp.MustCompile(`(?m)^\t(\S+) (v\S+)`).FindAllStringSubmatch(exampletest.Page(t, "go.mod"), -1) {
		if !strings.HasPrefix(m[1], coatcheck) {
			w.versions = append(w.versions, "-require="+m[1]+"@"+m[2])
		}
	}
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "-mod=mod")
	return w
}

func (w *reader) next() exampletest.Block {
	b := w.blocks[0]
	w.blocks = w.blocks[1:]
	return b
}

func (w *reader) makeFolder(t *testing.T, b exampletest.Block) {
	t.Helper()
	t.Chdir(t.TempDir())
	script := strings.ReplaceAll("\n"+b.Text, "\n$ ", "\n")
	command(t, "sh", "-ec", script)
	w.folder, _, _ = strings.Cut(strings.TrimPrefix(b.Text, "$ mkdir "), " ")
	t.Chdir(w.folder)
}

func (w *reader) save(t *testing.T, b exampletest.Block) {
	t.Helper()
	w.at = exampletest.FreeAddress(t)
	w.write(t, b.At(w.at))
}

func (w *reader) write(t *testing.T, source string) {
	t.Helper()
	w.binary = ""
	if err := os.WriteFile("main.go", []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replaceFunction puts a function in the place of the one that has its name, and its store's import in the place of
// memstore's.
func (w *reader) replaceFunction(t *testing.T, b exampletest.Block) {
	t.Helper()
	head, _, _ := strings.Cut(b.Text, "\n")
	old := regexp.MustCompile(`(?ms)^` + regexp.QuoteMeta(head) + `$.*?^}\n`)
	source := exampletest.Page(t, "main.go")
	if n := len(old.FindAllString(source, -1)); n != 1 {
		t.Fatalf("the program above has %d functions that begin with %q, want 1", n, head)
	}
	source = old.ReplaceAllLiteralString(source, b.Text)
	w.write(t, strings.Replace(source, "/stores/memstore", "/stores/filestore", 1))
}

// run runs the present program until the page has it run anew, and repeats the transcripts in between.
func (w *reader) run(t *testing.T, tidy bool) {
	t.Helper()
	if tidy {
		command(t, "go", append([]string{"mod", "edit", "-replace=" + coatcheck + "=" + w.checkout}, w.versions...)...)
		w.tidy(t)
	}
	if w.binary == "" {
		w.binary = exampletest.Build(t)
	}
	t.Run(w.folder, func(t *testing.T) {
		exampletest.Serve(t, w.at, w.binary)
		for len(w.blocks) > 0 && w.blocks[0].IsTranscript() {
			w.next().RepeatIn(t, ".", w.at)
		}
	})
}

// tidy needs modules that only tests of others use. Where they cannot be had the page is not tested, or where CI is set
// the test fails.
func (w *reader) tidy(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "mod", "tidy").CombinedOutput()
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: go mod tidy: %v\n%s", err, out)
	}
	if err != nil {
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}
