package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The program starts itself again for the visitors over HTTP, and here this is the program.
func TestMain(m *testing.M) {
	if asked() {
		os.Exit(visitors(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

// Others read these files: the fields' names are fixed, and the page needs nothing but itself.
func TestARunWritesItsFiles(t *testing.T) {
	figures, page := filepath.Join(t.TempDir(), "out.json"), filepath.Join(t.TempDir(), "report.html")
	var stdout, stderr bytes.Buffer
	args := []string{
		"-quick", "-json", figures, "-html", page, "-only",
		"^inprocess/framework=gin/op=(read|write)/library=(none|gin-contrib|coatcheck/carrier=memory)",
	}
	if status := run(args, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, &stderr)
	}
	var rows []map[string]any
	if err := json.Unmarshal(read(t, figures), &rows); err != nil {
		t.Fatal(err)
	}
	want := []string{"allocs_per_op", "bytes_per_op", "carrier", "framework", "library", "ns_per_op", "op"}
	for _, r := range rows {
		if got := slices.Sorted(maps.Keys(r)); !slices.Equal(got, want) {
			t.Errorf("a row has the fields %v, want %v", got, want)
		}
	}
	if len(rows) != 2*4 {
		t.Errorf("%d rows, want 8", len(rows))
	}
	html := string(read(t, page))
	if strings.Count(html, "<svg") != 2 || regexp.MustCompile(`<script|<link|<img|src=|@import`).MatchString(html) {
		t.Error("the page lacks its plots, or needs something from elsewhere")
	}
	for _, text := range []string{"gin-contrib/sessions, securecookie", "read, memory: at least 20 times"} {
		if !strings.Contains(stdout.String(), text) || !strings.Contains(html, text) {
			t.Errorf("the tables lack %q", text)
		}
	}
	if !strings.Contains(stderr.String(), "100 %") {
		t.Errorf("the progress ends with %q", &stderr)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Scripts tell by the exit status what went wrong.
func TestExitStatus(t *testing.T) {
	for want, args := range map[int][]string{0: {"-list"}, 1: {"-only", "no such case"}, 2: {"-only", "("}} {
		if got := run(args, io.Discard, io.Discard); got != want {
			t.Errorf("%v: exit status %d, want %d", args, got, want)
		}
	}
	if got := run([]string{"gin"}, io.Discard, io.Discard); got != 2 {
		t.Errorf("an argument that is no flag: exit status %d, want 2", got)
	}
}

// The names are for -only and for benchstat, so each may be there once, and have no slash of its own.
func TestCaseNames(t *testing.T) {
	form := regexp.MustCompile(`^[a-z]+(/[a-z]+=[^/=]+)+$`)
	seen := map[string]bool{}
	for _, m := range measurements {
		for _, name := range m.cases() {
			if seen[name] || !form.MatchString(name) || !strings.HasPrefix(name, m.name()+"/") {
				t.Errorf("%s: it is there twice, or has parts that say nothing", name)
			}
			seen[name] = true
		}
	}
}
