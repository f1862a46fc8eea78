package session

import (
	"reflect"
	"testing"
)

// What every request allocates fits its size class of the allocator exactly: one more field would cost the next class.
func TestWhatARequestHoldsFitsItsSizeClass(t *testing.T) {
	for _, c := range []struct {
		what string
		size uintptr
		max  uintptr
	}{
		{"Session", reflect.TypeFor[Session]().Size(), 72},
		{"state, from the first use on", reflect.TypeFor[state]().Size(), 240},
		{"pending, of a request that writes", reflect.TypeFor[pending]().Size(), 208},
	} {
		if c.size > c.max {
			t.Errorf("%s takes %d bytes, %d allowed", c.what, c.size, c.max)
		}
	}
}
