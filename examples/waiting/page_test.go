// Package waiting_test holds docs/waiting.md to the programs in the folders beside it.
package waiting_test

import (
	"strings"
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// TestThePageShowsTheProgramsThatAreTested: whole functions, word for word, and one line that stands for itself.
func TestThePageShowsTheProgramsThatAreTested(t *testing.T) {
	shown := map[string]int{"nethttp/main.go": 0, "fiber/main.go": 0}
	for _, b := range exampletest.Blocks(t, "../../docs/waiting.md") {
		if !strings.HasPrefix(b.Text, "func ") {
			continue
		}
		found := false
		for program := range shown {
			if strings.Contains(exampletest.Page(t, program), "\n"+b.Text) {
				shown[program]++
				found = true
			}
		}
		if !found {
			t.Errorf("neither program has this:\n%s", b.Text)
		}
	}
	for program, n := range shown {
		if n != 2 {
			t.Errorf("the page shows %d functions of %s, want 2", n, program)
		}
	}
}
