// Package soak tells tests how large to be: large enough to fail on what they are about, or as "make soak" wants them.
package soak

import "os"

// Wanted says whether the tests are run at full size.
func Wanted() bool { return os.Getenv("SOAK") != "" }

// Size returns usual, or full if the tests are run at full size.
func Size[T any](usual, full T) T {
	if Wanted() {
		return full
	}
	return usual
}
