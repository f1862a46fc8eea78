package main

import (
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// Fiber reads 4096 bytes of headers unless told otherwise.
func TestExample(t *testing.T) { exampletest.Run(t, 3_500) }
