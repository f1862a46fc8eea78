package storetest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/memstore"
)

func TestOneStoreForAllCases(t *testing.T) {
	shared := memstore.New()
	for range 2 {
		Run(t, func(*testing.T) session.Store { return shared })
	}
}

// TestHonestStores: what a store may do differently is no failure.
func TestHonestStores(t *testing.T) {
	for _, s := range honest {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			Run(t, func(*testing.T) session.Store { return s.store() })
		})
	}
}

func TestAbsentInterfacesAreSkipped(t *testing.T) {
	for _, name := range []string{"has only what it must", "answers ErrUnsupported"} {
		output, err := runCases(t, name, ".*")
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, output)
		}
		for _, c := range slices.Concat(touchCases, batchCases, indexCases, momentCases, walkCases, sweepCases) {
			if !strings.Contains(output, "--- SKIP: TestSubject/"+c.name+" ") {
				t.Errorf("%s: %s was not skipped", name, c.name)
			}
		}
	}
}

// TestDefectsAreNoticed runs cases against stores with one defect each. Only a process of its own can fail without
// failing this test.
func TestDefectsAreNoticed(t *testing.T) {
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			output, err := runCases(t, d.name, strings.Join(d.fails, "|"))
			if err == nil {
				t.Fatalf("the suite passes:\n%s", output)
			}
			for _, c := range d.fails {
				if !strings.Contains(output, "--- FAIL: TestSubject/"+c+" ") {
					t.Errorf("%s does not fail:\n%s", c, output)
				}
				if !strings.Contains(output, whyOf(t, c)) {
					t.Errorf("%s does not say why it matters:\n%s", c, output)
				}
			}
		})
	}
}

func TestEveryCaseCanFail(t *testing.T) {
	for _, c := range allCases() {
		if !slices.ContainsFunc(defects(), func(d defect) bool { return slices.Contains(d.fails, c.name) }) {
			t.Errorf("no defect makes %s fail", c.name)
		}
	}
}

func TestEveryCaseHasItsName(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range allCases() {
		if seen[c.name] || c.name == "" || c.why == "" {
			t.Errorf("case %q: the name is taken, or there is no name or reason", c.name)
		}
		seen[c.name] = true
	}
}

const subjectVariable = "STORETEST_SUBJECT"

// runCases runs TestSubject in a process of its own.
func runCases(t *testing.T, store, pattern string) (output string, err error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^TestSubject$/^("+pattern+")$")
	cmd.Env = append(os.Environ(), subjectVariable+"="+store, "GORACE=atexit_sleep_ms=0") // a second for each, otherwise
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestSubject runs the suite on the store that the environment names.
func TestSubject(t *testing.T) {
	name := os.Getenv(subjectVariable)
	if name == "" {
		t.Skip("a part of TestDefectsAreNoticed")
	}
	stores := slices.Clone(honest)
	for _, d := range defects() {
		stores = append(stores, subject{d.name, d.store})
	}
	i := slices.IndexFunc(stores, func(s subject) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("no store %q", name)
	}
	Run(t, func(*testing.T) session.Store { return stores[i].store() })
}

func whyOf(t *testing.T, name string) string {
	t.Helper()
	for _, c := range allCases() {
		if c.name == name {
			return c.why
		}
	}
	t.Fatalf("no case %s", name)
	return ""
}
