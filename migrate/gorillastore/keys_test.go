package gorillastore

import (
	"math/rand" //nolint:depguard // for its type
	random "math/rand/v2"
	"testing"
)

// Two packages may have one name, as those of context keys often do, and a type of one name in each.
func TestNamesOfKeysHaveTheirPackage(t *testing.T) {
	if a, b := nameOf(rand.Zipf{}), nameOf(random.Zipf{}); a == b {
		t.Errorf("both are %q", a)
	}
}
