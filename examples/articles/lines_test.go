package articles_test

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"testing"
)

// TestTheAppsAreShort counts lines that hold code: no blank lines, comments, imports or package clauses. The templates'
// package counts for each app.
func TestTheAppsAreShort(t *testing.T) {
	pages := lines(t, "pages/pages.go")
	for _, test := range []struct {
		app string
		max int
	}{{"gin/login", 24}, {"gin/site", 115}} {
		n := lines(t, test.app+"/main.go") + pages
		if t.Logf("%s: %d lines of code", test.app, n); n > test.max {
			t.Errorf("%s has %d lines of code, want at most %d", test.app, n, test.max)
		}
	}
}

// lines counts the lines of a file on which a token stands that belongs neither to the package clause nor to an import.
func lines(t *testing.T, path string) int {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, source, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	head := files.Position(parsed.Name.End()).Offset
	for _, d := range parsed.Decls {
		if imports, ok := d.(*ast.GenDecl); ok && imports.Tok == token.IMPORT {
			head = files.Position(imports.End()).Offset
		}
	}
	return linesWithTokens(files, path, source, head)
}

// linesWithTokens counts the lines behind the head of a file on which a token begins or ends.
func linesWithTokens(files *token.FileSet, path string, source []byte, head int) int {
	file := files.AddFile(path, -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	seen := map[int]bool{}
	for {
		at, kind, text := s.Scan()
		if kind == token.EOF {
			return len(seen)
		}
		if file.Offset(at) >= head && (kind != token.SEMICOLON || text == ";") {
			seen[file.Line(at)] = true
			seen[file.Line(at+token.Pos(len(text)))] = true
		}
	}
}
