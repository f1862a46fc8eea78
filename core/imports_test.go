package session_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What core imports ends up in every program that uses it.
func TestCoreImportsOnlyTheStandardLibraryAndSecurecookie(t *testing.T) {
	const own = "github.com/coatcheck/coatcheck/core"
	found := map[string]bool{}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	inside, err := filepath.Glob("internal/*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, inside...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range parsed.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			found[path] = true
			root, _, _ := strings.Cut(path, "/")
			switch {
			case path == "C" || path == "unsafe":
				t.Errorf("%s imports %q", name, path)
			case strings.Contains(root, ".") && path != "github.com/gorilla/securecookie" &&
				!strings.HasPrefix(path, own+"/internal/"):
				t.Errorf("%s imports %q; core needs the standard library and gorilla/securecookie, nothing else", name, path)
			}
		}
	}
	if !found["crypto/rand"] || !found["math/bits"] || !found["github.com/gorilla/securecookie"] {
		t.Errorf("the imports were not found, so this test proves nothing: %v", found)
	}
}
