package strict_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/coatcheck/coatcheck/migrate/internal/strict"
)

// A Python dictionary with 7 and "7" for keys becomes an object that has a member twice, and Django goes on. Which one
// counts nobody knows, so that value is left out. Among a session's own values, where the user's id is, it is refused.
func TestObjectWithAMemberTwice(t *testing.T) {
	for text, want := range map[string][]string{
		`{"user":"1","cart":{"7":1,"7":2}}`:                               {"user"},
		`{"cart":[{"a":{"b":1,"\u0062":2}},{}],"user":"1","list":[1,{}]}`: {"list", "user"},
		`{"a":{"x":{"b":1}},"b":{"x":{"b":1}},"c":{"b":1,"x":{"b":1}}}`:   {"a", "b", "c"},
		`{"cart":{"7":1,"7":2}}`:                                          nil,
	} {
		values, err := strict.Object([]byte(text))
		if got := slices.Sorted(maps.Keys(values)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		`{"a":1,"a":2}`, `{"a":1,"\u0061":1}`, `{"a":{"7":1,"7":2},"a":3}`, `{"a":{"7":1,"7":2}`, `[{"7":1,"7":2}]`,
	} {
		if values, err := strict.Object([]byte(text)); err == nil {
			t.Errorf("%s: %q", text, values)
		}
	}
}
