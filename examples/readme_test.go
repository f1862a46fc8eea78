package examples_test

import (
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

const readme = "../README.md"

// imports is what the README's fragments may use without saying so.
const imports = `package fragments

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"

	ginsession "github.com/coatcheck/coatcheck/adapters/gin"
	httpsession "github.com/coatcheck/coatcheck/adapters/nethttp"
	session "github.com/coatcheck/coatcheck/core"
	fromflask "github.com/coatcheck/coatcheck/migrate/flask"
	"github.com/coatcheck/coatcheck/sessionui"
)
`

// TestReadmeTranscripts builds and runs the README's programs and repeats the curl transcripts that follow them.
func TestReadmeTranscripts(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves this out: the programs get one request after the other")
	}
	var at string
	repeated := 0
	for _, b := range exampletest.Blocks(t, readme) {
		switch {
		case b.IsProgram():
			at = exampletest.FreeAddress(t)
			exampletest.Serve(t, at, exampletest.Build(t, "-overlay", exampletest.Overlay(t, "program", b.At(at)), "./program"))
		case b.Text == "$ go run ./examples/gin\n":
			at = exampletest.FreeAddress(t)
			exampletest.Serve(t, at, exampletest.Build(t, "./gin"), "-addr", at)
		case b.IsTranscript():
			repeated++
			b.Repeat(t, at)
		}
	}
	if repeated == 0 {
		t.Error("README.md has no curl transcript")
	}
}

// TestReadmeFragments compiles the README's fragments, all together.
func TestReadmeFragments(t *testing.T) {
	if testing.Short() {
		t.Skip("a short run leaves this out: nothing runs")
	}
	source := imports
	for _, b := range exampletest.Blocks(t, readme) {
		if b.IsFragment() {
			source += "\n" + b.Text
		}
	}
	exampletest.Build(t, "-overlay", exampletest.Overlay(t, "fragments", source), "./fragments")
}

func TestReadmeIsFormatted(t *testing.T) {
	for _, b := range exampletest.Blocks(t, readme) {
		if b.Language != "go" {
			continue
		}
		formatted, err := format.Source([]byte(b.Text))
		if err != nil || string(formatted) != b.Text {
			t.Errorf("gofmt would change this (error %v):\n%s", err, b.Text)
		}
	}
}

func TestReadmeExplainsEveryOption(t *testing.T) {
	text := exampletest.Page(t, readme)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[session.Options]()) {
		if !strings.Contains(text, "\n| `"+field.Name+"` |") {
			t.Errorf("README.md's table of options lacks %s", field.Name)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("found the pages %q, error %v", pages, err)
	}
	link := regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`)
	for _, page := range append(pages, readme, "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md") {
		for _, m := range link.FindAllStringSubmatch(exampletest.Page(t, page), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
