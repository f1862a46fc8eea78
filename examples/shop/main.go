// Shop is a small web shop with pages, a login, a cart and preferences, on each framework that fits into one build:
// go run ./examples/shop -framework gin. Fiber v3's is examples/fiberv3/shop.
package main

import (
	"os"

	"github.com/coatcheck/coatcheck/examples/internal/shop"
	_ "github.com/coatcheck/coatcheck/examples/internal/shop/onfiber" // offers Fiber v2
)

func main() { os.Exit(shop.Main(os.Args[1:])) }
