package memcachestore_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"

	session "github.com/coatcheck/coatcheck/core"
	"github.com/coatcheck/coatcheck/internal/servers"
	"github.com/coatcheck/coatcheck/stores/memcachestore"
	"github.com/coatcheck/coatcheck/stores/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) session.Store {
		return memcachestore.New(connect(servers.Memcached(b).Addr))
	})
}

// BenchmarkSize counts what items take, which the server rounds up to the sizes that it has.
func BenchmarkSize(b *testing.B) {
	storetest.BenchmarkSize(b, 20_000, func(b *testing.B) (session.Store, func() int64) {
		addr := servers.MemcachedWith(b, "-m", "1024").Addr
		return memcachestore.New(connect(addr)), func() int64 { return usedChunks(b, addr) }
	})
}

// usedChunks is the memory that items occupy.
func usedChunks(b *testing.B, addr string) (used int64) {
	b.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "stats slabs\r\nquit\r\n")
	size, answer := int64(0), bufio.NewScanner(c)
	for answer.Scan() {
		var class, n int64
		if line := answer.Text(); strings.Contains(line, ":chunk_size ") {
			_, err = fmt.Sscanf(line, "STAT %d:chunk_size %d", &class, &size)
		} else if strings.Contains(line, ":used_chunks ") {
			_, err = fmt.Sscanf(line, "STAT %d:used_chunks %d", &class, &n)
			used += n * size
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return used
}
