package examples_test

import (
	"encoding/json"
	"go/format"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// address is where the README's programs listen. Here each gets a free port instead.
const address = "127.0.0.1:8080"

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
)
`

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// block is a fenced block.
type block struct{ language, text string }

func (b block) isProgram() bool {
	return b.language == "go" && strings.HasPrefix(b.text, "package main\n")
}
func (b block) isFragment() bool { return b.language == "go" && !b.isProgram() }

func blocks(t *testing.T) (found []block) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(readme(t), -1) {
		found = append(found, block{language: m[1], text: m[2]})
	}
	if len(found) == 0 {
		t.Fatal("README.md has no fenced blocks")
	}
	return found
}

// TestReadmeTranscripts builds and runs the README's programs and repeats the curl transcripts that follow them.
func TestReadmeTranscripts(t *testing.T) {
	var at string
	repeated := 0
	for _, b := range blocks(t) {
		switch {
		case b.isProgram():
			at = freeAddress(t)
			source := strings.ReplaceAll(b.text, address, at)
			serve(t, at, exampletest.Build(t, "-overlay", overlay(t, "program", source), "./program"))
		case b.text == "$ go run ./examples/gin\n":
			at = freeAddress(t)
			serve(t, at, exampletest.Build(t, "./gin"), "-addr", at)
		case strings.HasPrefix(b.text, "$ curl "):
			repeated++
			repeat(t, at, b.text)
		}
	}
	if repeated == 0 {
		t.Error("README.md has no curl transcript")
	}
}

// overlay pretends to the go command that folder, beside this file, holds source, and returns the option's file.
func overlay(t *testing.T, folder, source string) string {
	t.Helper()
	virtual, err := filepath.Abs(filepath.Join(folder, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, list := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	content, err := json.Marshal(map[string]map[string]string{"Replace": {virtual: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{file: []byte(source), list: content} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// serve runs a program until the test ends, and returns when it listens.
func serve(t *testing.T, at, binary string, args ...string) {
	t.Helper()
	ended := exampletest.Launch(t, binary, args, func(string) {})
	again, enough := time.Tick(10*time.Millisecond), time.After(exampletest.Patience)
	for {
		select {
		case <-again:
			if connection, err := net.Dial("tcp", at); err == nil {
				_ = connection.Close()
				return
			}
		case <-ended:
			t.Fatal("the program ended")
		case <-enough:
			t.Fatal("the program does not listen")
		}
	}
}

// repeat runs a transcript's commands and compares what they print.
func repeat(t *testing.T, at, transcript string) {
	t.Helper()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("cannot repeat transcripts: ", err)
		}
	}
	dir := t.TempDir()
	for step := range strings.SplitSeq(strings.TrimPrefix(transcript, "$ "), "\n$ ") {
		command, want, _ := strings.Cut(step, "\n")
		line := strings.Replace(strings.ReplaceAll(command, address, at), "curl", "curl -sS", 1)
		shell := exec.Command("sh", "-c", line)
		shell.Dir = dir
		out, err := shell.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if got, want := timeless(string(out)), timeless(want); got != want {
			t.Errorf("%s\nprints\n%s\nand README.md says\n%s", line, got, want)
		}
	}
}

// timeless removes from a transcript what is different each time.
func timeless(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = regexp.MustCompile(`(?m)^Date: .*$`).ReplaceAllString(s, "Date: …")
	s = strings.ReplaceAll(s, "id-coatcheck-program=", "id-visits=") // which the README's programs are called at home
	s = regexp.MustCompile(`(id-\w[\w-]*)=[\w-]{43};`).ReplaceAllString(s, "$1=…;")
	return strings.TrimSpace(s)
}

// TestReadmeFragments compiles the README's fragments, all together.
func TestReadmeFragments(t *testing.T) {
	source := imports
	for _, b := range blocks(t) {
		if b.isFragment() {
			source += "\n" + b.text
		}
	}
	exampletest.Build(t, "-overlay", overlay(t, "fragments", source), "./fragments")
}

func TestReadmeIsFormatted(t *testing.T) {
	for _, b := range blocks(t) {
		if b.language != "go" {
			continue
		}
		formatted, err := format.Source([]byte(b.text))
		if err != nil || string(formatted) != b.text {
			t.Errorf("gofmt would change this (error %v):\n%s", err, b.text)
		}
	}
}

func TestReadmeExplainsEveryOption(t *testing.T) {
	text := readme(t)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[session.Options]()) {
		if !strings.Contains(text, "\n| `"+field.Name+"` |") {
			t.Errorf("README.md's table of options lacks %s", field.Name)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join("..", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("..", m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
