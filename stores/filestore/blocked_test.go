//go:build unix

package filestore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/coatcheck/coatcheck/stores/filestore"
)

// hanging is a store whose locks a test can hold as another process would that has been stopped.
type hanging struct {
	*filestore.Store
	dir string
}

func (h hanging) Block(t *testing.T) (release func()) {
	t.Helper()
	var held []*os.File
	for i := range 512 { // 256 shards of records, and of the index
		dir := filepath.Join(h.dir, []string{"sessions", "subjects"}[i/256], fmt.Sprintf("%02x", i%256))
		must(t, os.MkdirAll(dir, 0o700))
		f, err := os.Open(dir)
		must(t, err)
		must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
		held = append(held, f)
	}
	return func() {
		for _, f := range held {
			must(t, f.Close())
		}
	}
}
