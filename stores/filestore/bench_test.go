//go:build unix

package filestore_test

import (
	"fmt"
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
