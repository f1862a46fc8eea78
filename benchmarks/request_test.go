package main

import "testing"

// BenchmarkRequest measures a request of each cell of the matrix, for benchstat.
func BenchmarkRequest(b *testing.B) {
	for _, c := range cells() {
		b.Run(c.String(), func(b *testing.B) {
			v, err := c.open()
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if err := v.serve(b.N); err != nil {
				b.Fatal(err)
			}
		})
	}
}
