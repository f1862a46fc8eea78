// Timetravel is the shop by a clock that its standard input moves, for tests that have no month to wait. Each line is
// a duration, such as 24h, and is answered with the time that it is then.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/coatcheck/coatcheck/examples/internal/shop"
	_ "github.com/coatcheck/coatcheck/examples/internal/shop/onfiber" // offers Fiber v2
)

func main() {
	var ahead atomic.Int64 // of this machine's clock
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			d, err := time.ParseDuration(in.Text())
			if err != nil {
				fmt.Fprintln(os.Stderr, "timetravel:", err)
				os.Exit(1)
			}
			ahead.Add(int64(d))
			fmt.Fprintln(os.Stdout, "it is", now().Format(time.RFC3339))
		}
	}()
	os.Exit(shop.MainAt(now, os.Args[1:]))
}
