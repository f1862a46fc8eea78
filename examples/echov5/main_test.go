package main

import (
	"testing"

	"github.com/coatcheck/coatcheck/examples/internal/exampletest"
)

// net/http reads 1 MiB of headers unless told otherwise.
func TestExample(t *testing.T) { exampletest.Run(t, 1_000_000) }
