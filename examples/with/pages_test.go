// Package with holds the programs of the pages in docs/ about what people build on net/http. It is a module of its own,
// so that none of that enters the go.mod of an application.
package with

import (
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// pages are named as their programs' folders.
var pages = []string{"huma", "connect", "htmx"}

func page(name string) string { return filepath.Join("..", "..", "docs", name+".md") }

func TestMain(m *testing.M) {
	status := m.Run()
	touch()
	os.Exit(status)
}

// touch keeps "go test" from repeating this run's result when a page or the core has changed: it looks at neither,
// because they are outside of this module, but it repeats nothing if a test opened a file that is brand-new in the end.
func touch() {
	_ = os.WriteFile("last-run.test", []byte(time.Now().String()), 0o600) // in a read-only folder it cannot be helped
}

func TestPagesShowTheProgramsThatAreTested(t *testing.T) {
	for _, name := range pages {
		program := exampletest.Page(t, filepath.Join(name, "main.go"))
		shown := 0
		for _, b := range exampletest.Blocks(t, page(name)) {
			if b.IsProgram() {
				shown++
				if _, want, _ := strings.Cut(program, "\npackage main\n"); b.Text != "package main\n"+want {
					t.Errorf("docs/%s.md and examples/with/%s/main.go differ", name, name)
				}
			}
		}
		if shown != 1 {
			t.Errorf("docs/%s.md has %d programs, want 1", name, shown)
		}
	}
}

// TestTranscripts runs each page's program and repeats the curl transcripts below it.
func TestTranscripts(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves this out: the programs get one request after the other")
	}
	for _, name := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, repeated := exampletest.FreeAddress(t), 0
			for _, b := range exampletest.Blocks(t, page(name)) {
				switch {
				case b.IsProgram():
					overlay := exampletest.Overlay(t, name, b.At(at))
					exampletest.Serve(t, at, exampletest.Build(t, "-overlay", overlay, "./"+name))
				case b.IsTranscript():
					repeated++
					b.Repeat(t, at)
				}
			}
			if repeated == 0 {
				t.Errorf("docs/%s.md has no curl transcript", name)
			}
		})
	}
}

// The recipe of docs/grpc.md is no program. All that the page shows is in examples/with/grpc, where tests run it.
func TestTheGRPCPageShowsWhatIsTested(t *testing.T) {
	tested := exampletest.Page(t, filepath.Join("grpc", "sessions.go")) +
		exampletest.Page(t, filepath.Join("grpc", "sessions_test.go"))
	shown := 0
	for _, b := range exampletest.Blocks(t, page("grpc")) {
		if b.IsFragment() {
			if shown++; !strings.Contains(tested, b.Text) {
				t.Errorf("docs/grpc.md shows what is not in examples/with/grpc:\n%s", b.Text)
			}
		}
	}
	if shown < 2 {
		t.Errorf("docs/grpc.md shows %d pieces of code", shown)
	}
}

// imports is what the pages' fragments may use without saying so.
const imports = `package fragments

import (
	"context"
	"net/http"
	"net/http/cookiejar"
	"time"

	"connectrpc.com/connect"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/danielgtaylor/huma/v2/sse"
	"github.com/go-chi/chi/v5"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	chisession "github.com/coatcheck/coatcheck/adapters/chi"
	session "github.com/coatcheck/coatcheck/core"
)
`

func TestFragmentsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves this out: nothing runs")
	}
	source := imports
	for _, name := range pages {
		for _, b := range exampletest.Blocks(t, page(name)) {
			if !b.IsFragment() {
				continue
			}
			if formatted, err := format.Source([]byte(b.Text)); err != nil || string(formatted) != b.Text {
				t.Errorf("docs/%s.md: gofmt would change this (error %v):\n%s", name, err, b.Text)
			}
			source += "\n" + b.Text
		}
	}
	exampletest.Build(t, "-overlay", exampletest.Overlay(t, "fragments", source), "./fragments")
}
