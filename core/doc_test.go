package session_test

import (
	"go/ast"
	"go/doc"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strings"
	"testing"
)

// manual is this package as go doc reads it.
func manual(t *testing.T) *doc.Package {
	t.Helper()
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	fset, files := token.NewFileSet(), []*ast.File{}
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".go") || strings.HasSuffix(n.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, n.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/coatcheck/coatcheck/core")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whoever is shown a reason or an error looks it up in the package's documentation.
func TestTheManualExplainsEveryReasonAndError(t *testing.T) {
	p := manual(t)
	groups := append(p.Consts, p.Vars...)
	for _, typ := range p.Types {
		groups = append(groups, append(typ.Consts, typ.Vars...)...)
	}
	found := 0
	for _, g := range groups {
		for _, name := range g.Names {
			if !strings.HasPrefix(name, "Reason") && !strings.HasPrefix(name, "Err") {
				continue
			}
			found++
			if !strings.Contains(p.Doc, "["+name+"]") {
				t.Errorf("doc.go does not say what %s means", name)
			}
		}
	}
	if found < 30 {
		t.Errorf("%d reasons and errors were found, so this test proves nothing", found)
	}
}

// A link that leads nowhere is shown with its brackets.
func TestTheManualsLinksLeadSomewhere(t *testing.T) {
	p := manual(t)
	text := string(p.Printer().Text(p.Parser().Parse(p.Doc)))
	if broken := regexp.MustCompile(`\[[A-Z][\w.]*\]`).FindString(text); broken != "" {
		t.Errorf("doc.go links to %s, which does not exist", broken)
	}
	if _, ok := p.Parser().Parse(p.Doc).Content[0].(*comment.Paragraph); !ok || !strings.Contains(text, "Manager.Begin") {
		t.Error("the documentation was not found, so this test proves nothing")
	}
}
