//go:build unix

package filestore_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/stores/filestore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func BenchmarkStore(b *testing.B) {
	for _, sync := range []bool{true, false} {
		b.Run(fmt.Sprintf("sync=%v", sync), func(b *testing.B) {
			storetest.Benchmark(b, func(b *testing.B) session.Store {
				s, err := filestore.New(newDir(b), filestore.Options{UnsafeNoSync: !sync})
				must(b, err)
				b.Cleanup(func() { must(b, s.Close()) })
				return s
			})
		})
	}
}

// BenchmarkSize counts the blocks that a file and, with a subject, a directory of the index take.
func BenchmarkSize(b *testing.B) {
	storetest.BenchmarkSize(b, 10_000, func(b *testing.B) (session.Store, func() int64) {
		dir := newDir(b)
		s, err := filestore.New(dir, filestore.Options{UnsafeNoSync: true})
		must(b, err)
		b.Cleanup(func() { must(b, s.Close()) })
		return s, func() (used int64) {
			must(b, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
				if info, statErr := d.Info(); err == nil && statErr == nil {
					used += info.Sys().(*syscall.Stat_t).Blocks * 512
				}
				return err
			}))
			return used
		}
	})
}

// BenchmarkSweepNothing is what a sweep costs that finds nothing due among live sessions.
func BenchmarkSweepNothing(b *testing.B) {
	for _, sessions := range []int{1_000, 10_000} {
		s := open(b, newDir(b))
		for range sessions {
			create(b, s, "")
		}
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			for b.Loop() {
				sweep(b, s, epoch, 1000)
			}
		})
	}
}
