package exampletest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// address is where a page's programs listen. Here each gets a free port instead.
const address = "127.0.0.1:8080"

// Page returns the text of a page.
func Page(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Block is a fenced block of a page.
type Block struct{ Language, Text string }

// Blocks returns the fenced blocks of a page. There is at least one.
func Blocks(t *testing.T, path string) (found []Block) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllStringSubmatch(Page(t, path), -1) {
		found = append(found, Block{Language: m[1], Text: m[2]})
	}
	if len(found) == 0 {
		t.Fatalf("%s has no fenced blocks", path)
	}
	return found
}

// IsProgram reports whether the block is a whole program.
func (b Block) IsProgram() bool {
	return b.Language == "go" && strings.HasPrefix(b.Text, "package main\n")
}

// IsFragment reports whether the block is a part of a program.
func (b Block) IsFragment() bool { return b.Language == "go" && !b.IsProgram() }

// IsTranscript reports whether the block shows commands that visit the program above it.
func (b Block) IsTranscript() bool { return strings.HasPrefix(b.Text, "$ curl ") }

// At returns the block's text with the address that a program is to listen at.
func (b Block) At(at string) string { return strings.ReplaceAll(b.Text, address, at) }

// Overlay pretends to the go command that folder, in the present directory, holds source, and returns the option's
// file.
func Overlay(t *testing.T, folder, source string) string {
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

// Repeat runs a transcript's commands on a program that listens at an address, and compares what they print.
func (b Block) Repeat(t *testing.T, at string) {
	t.Helper()
	b.RepeatIn(t, t.TempDir(), at)
}

// RepeatIn is Repeat in a folder that may hold the cookies of an earlier transcript.
func (b Block) RepeatIn(t *testing.T, dir, at string) {
	t.Helper()
	for _, program := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("cannot repeat transcripts: ", err)
		}
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(b.Text, "$ "), "\n$ ") {
		command, want, _ := strings.Cut(step, "\n")
		line := strings.Replace(strings.ReplaceAll(command, address, at), "curl", "curl -sS", 1)
		shell := exec.Command("sh", "-c", line)
		shell.Dir = dir
		out, err := shell.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if got, want := timeless(string(out)), timeless(strings.ReplaceAll(want, address, at)); got != want {
			t.Errorf("%s\nprints\n%s\nand the page says\n%s", line, got, want)
		}
	}
}

// timeless removes from a transcript what is different each time.
func timeless(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = regexp.MustCompile(`(?m)^Date: .*$`).ReplaceAllString(s, "Date: …")
	s = strings.ReplaceAll(s, "id-examples-program=", "id-visits=") // which the README's programs are called at home
	s = regexp.MustCompile(`(id-\w[\w-]*)=[\w-]{43};`).ReplaceAllString(s, "$1=…;")
	return strings.TrimSpace(s)
}
