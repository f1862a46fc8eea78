package shop

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// folder is where the shop's program is while the tests run.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "shop"); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(folder) // what the system cleans up too
	os.Exit(status)
}

var build = sync.OnceValues(func() (binary string, err error) {
	binary = filepath.Join(folder, "shop.exe")
	return binary, exampletest.BuildTo(binary, command)
})

// built is the shop's program. The first test that runs it builds it.
func built(t *testing.T) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
