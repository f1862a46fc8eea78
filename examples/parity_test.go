package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

const parity = "../docs/parity.md"

// suites hold cases with names of their own, which adapters and stores run.
var suites = map[string]bool{"adapters/adaptertest": true, "stores/storetest": true}

// TestParityNamesEveryRow: nothing that Flask's and Django's users look for has been left out.
func TestParityNamesEveryRow(t *testing.T) {
	var want []string
	for _, part := range []struct {
		letter string
		rows   int
	}{{"F", 31}, {"D", 31}, {"S", 16}} {
		for i := range part.rows {
			want = append(want, fmt.Sprint(part.letter, i+1))
		}
	}
	var got []string
	for _, r := range parityRows(t) {
		got = append(got, r.number)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("docs/parity.md has the rows %v, want %v", got, want)
	}
}

// TestParityNamesTestsThatExist also wants at least one test in each row.
func TestParityNamesTestsThatExist(t *testing.T) {
	tests := map[string]string{}
	named := regexp.MustCompile("`([^`]+)`")
	for _, r := range parityRows(t) {
		for group := range strings.SplitSeq(r.shownBy, "; ") {
			names := named.FindAllStringSubmatch(group, -1)
			if len(names) < 2 || strings.TrimLeft(named.ReplaceAllString(group, ""), ", ") != "" {
				t.Errorf("%s: %q is not a folder and tests, such as `core` `TestLogin`", r.number, group)
				continue
			}
			folder := names[0][1]
			if tests[folder] == "" {
				tests[folder] = sources(t, folder)
			}
			for _, name := range names[1:] {
				if !strings.Contains(tests[folder], definition(folder, name[1])) {
					t.Errorf("%s: %s has no test %q", r.number, folder, name[1])
				}
			}
		}
	}
}

type parityRow struct{ number, there, here, shownBy string }

func parityRows(t *testing.T) (rows []parityRow) {
	t.Helper()
	for line := range strings.Lines(exampletest.Page(t, parity)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if number := strings.TrimSpace(cells[0]); regexp.MustCompile(`^[FDS]\d+$`).MatchString(number) {
			if len(cells) != 4 {
				t.Fatalf("%s has %d cells, want 4", number, len(cells))
			}
			rows = append(rows, parityRow{number, cells[1], cells[2], strings.TrimSpace(cells[3])})
		}
	}
	return rows
}

// definition is how a test begins, and in a suite also how a case's name is written.
func definition(folder, name string) string {
	if suites[folder] && !strings.HasPrefix(name, "Test") {
		return fmt.Sprintf("%q", name)
	}
	if strings.HasPrefix(name, "Example") {
		return "\nfunc " + name + "()"
	}
	return "\nfunc " + name + "(t *testing.T)"
}

// sources is the text of a folder's tests, or of all its files if it is a suite.
func sources(t *testing.T, folder string) string {
	t.Helper()
	pattern := "*_test.go"
	if suites[folder] {
		pattern = "*.go"
	}
	files, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(folder), pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("the folder %q has no tests, error %v", folder, err)
	}
	var text strings.Builder
	for _, f := range files {
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(source)
	}
	return text.String()
}
